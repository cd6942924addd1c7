#!/usr/bin/env bash
# Sourced from the top of the tree: `alone NAME "$@"` makes this script wait until no other script of the same NAME runs in
# this checkout. The lock is not handed on to what the script starts, or a container left running would keep it.
alone() {
    [ "${PORT443_ALONE:-}" != "$1" ] || return 0
    mkdir -p .cache
    flock --nonblock --close ".cache/$1.lock" true ||
        echo "waiting until the other tools/${0##*/} of this checkout has ended" >&2
    PORT443_ALONE=$1 exec flock --close ".cache/$1.lock" "tools/${0##*/}" "${@:2}"
}

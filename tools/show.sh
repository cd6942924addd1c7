#!/usr/bin/env bash
# Sourced by what shows a job step by step: numbered titles, what is run and what it prints, and why it failed. `story` is
# what the whole is called.
number=0

title() {
    number=$((number + 1))
    printf '\n\033[1m== %s. %s\033[0m\n' "$number" "$1"
}

say() { printf '   %s\n' "$*"; }

shown() { # COMMAND...   says what is run, runs it, and shows its output set in
    say "\$ $*"
    "$@" 2>&1 | sed 's/^/   | /'
}

show_play() { # shows what ansible-playbook prints, without what says nothing
    sed --unbuffered -e '/^$/d' -e '/Validating arguments against/,+1d' -e 's/^        "\(.*\)",\{0,1\}$/        \1/' -e 's/^/   | /'
}

fail() {
    # shellcheck disable=SC2154 # who sources this sets it
    printf '\n\033[1m%s failed: %s\033[0m\n' "$story" "$*" >&2
    exit 1
}

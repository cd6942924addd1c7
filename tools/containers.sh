#!/usr/bin/env bash
# Sourced from the top of the tree, by what makes containers: the engine, and names and addresses that are this checkout's own,
# so that two checkouts do not meet. Everything made gets the label port443=test and a name that starts with PORT443_PREFIX.
export CONTAINER_ENGINE=${CONTAINER_ENGINE:-podman}
checkout=$(sha256sum <<<"$PWD $CONTAINER_ENGINE")
export PORT443_PREFIX=port443-${checkout:0:6}
export PORT443_NET4=10.$((16#${checkout:0:2} % 100 + 100)) # two bytes of four, the network adds one
export PORT443_NET6=fd${checkout:0:2}:${checkout:2:4}      # two words of eight, the network adds one or two

engine() { tools/cgroup2 "$CONTAINER_ENGINE" "$@"; }

# Removes containers and networks of this checkout whose names go on with NAME after the prefix.
remove_containers() { # NAME, or '' for all
    local ours
    ours=$(engine ps --all --quiet --filter label=port443=test --filter "name=^$PORT443_PREFIX-$1")
    [ -z "$ours" ] || xargs tools/cgroup2 "$CONTAINER_ENGINE" rm --force --volumes <<<"$ours" >/dev/null
    ours=$(engine network ls --quiet --filter label=port443=test --filter "name=^$PORT443_PREFIX-$1")
    [ -z "$ours" ] || xargs tools/cgroup2 "$CONTAINER_ENGINE" network rm <<<"$ours" >/dev/null
}

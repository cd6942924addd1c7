#!/usr/bin/env bash
# Sourced by tools/demo_machines.sh: the machines as containers, their services by systemd.
# shellcheck disable=SC2154  # tools/demo_machines.sh sets the variables

with_machines() { tools/cgroup2 "$@"; }

make_machines() {
    local image name options=(--systemd=always --privileged)
    [ "$engine" = podman ] || options=(--cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined
        --cgroupns=private --tmpfs /run --tmpfs /run/lock)
    image=$(CONTAINER_ENGINE=$engine tools/image bookworm)
    tools/cgroup2 "$engine" network create --label port443=test --ipv6 --subnet "$network4.0/24" \
        --subnet "$network6:/64" "$prefix" >/dev/null
    for name in web peer; do
        tools/cgroup2 "$engine" run --detach --label port443=test --name "$prefix-$name" --hostname "$name" \
            --network "$prefix" --ip "$([ $name = web ] && echo "$ipv4" || echo "$peer4")" \
            --ip6 "$([ $name = web ] && echo "$ipv6" || echo "$peer6")" "${options[@]}" "$image" /sbin/init >/dev/null
    done
    for name in web peer; do started "$name"; done
}

started() { # NAME
    with_machines tools/started "$engine" "$prefix-$1" "$folder/$1" || fail "$1 does not start"
}

start_services() { # the image has no host keys, so that no two machines have the same
    on web sh -euc 'ssh-keygen -A >/dev/null; systemctl enable --now --quiet nginx ssh netfilter-persistent' </dev/null
}

can_restart() { true; }

restart() {
    tools/cgroup2 "$engine" restart --time 5 "$prefix-$1" >/dev/null
    started "$1"
    on peer ip neigh flush all # podman gives it another hardware address, a reboot would not
}

remove_machines() {
    tools/cgroup2 "$engine" rm --force --volumes "$prefix-web" "$prefix-peer" >/dev/null 2>&1 || true
    tools/cgroup2 "$engine" network rm "$prefix" >/dev/null 2>&1 || true
}

#!/usr/bin/env bash
# Sourced by tools/demo_machines.sh: the machines as namespaces, each with a root of its own in $folder and a cable between
# them. Services are started by hand, as on a system without systemd.
# shellcheck disable=SC2154,SC2034  # tools/demo and tools/demo_machines.sh set and use the variables
# shellcheck disable=SC2016  # what is in single quotes is for the shells inside

packages=python3,iproute2,procps,iptables,nginx-light,openssh-server,curl,ca-certificates

with_machines() { "$@"; }

make_machines() {
    local tar
    tar=$PWD/.cache/images/demo-$(sha256sum <<<"$packages" | cut -c 1-12).tar
    mkdir -p .cache/images
    if [ ! -e "$tar" ]; then
        echo "building the root of the machines (about half a minute)"
        mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
            --aptopt='APT::Install-Recommends "false"' bookworm "$tar.part.tar"
        mv "$tar.part.tar" "$tar"
    fi
    start_machine web "$tar"
    start_machine peer "$tar"
    ip link add eth0 netns "$(cat "$folder/web.pid")" type veth peer name eth0 netns "$(cat "$folder/peer.pid")"
    connect_machine web "$ipv4" "$ipv6"
    connect_machine peer "$peer4" "$peer6"
}

start_machine() { # NAME TAR
    local root=$folder/$1
    mkdir "$root"
    tar --extract --file "$2" --directory "$root" --numeric-owner --exclude './dev/*'
    # Everything that is mounted here is gone with the last process in it.
    unshare --net --mount --pid --uts --fork --kill-child=KILL sh -euc '
        mount --bind "$1" "$1"
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount -t tmpfs tmpfs "$1/run"
        for node in null zero full random urandom tty; do
            touch "$1/dev/$node"
            mount --bind "/dev/$node" "$1/dev/$node"
        done
        hostname "$2"
        cd "$1"
        exec chroot . sleep infinity' - "$root" "$1" </dev/null >/dev/null 2>&1 &
    echo $! >"$folder/$1.unshare"
    for _ in $(seq 50); do
        pgrep --parent "$(cat "$folder/$1.unshare")" --full sleep >"$folder/$1.pid" && return
        sleep 0.1
    done
    fail "the machine $1 does not start"
}

connect_machine() { # NAME IPV4 IPV6
    on "$1" ip link set lo up
    on "$1" ip link set eth0 up
    on "$1" ip address add "$2/24" dev eth0
    on "$1" ip address add "$3/64" dev eth0 nodad
}

start_services() {
    on web sh -euc 'ssh-keygen -A >/dev/null; mkdir -p /run/sshd; /usr/sbin/sshd; service nginx start' </dev/null >/dev/null
}

can_restart() { false; }

remove_machines() {
    local started pid
    for started in "$folder"/*.unshare; do
        [ -e "$started" ] || continue
        pid=$(cat "$started")
        kill -KILL "$pid" 2>/dev/null || true # unshare is deaf to anything else while it waits
        wait "$pid" 2>/dev/null || true
    done
}

#!/usr/bin/env bash
# Sourced by tools/demo: two machines called web and peer, as containers with systemd or, where there is no engine, as
# namespaces with a root of their own; and what is different between the two.
# shellcheck disable=SC2034  # the variables are for who sources this

hash=$(sha256sum <<<"$PWD demo")
prefix=port443-${hash:0:6}-demo
network4=10.$((16#${hash:0:2} % 50 + 200)).43
network6=fd${hash:0:2}:${hash:2:4}:443:
ipv4=$network4.10 ipv6=${network6}:10
peer4=$network4.20 peer6=${network6}:20
engine=${CONTAINER_ENGINE:-podman}

choose_machines() {
    tools/packages mmdebstrap ip
    if [ "${PORT443_DEMO:-}" != namespace ] && tools/packages "$engine" && engine_works; then
        kind="as containers ($engine)"
        . tools/demo_containers.sh
    else
        kind="as namespaces with a root of their own"
        . tools/demo_namespaces.sh
    fi
    remove_machines
}

engine_works() { tools/cgroup2 "$engine" ps >/dev/null 2>&1 || { echo "$engine does not work here, going without" && false; }; }

on() { # MACHINE COMMAND...
    tools/enter "$folder/$1" "${@:2}"
}

machine_variables() {
    printf '%s\n' "ansible_connection: community.general.chroot" "ansible_chroot_exe: $PWD/tools/enter" \
        "ansible_python_interpreter: /usr/bin/python3"
}

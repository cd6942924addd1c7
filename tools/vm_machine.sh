#!/usr/bin/env bash
# Sourced by tools/vm: the machine, its disk, the ports of this machine's loopback that lead to it, and its reboot.
# shellcheck disable=SC2154,SC2034  # tools/vm sets and uses the variables
# shellcheck disable=SC2016  # what is in single quotes is for the machine's shell, or mmdebstrap's

packages=linux-image-amd64,zstd,systemd,systemd-sysv,udev,dbus,kmod,python3,python3-apt,iproute2,procps,ca-certificates,curl
packages+=,openssh-server,iptables,iptables-persistent,netfilter-persistent,nftables,nginx-light

machine='' # the process, while there is one
control='' # the folder of ssh's connections; sockets want a short path
near4=198.51.100.1 near6=2001:db8:443::1

# Self-tests of these take long where every instruction is emulated; nothing here needs them.
slow_modules=aesni_intel,crc32_pclmul,crc32c_intel,crct10dif_pclmul,ghash_clmulni_intel,polyval_clmulni,sha1_ssse3
slow_modules+=,sha256_ssse3,sha512_ssse3,blake2s_x86_64,chacha_x86_64,poly1305_x86_64,curve25519_x86_64

# On a busy machine a unit takes longer to start than systemd waits by default, udev first of all.
patience=systemd.default_timeout_start_sec=600

# The disk is one filesystem; the kernel and what it starts from lie beside it. The system is Debian's own, with a port that
# somebody listens on and a firewall keeps shut, and this run's key for ssh.
build_disk() { # FOLDER
    mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='for f in v4 v6; do
            echo "iptables-persistent iptables-persistent/autosave_$f boolean false"; done | chroot "$1" debconf-set-selections' \
        --customize-hook='printf "MODULES=list\nCOMPRESS=zstd\n" >"$1/etc/initramfs-tools/conf.d/port443"' \
        --customize-hook='printf "%s\n" virtio_pci virtio_blk ext4 >>"$1/etc/initramfs-tools/modules"' \
        --customize-hook='chroot "$1" update-initramfs -u' \
        --customize-hook='echo "/dev/vda / ext4 defaults 0 1" >"$1/etc/fstab"; echo vm >"$1/etc/hostname"' \
        --customize-hook='printf "%s\n" "[Match]" "Name=eth0" "[Network]" "Address=10.0.2.15/24" "Gateway=10.0.2.2" \
            "Address=fd43::15/64" "Gateway=fd43::2" >"$1/etc/systemd/network/eth0.network"' \
        --customize-hook='mkdir -p -m 700 "$1/root/.ssh" "$1/var/empty-site"' \
        --customize-hook="copy-in molecule/files/closed-port.service /etc/systemd/system" \
        --customize-hook="upload $folder/key.pub /root/.ssh/authorized_keys" \
        --customize-hook='chroot "$1" systemctl enable --quiet systemd-networkd ssh nginx closed-port' \
        --customize-hook='chroot "$1" systemctl disable --quiet netfilter-persistent nftables apt-daily.timer \
            apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap fstrim.timer' \
        --customize-hook='chroot "$1" systemctl mask --quiet getty.target serial-getty@ttyS0 systemd-networkd-wait-online' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/*; : >"$1/etc/machine-id"' \
        bookworm "$1/root" >"$1/log" 2>&1 || { tail -n 30 "$1/log" >&2 && return 1; }
    cp "$1"/root/boot/vmlinuz-* "$1/kernel"
    cp "$1"/root/boot/initrd.img-* "$1/initrd"
    truncate --size 3G "$1/disk"
    mkfs.ext4 -q -L port443 -d "$1/root" "$1/disk"
    rm -rf "$1/root"
}

# Sees to it that there is a disk, made by this recipe; `disk` is its folder.
provide_disk() {
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
        { echo "make vm: the machine is made of Debian's amd64 packages; that takes a Debian of that architecture" >&2 && exit 1; }
    [ -e "$folder/key" ] || ssh-keygen -q -t ed25519 -N '' -C port443-vm -f "$folder/key"
    disk=$folder/disk-$({ declare -f build_disk; cat "$folder/key.pub" molecule/files/closed-port.service; echo "$packages"; } |
        sha256sum | cut -c 1-12)
    [ ! -e "$disk" ] || return 0
    echo "building the disk of the machine (about two minutes)"
    rm -rf "$folder"/disk-*
    mkdir "$disk.part"
    build_disk "$disk.part"
    mv "$disk.part" "$disk"
}

forward() { echo "${forwards[$1]}"; } # PORT   the port of this machine's loopback that leads to it

free_ports() { # COUNT
    "$env/bin/python" -c 'import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[one.getsockname()[1] for one in held], sep="\n")' "$1"
}

start_machine() {
    local port free options=()
    mapfile -t free < <(free_ports 4)
    declare -gA forwards=()
    for port in 22 80 443 8443; do
        forwards[$port]=${free[${#forwards[@]}]}
        options+=("hostfwd=tcp:127.0.0.1:${forwards[$port]}-:$port")
    done
    # Written to is a copy in $folder that goes with the process; restrict=on lets nothing out but answers.
    TMPDIR=$folder setpriv --pdeathsig KILL qemu-system-x86_64 -nodefaults -no-user-config -display none -sandbox on \
        -accel "${PORT443_ACCELERATOR:-tcg,thread=multi,tb-size=128}" \
        -cpu "$([ -n "${PORT443_ACCELERATOR:-}" ] && echo host || echo Nehalem)" -smp 2 -m 512 \
        -kernel "$disk/kernel" -initrd "$disk/initrd" \
        -append "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet modprobe.blacklist=$slow_modules $patience" \
        -drive "file=$disk/disk,format=raw,if=virtio,snapshot=on" -device virtio-rng-pci \
        -netdev "user,id=net,restrict=on,ipv6-net=fd43::/64,ipv6-host=fd43::2,$(IFS=, && echo "${options[*]}")" \
        -device virtio-net-pci,netdev=net,romfile= -serial "file:$folder/console" >"$folder/log" 2>&1 </dev/null &
    machine=$!
    control=$(mktemp -d /tmp/port443-vm.XXXXXX)
    wait_for_boot ''
}

stop_machine() {
    [ -n "$machine" ] || return 0
    kill -KILL "$machine" 2>/dev/null || true # its disk is a copy that goes with it
    wait "$machine" 2>/dev/null || true
    rm -rf "$control"
    machine=''
}

# One connection serves all, as each takes the emulated machine a second; it notices when the machine goes down.
ssh_options() {
    echo "-F none -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -o ConnectTimeout=20" \
        "-o ServerAliveInterval=5 -o ControlMaster=auto -o ControlPersist=60 -o ControlPath=$control/%C"
}

on() { # COMMAND...   runs it in the machine, with this shell's input
    # shellcheck disable=SC2046  # options, each a word
    timeout 300 ssh $(ssh_options) -i "$folder/key" -p "$(forward 22)" root@127.0.0.1 "$@"
}

# Waits until systemd has started all it starts, in a boot that is not BOOT. 'degraded' is a finished start as well.
wait_for_boot() { # BOOT
    local boot deadline=$((SECONDS + 1200))
    while [ "$SECONDS" -lt "$deadline" ]; do
        kill -0 "$machine" 2>/dev/null || { cat "$folder/log" >&2 && fail "QEMU ended"; }
        boot=$(on cat /proc/sys/kernel/random/boot_id 2>/dev/null </dev/null) || boot=''
        if [ -n "$boot" ] && [ "$boot" != "$1" ]; then
            on systemctl is-system-running --wait </dev/null >"$folder/started" || grep -q degraded "$folder/started" || continue
            return
        fi
        sleep 1
    done
    tail -n 20 "$folder/console" >&2
    fail "the machine does not start"
}

reboot_machine() {
    local before started=$SECONDS
    before=$(on cat /proc/sys/kernel/random/boot_id </dev/null)
    on systemctl reboot --no-block </dev/null || [ $? = 255 ] || fail "the machine does not reboot" # 255: no more connection
    wait_for_boot "$before"
    say "up again after $((SECONDS - started)) s, its kernel started $(on cat /proc/uptime </dev/null | cut -d ' ' -f 1) s ago"
}

# A network namespace in the machine, from which its firewall sees connections come in, over IPv4 and IPv6.
connect_outside() {
    on "cat >/run/ca.pem" <"$folder/ca.pem"
    on "set -eu
        ip netns add outside
        ip link add near type veth peer name far netns outside
        ip address add $near4/24 dev near
        ip address add $near6/64 dev near nodad
        ip link set near up
        ip -n outside address add 198.51.100.2/24 dev far
        ip -n outside address add 2001:db8:443::2/64 dev far nodad
        ip -n outside link set far up" </dev/null
}

#!/usr/bin/env bash
# Sourced from the top of the tree, as root: a Debian of its own to run something in, made from Debian's packages. It lives in
# memory, in namespaces of its own, and is gone with the process that runs there: nothing has to be cleaned up.

# What apt is told on this machine about how it reaches its mirrors, a line a setting: proxies, and for a mirror that stands
# still, that its lists do not expire.
apt_settings() { apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|By-Hash)' || true; }

# What pip is told on this machine about its index, as /etc/pip.conf of a system that has only Debian's own certificates.
pip_settings() {
    "$(tools/environment main)/bin/python" -m pip config list | python3 -c '
import ast, sys

wanted = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
known = {}
for line in sorted(sys.stdin, key=lambda line: line.startswith(":env:")):  # the environment counts more than files
    name, _, value = line.strip().partition("=")
    words = ast.literal_eval(value).split()
    known[name.split(".")[-1]] = " ".join(word for word in words if not word.startswith(("file:", "/")))
print("[global]\ncert = /etc/ssl/certs/ca-certificates.crt")
for name in wanted:
    if known.get(name):
        print(name.replace("default-", "") + " = " + known[name])'
}

# Prints the tar file of a system, made where the cache does not have it.
system() { # NAME SUITE PACKAGE,PACKAGE...
    local recipe tar settings
    recipe="$2 $3 $(declare -f system)"
    tar=.cache/images/environment-$1-$(sha256sum <<<"$recipe" | cut -c 1-12).tar
    mkdir -p .cache/images
    exec 8>".cache/images/environment-$1.lock"
    flock 8
    if [ ! -e "$tar" ]; then
        echo "building a system of Debian $2 for $1 (about a minute)" >&2
        settings=$(mktemp)
        apt_settings >"$settings"
        # shellcheck disable=SC2016 # the quoted $1 is mmdebstrap's: the folder of the new system
        mmdebstrap --quiet --variant=minbase --mode=root --include="$3" --aptopt="$settings" \
            --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
            --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            --customize-hook='rm "$1/etc/apt/apt.conf.d/99mmdebstrap"' "$2" "$tar.part.tar" >".cache/images/environment-$1.log" 2>&1 8>&- ||
            { rm -f "$settings" "$tar.part.tar" && return 1; }
        rm -f "$settings"
        mv "$tar.part.tar" "$tar"
    fi
    exec 8>&-
    echo "$tar"
}

# Runs a command in a system, as root, in a copy of the checkout, with a plain PATH and nothing of this machine but its
# network, its certificates and how it reaches the package indexes.
inside() { # TAR COMMAND...
    local apt pip
    apt=$(apt_settings) pip=$(pip_settings)
    mkdir -p .cache/pip .cache/inside
    # shellcheck disable=SC2016 # that shell's own
    APT=$apt PIP=$pip unshare --mount --pid --fork --kill-child=KILL --propagation private bash -euc '
        tar=$1 root=$2
        shift 2
        mount -t tmpfs -o mode=755 tmpfs "$root"
        tar --extract --file "$tar" --directory "$root" --numeric-owner --exclude "./dev/*"
        mkdir -p "$root/checkout" "$root/old" "$root/root/.cache/pip"
        git -c safe.directory="*" ls-files -z --cached --others --exclude-standard |
            while IFS= read -r -d "" file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done |
            tar --create --null --files-from=- | tar --extract --directory "$root/checkout"
        mount --bind .cache/pip "$root/root/.cache/pip"
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount -t tmpfs tmpfs "$root/tmp"
        mount -t tmpfs -o mode=755 tmpfs "$root/run"
        for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
            [ ! -e "$file" ] || cat "$file" >"$root$file"
        done
        printf "%s\n" "$PIP" >"$root/etc/pip.conf"
        printf "%s\n" "$APT" "Acquire::Languages \"none\";" >"$root/etc/apt/apt.conf.d/99machine"
        cd "$root"
        pivot_root . old
        umount --lazy /old
        cd /checkout
        if command -v git >/dev/null; then git -c init.defaultBranch=main init --quiet; fi
        exec env --ignore-environment HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin ${CI:+CI="$CI"} \
            ${PORT443_RULESETS:+PORT443_RULESETS="$PORT443_RULESETS"} "$@"
    ' - "$1" "$(realpath .cache/inside)" "${@:2}"
}

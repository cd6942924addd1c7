# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that plays run on over real ssh: network, /etc and /run of its own, the real firewall tools, the real sshd."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

BIN = Path(sys.executable).parent
NEAR, ADDRESS = "10.79.0.1", "10.79.0.2"
START = 30.0  # seconds until sshd has to answer
SETUP = f"""
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir -p "$1/etc" "$1/etc-work" "$1/sbin" "$1/sbin-work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/etc-work" /etc
mount -t overlay overlay -o "lowerdir=/usr/local/sbin,upperdir=$1/sbin,workdir=$1/sbin-work" /usr/local/sbin
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /etc/iptables /etc/systemd/system/multi-user.target.wants
sed -i 's/^root:[^:]*/root:*/' /etc/shadow # sshd lets nobody in whose password is marked as locked
echo ready
read -r _
ip link set lo up
ip address add {ADDRESS}/24 dev eth0
ip link set eth0 up
ip route add default via {NEAR}
exec /usr/sbin/sshd -D -e -f "$2"
"""
SSHD = f"""ListenAddress {ADDRESS}
HostKey {{folder}}/host_key
AuthorizedKeysFile {{folder}}/key.pub .ssh/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""
DEPLOY = """
mount -t tmpfs -o mode=755 tmpfs /media
useradd --no-create-home --home-dir /media/deploy --shell /bin/sh --password '*' deploy
install -d -o deploy /media/deploy /media/deploy/.ssh
cat >/media/deploy/.ssh/authorized_keys
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
"""


class Remote:
    """The host, and ansible-playbook over ssh to it."""

    def __init__(self, folder, collections_path, process):
        self.folder, self.collections_path, self.process = folder, collections_path, process
        self.known = {
            "ansible_host": ADDRESS,
            "ansible_user": "root",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(folder / "remote"),
            "ansible_ssh_private_key_file": str(folder / "key"),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "ansible_ssh_timeout": 2,
        }

    def run(self, *argv, stdin=""):
        """Runs a command on the host, not over ssh."""
        inside = ("nsenter", f"--target={self.process.pid}", "--net", "--mount")
        ended = subprocess.run((*inside, *argv), input=stdin, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{argv} said {ended.stderr}"
        return ended.stdout

    def put(self, path, text, mode="640"):
        put = 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"'
        self.run("sh", "-c", put, "sh", path, mode, stdin=text)

    def rules(self):
        """What the kernel has, without counters."""
        texts = [self.run(f"{name}-save") for name in ("iptables-nft", "ip6tables-nft")]
        lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
        native = self.run("nft", "--stateless", "list", "ruleset").splitlines()
        return [re.sub(r" ?\[\d+:\d+\]", "", line) for line in lines] + native

    def files(self):
        """What lies in the folders that a run may touch, with contents and access."""
        where = "/etc/iptables /etc/nftables.conf /etc/systemd/system /run /var/lib/port443"
        listed = self.run("sh", "-c", f"find {where} -printf '%p %y %m %l\\n' 2>/dev/null; true")
        sums = self.run("sh", "-c", "cat /etc/iptables/* /etc/nftables.conf | sha256sum")
        return [line for line in sorted(listed.splitlines()) if "/run/xtables.lock" not in line] + [sums]

    def lets_in(self):
        """Tells whether a new connection to sshd is answered."""
        try:
            with socket.create_connection((ADDRESS, 22), 0.5) as stream:
                return stream.recv(4) == b"SSH-"
        except OSError:
            return False

    def become_by_sudo(self):
        """From now on somebody connects who becomes root by sudo, as on most hosts."""
        self.run("sh", "-euc", DEPLOY, stdin=(self.folder / "key.pub").read_text())
        self.known.update(ansible_user="deploy", ansible_become=True, ansible_remote_tmp="/media/deploy/.ansible/tmp")

    def start(self, *flags, **options):
        """Starts ansible-playbook with one task of the module ports, and returns its process."""
        return self.start_task({"port443.https.ports": options}, *flags)

    def start_task(self, task, *flags):
        """Starts ansible-playbook with one task, and returns its process."""
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"web": self.known}}}))
        tasks = [
            {**task, "register": "found", "ignore_errors": True},
            {"ansible.builtin.debug": {"msg": "FOUND{{ found | to_json | b64encode }}."}},
        ]
        (self.folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return subprocess.Popen(
            [BIN / "ansible-playbook", "-i", "inventory.yml", "play.yml", *flags],
            cwd=self.folder,
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(self.collections_path),
                ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
                ANSIBLE_SSH_CONTROL_PATH_DIR=str(self.folder / "cp"),
                ANSIBLE_NOCOLOR="1",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, *flags, **options):
        """Returns what one task of the module ports comes to."""
        return self.play_task({"port443.https.ports": options}, *flags)

    def play_task(self, task, *flags):
        """Returns what one task comes to."""
        return self.result_of(self.start_task(task, *flags))

    def result_of(self, running):
        """Waits for a play that was started, and returns what its task came to."""
        said = running.communicate(timeout=120)[0]
        found = re.search(r"FOUND([^.]*)[.]", said)
        assert found, said
        return json.loads(base64.b64decode(found.group(1)))


@pytest.fixture
def remote(tmp_path, collections_path):
    folder = Path(os.path.realpath(tmp_path))
    for name in ("key", "host_key"):
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)), check=True)
    (folder / "sshd_config").write_text(SSHD.format(folder=folder))
    (folder / "disk").mkdir()
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        ("unshare", "--net", "--mount", "sh", "-euc", SETUP, "sh", str(folder / "disk"), str(folder / "sshd_config")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n", (folder / "log").read_text()
        for line in (
            f"ip link add towards type veth peer name eth0 netns {process.pid}",
            f"ip address add {NEAR}/24 dev towards",
            "ip link set towards up",
        ):
            subprocess.run(line.split(), check=True)
        process.stdin.write("\n")
        process.stdin.close()
        made = Remote(folder, collections_path, process)
        deadline = time.monotonic() + START
        while not made.lets_in():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield made
    finally:
        with contextlib.suppress(OSError):
            subprocess.run(("ip", "link", "del", "towards"), check=False)
        process.kill()
        process.wait()
        log.close()

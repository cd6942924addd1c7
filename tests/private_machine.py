# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""This machine with a /etc, a /var and processes of its own, so that a role can be played on it as on any host."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import yaml

BIN = Path(sys.executable).parent

# Services are found by their scripts in /etc/init.d: /run/systemd is not there, and what the first process is called is
# no service manager that Ansible knows. Somebody has to collect the processes whose parent has ended.
FIRST_PROCESS = """
import os, time
print("ready", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.05)
"""
# The changes are kept in memory: only some filesystems can hold those of an overlay. /etc is a copy: what others change
# in the machine's own meanwhile, such as a package that is installed, would show through.
MOUNTS = """
mount -t tmpfs -o mode=755 tmpfs "$1"
cp -a /etc "$1/etc"
mount --bind "$1/etc" /etc
mkdir "$1/var" "$1/var.work"
mount -t overlay overlay -o "lowerdir=/var,upperdir=$1/var,workdir=$1/var.work" /var
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/haproxy
exec "$2" -c "$3"
"""


class PrivateMachine:
    """Runs commands and playbooks in there; the checkout and the network are those of the caller."""

    def __init__(self, folder, pid, collections_path):
        self.folder = folder
        self.inside = ("nsenter", f"--target={pid}", "--mount", "--pid")
        self.environment = dict(
            os.environ,
            HOME=str(folder),
            PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
            ANSIBLE_COLLECTIONS_PATH=str(collections_path),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_PIPELINING="1",
        )

    def run(self, *argv, timeout=180):
        return subprocess.run(
            (*self.inside, f"--wd={self.folder}", *argv),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def play(self, roles, variables, *flags):
        """Plays roles of the collection on the machine; returns the exit code and what was printed."""
        play = {"hosts": "all", "gather_facts": False, "roles": [f"port443.https.{role}" for role in roles]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        known = dict(variables, ansible_connection="local", ansible_python_interpreter=sys.executable)
        inventory = {"all": {"hosts": {"machine": known}}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        ended = self.run(str(BIN / "ansible-playbook"), "-i", "inventory.yml", "play.yml", *flags)
        return ended.returncode, ended.stdout + ended.stderr


@contextlib.contextmanager
def private_machine(folder, collections_path):
    changes = folder / "changes"
    changes.mkdir()
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
    command = (*apart, "sh", "-euc", MOUNTS, "sh", str(changes), sys.executable, FIRST_PROCESS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout.readline() == "ready\n"
            children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text()
            yield PrivateMachine(folder, int(children), collections_path)
        finally:
            started.kill()

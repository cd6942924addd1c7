# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine on which no web server runs, and what foresee does on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run_over.py")
# A /var of its own, as on a disk of its own, with no logs and none of the folders that servers make when they start;
# and inside /etc a folder and a file that are mounts, as /etc/resolv.conf is one in a container. Mounts show in
# other namespaces as well, as systemd has it.
VAR = """
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/cache/apache2 /var/lib/nginx /var/lib/haproxy /var/lib/apache2 /var/log/nginx /var/log/apache2 /var/tmp
ln -s /run /var/run
ln -s /run/lock /var/lock
mkdir /etc/nginx/mounted
mount -t tmpfs tmpfs /etc/nginx/mounted
echo in_the_mount on\\; > /etc/nginx/mounted/one.conf
echo bound_over on\\; > /run/bound.conf
touch /etc/nginx/bound.conf
mount --bind /run/bound.conf /etc/nginx/bound.conf
mount --make-rshared /
"""


class Machine:
    """A machine on which no web server runs; ``test`` is what foresee does on it."""

    def __init__(self, machine, collections_path):
        self.private = machine
        self.private.environment["PYTHONPATH"] = str(collections_path)

    def shell(self, script):
        ended = self.private.run("sh", "-euc", script)
        assert not ended.returncode, ended.stderr
        return ended.stdout

    def begin(self, files, argv, user=(), **options):
        command = (*self.private.inside, f"--wd={self.private.folder}", *user, sys.executable, str(RUN))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started = subprocess.Popen(command, env=self.private.environment, text=True, **pipes)
        watched = ["/etc", "/run", "/srv", "/var", str(self.private.folder / "watched")]
        json.dump({"files": files, "argv": argv, "watched": watched, **options}, started.stdin)
        started.stdin.close()
        started.stdin = None
        return started

    def test(self, files, argv, **options):
        """Returns what the command said, or what the problem was; the machine is as it was before."""
        said, problem = self.begin(files, argv, **options).communicate(timeout=120)
        assert not problem, problem
        answer = json.loads(said)
        assert answer["changed"] == []
        assert answer["watched"] > 500
        return answer["problem"] if "problem" in answer else answer["ended"]

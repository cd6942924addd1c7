# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at the host of a laboratory from its router while a recorder runs there; servers that misbehave."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._witness.collect import begin, end
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import read_door
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch
from lab import HOSTS, ROUTER, tool

MARK = 1241
LOOK = Path(__file__).with_name("look.py")
CHAIN = "table inet t {{\nchain c {{\ntype {kind} hook {hook} priority {priority}\n{rule}\n}}\n}}\n"


def filtering(hook, rule):
    return CHAIN.format(kind="filter", hook=hook, priority=0, rule=rule)


class Witness:
    """Records on the host of a laboratory, looks from its router, and tells where that ended."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.began = lab, str(folder), None

    def on_router(self, *argv, stdin=""):
        return tool(*self.lab._there, *argv, stdin=stdin)

    def look(self, host, **more):
        asked = {"hosts": [host], "names": ["shop.example"], "checks": ["tcp"], "timeout": 1.2, "mark": MARK, **more}
        command = (*self.lab._there, sys.executable, str(LOOK))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ended = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, text=True, env=environment, check=True, timeout=60
        )
        return json.loads(ended.stdout)

    def begin(self, **more):
        watch = Watch(**{"ports": (443, 80), "mark": MARK, **more})
        self.began = begin(FirewallHost(), watch, 30, self.folder)
        return self.began

    def end(self, attempts):
        doors = [read_door(attempt) for attempt in attempts]
        return end(FirewallHost(), self.began.token, self.began.blind, doors, self.folder)

    def locate(self, host, watch=None, **more):
        self.begin(**(watch or {}))
        (found, *_others) = self.end(self.look(host, **more))
        assert os.listdir(self.folder) == []
        return found["ends"], found["because"]


@contextlib.contextmanager
def talkative(size, answer=b"x"):
    """A server on port 4443 that says so many bytes to everybody at once."""
    with socket.create_server((HOSTS[4], 4443)) as waiting:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = waiting.accept()[0]
                    connection.sendall(answer * size)
                    kept.append(connection)

        kept = []
        threading.Thread(target=serve, daemon=True).start()
        yield
        waiting.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def attempt_at(port):
    return {
        "host": HOSTS[4],
        "address": HOSTS[4],
        "family": "ipv4",
        "port": port,
        "protocol": "tcp",
        "outcome": "timed out",
        "sources": [[ROUTER[4], 1]],
        "segment": 0,
        "named": [],
    }


def find_holders(path):
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{process}/fd"):
                if os.readlink(f"/proc/{process}/fd/{name}").startswith(str(path)):
                    found.append(process)
    return found

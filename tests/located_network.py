# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host of an inventory in a network of its own, behind a link that may lose packets, and ansible-playbook over it."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lab import inner_process, start, tool

AGENT = Path(__file__).resolve().parents[0] / "kernel" / "agent.py"
BIN = Path(sys.executable).parent
WEB, HERE = {"ipv4": "192.0.2.2", "ipv6": "2001:db8::2"}, {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}


class Network:
    """The link to the host ``web``, whose Python notes each time that it is called."""

    def __init__(self, folder, collections_path, web):
        self.folder, self.collections_path = folder, collections_path
        self.inside = ("nsenter", f"--net=/proc/{web}/ns/net")
        self.calls = folder / "calls"
        self.python = folder / "python"
        self.python.write_text(f'#!/bin/sh\necho >>{self.calls}\nexec {" ".join(self.inside)} {sys.executable} "$@"\n')
        self.python.chmod(stat.S_IRWXU)
        self.said = ""

    def rules_of_host(self, rules):
        tool(*self.inside, "nft", "-f", "-", stdin=rules)

    def rules_between(self, rules):
        """On the way, as far as the host can tell."""
        tool("nft", "-f", "-", stdin=rules)

    def play(self, tasks, *flags, **variables):
        """Returns what the task registers as ``found``, and how often the host's Python was called."""
        known = {"ansible_connection": "local", "ansible_python_interpreter": str(self.python), **variables}
        known.setdefault("ansible_host", WEB["ipv4"])
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"web": known}}}))
        show = {"ansible.builtin.debug": {"msg": "FOUND{{ found | to_json | b64encode }}."}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [*tasks, show]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        self.calls.write_text("")
        ended = subprocess.run(
            [BIN / "ansible-playbook", "-i", "inventory.yml", "play.yml", *flags],
            cwd=self.folder,
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(self.collections_path),
                ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
                ANSIBLE_REMOTE_TEMP=str(self.folder / "remote"),
                ANSIBLE_NOCOLOR="1",
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.said = ended.stdout + ended.stderr
        shown = re.search(r"FOUND([^.]*)[.]", self.said)
        assert shown, self.said
        assert not [name for name in os.listdir("/run") if name.startswith("port443")]
        return json.loads(base64.b64decode(shown.group(1))), self.calls.read_text().count("\n")

    def probe(self, *flags, delegated=True, become=False, variables=None, **arguments):
        """One task of probe, delegated to the controller."""
        given = {"checks": ["tcp"], "locate": "on_failure", "timeout": 1.0, **arguments}
        task = {"port443.https.probe": given, "register": "found", "ignore_errors": True, "become": become}
        if delegated:
            task["delegate_to"] = "localhost"
        return self.play([task], *flags, **(variables or {}))


@pytest.fixture
def network(tmp_path, collections_path):
    there = start("unshare", "--net", "--kill-child=KILL", sys.executable, str(AGENT), "probe")
    serving = None
    try:
        web = inner_process(there.pid)
        made = Network(tmp_path, collections_path, web)
        tool("ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", str(web))
        for prefix, name, addresses in (((), "up0", HERE), (made.inside, "eth0", WEB)):
            tool(*prefix, "ip", "link", "set", "lo", "up")
            tool(*prefix, "ip", "addr", "add", addresses["ipv4"] + "/24", "dev", name)
            tool(*prefix, "ip", "-6", "addr", "add", addresses["ipv6"] + "/64", "dev", name, "nodad")
            tool(*prefix, "ip", "link", "set", name, "up")
        serving = start(*made.inside, sys.executable, str(AGENT), "serve", "443", *WEB.values())
        yield made
    finally:
        tool("nft", "flush", "ruleset", check=False)
        tool("ip", "link", "del", "up0", check=False)  # the network that goes with its last process goes a little later
        for process in (serving, there):
            if process:
                process.kill()
                process.communicate()

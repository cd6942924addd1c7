# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-playbook over a host with a Windows shell, which is this machine with a played Windows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from powershell import ROOT, copy_collection, find_pwsh, write_cmdlets

HOST = {"ansible_connection": "local", "ansible_shell_type": "powershell", "ansible_pipelining": True}
NAMES = ("powershell", "PowerShell")  # ansible-core 2.19 and 2.20 ask for the second


def cores():
    """Returns ansible-playbook of each environment that is there: the newest, and the oldest that is supported."""
    here = Path(sys.executable).parent / "ansible-playbook"
    return {"newest": here, "oldest": ROOT / ".cache/env/floor/bin/ansible-playbook"}


class WindowsController:
    """A folder with a copy of the collection and the state of a played host, and ansible-playbook over that."""

    def __init__(self, folder, program=None):
        """``program`` is what the controller finds as powershell on the host; PowerShell itself if it is left out."""
        self.folder = folder
        self.state_path = folder / "host.json"
        collections = copy_collection(folder)
        (folder / "bin").mkdir()
        for name in NAMES:
            path = folder / "bin" / name
            path.write_text(f'#!/bin/sh\nexec "{program or find_pwsh()}" "$@"\n')
            path.chmod(0o755)
        (folder / "inventory").write_text(yaml.safe_dump({"all": {"hosts": {"windows": HOST}}}))
        self.environment = dict(
            os.environ,
            PATH=f"{folder / 'bin'}:{os.environ['PATH']}",
            ANSIBLE_COLLECTIONS_PATH=str(collections),
            ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_NO_LOG="0",
            PORT443_PLAYED=str(self.state_path),
            PORT443_CMDLETS=str(write_cmdlets()),
        )
        self.said = ""

    def set_state(self, **state):
        """Makes the played host that: the local rules by name, the active profiles and whatever else it knows."""
        self.state_path.write_text(json.dumps({"local": {}, "active": 1, "policy": {}, **state}))

    def state(self):
        return json.loads(self.state_path.read_text())

    def play(self, *tasks, core="newest", flags=()):
        """Runs tasks in one play; returns for each its result and the state of the host after it."""
        book = []
        path = {"state_path": str(self.state_path)}
        for number, task in enumerate(tasks):
            book.append({"ignore_errors": True, "register": f"result_{number}", **task})
            both = f"{{'result': result_{number}, 'state': lookup('file', state_path) | from_json}}"
            book.append({"ansible.builtin.debug": {"msg": f"RESULT {{{{ {both} | to_json }}}}"}, "vars": path})
        play = {"hosts": "all", "gather_facts": False, "tasks": book}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        ended = subprocess.run(
            [cores()[core], "-i", "inventory", "play.yml", *flags],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.said = ended.stdout + ended.stderr
        shown = [json.loads(json.loads(text)[7:]) for text in re.findall(r'"msg": ("RESULT .*")', self.said)]
        assert len(shown) == len(tasks), self.said
        return [(one["result"], one["state"]) for one in shown]


def executions(states, before=0):
    """Returns how many executions each task took, from the states that they left."""
    runs = [before, *(state.get("runs", 0) for state in states)]
    return [after - earlier for earlier, after in zip(runs, runs[1:])]

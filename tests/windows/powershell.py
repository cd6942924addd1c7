# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds PowerShell, and runs this collection's scripts for Windows in it over a played Windows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLAYED = HERE / "played"
MODULES = "plugins/module_utils"
FIREWALL = ("_windows_step", "_windows_host", "_windows")  # in the order of who needs whom


def find_pwsh():
    """Returns the path of PowerShell, None where there is none; what PORT443_PWSH names has to be there."""
    named = os.environ.get("PORT443_PWSH")
    found = shutil.which(named or "pwsh")
    if named and not found:
        raise SystemExit(f"PORT443_PWSH is {named}, and no program is there")
    return found and os.path.abspath(found)


def copy_collection(folder):
    """Copies the collection into a folder, with the played Windows in place, and returns where collections are."""
    top = folder / "collections"
    copy = top / "ansible_collections" / "port443" / "https"
    copy.mkdir(parents=True)
    for part in ("plugins", "meta", "roles"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", copy)
    for played in PLAYED.glob("*.psm1"):
        shutil.copy(played, copy / MODULES)
    return top


def write_cmdlets():
    """Writes the tables of the cmdlets' parameters as JSON, for the played ones, and returns its path."""
    path = ROOT / ".cache/windows/cmdlets.json"  # the played ones keep what they compile beside it
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as written:
        json.dump(parameter_sets(), written)
    os.replace(written.name, path)
    return path


def parameter_sets():
    """Returns the parameters of each set of each cmdlet; a set that is listed by its keys has those of ByName too."""
    tables = yaml.safe_load((HERE / "cmdlets.yml").read_text())
    for cmdlet, sets in tables.items():
        common = {name: one for name, one in sets.get("ByName", {}).items() if name != "Name"}
        for name in sets:
            if cmdlet == "Set-NetFirewallRule" or (cmdlet == "Remove-NetFirewallRule" and name != "GetAll"):
                sets[name] = {**sets[name], **common}
    return tables


class PowerShell:
    """One PowerShell with the modules of these names loaded, the played ones where they are played, for many calls."""

    def __init__(self, folder, names=FIREWALL, culture=""):
        utilities = folder / "utilities"
        utilities.mkdir(exist_ok=True)
        for name in names:
            played = PLAYED / f"{name}.psm1"
            shutil.copy(played if played.exists() else ROOT / MODULES / f"{name}.psm1", utilities)
        self.culture = culture
        self.environment = {"PORT443_CMDLETS": str(write_cmdlets())}
        command = [find_pwsh(), "-NoProfile", "-NonInteractive", "-File", str(HERE / "session.ps1")]
        self._process = subprocess.Popen(
            [*command, "-Utilities", str(utilities), "-Names", ",".join(names)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def call(self, function, arguments, **environment):
        """Calls a function of the modules with -Arguments, and returns its answer."""
        request = {
            "call": function,
            "arguments": arguments,
            "environment": {**self.environment, **environment},
            "culture": self.culture,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "PowerShell has ended"
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)

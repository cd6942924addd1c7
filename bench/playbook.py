# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ansible-playbook as a user would, and a module's payload by itself, and says how long each took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from hosts import BENCH, Host

PYTHON = "/usr/bin/python3"  # the hosts' own, pinned, so that no task looks for it
_COLLECTIONS = ("ansible.posix", "community.general")
PRIVATE = Path("/run/bench")  # short, for the control sockets; ours alone, see bench/stage


@dataclass(frozen=True)
class Played:
    """``wall`` is the whole command, ``in_tasks`` the sum of its tasks, ``cpu`` what the controller computed: seconds.

    ``skipped`` of the ``tasks`` did nothing on any host.
    """

    wall: float
    in_tasks: float
    cpu: float
    executions: int
    tasks: int
    skipped: int
    results: tuple[dict[str, Any], ...]


class Controller:
    """The side that ansible-playbook runs on, with what is installed in ``collections``."""

    def __init__(self, folder: Path, hosts: Mapping[str, Host], collections: Path) -> None:
        (PRIVATE / "home").mkdir(parents=True, exist_ok=True)
        self._bin = Path(sys.executable).parent
        self._inventory = PRIVATE / "inventory.json"
        self._environment = {
            "PATH": f"{self._bin}:/usr/bin:/bin",
            "HOME": str(PRIVATE / "home"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(BENCH / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(PRIVATE / "control"),
        }
        variables = {
            "ansible_user": "root",
            "ansible_python_interpreter": PYTHON,
            "ansible_ssh_private_key_file": str(folder / "disk" / "hosts" / "key"),
        }
        listed = {name: {"ansible_host": host.addresses[0]} for name, host in hosts.items()}
        self._inventory.write_text(json.dumps({"all": {"hosts": listed, "vars": variables}}), encoding="utf-8")

    def play(self, name: str, hosts: Sequence[str], variables: Mapping[str, Any], keep_files: bool = False) -> Played:
        """Runs one of the plays on the hosts, all at once; raises RuntimeError with its output if it fails."""
        durations = PRIVATE / "durations.json"
        durations.unlink(missing_ok=True)
        environment = {**self._environment, "BENCH_DURATIONS": str(durations)}
        if keep_files:
            environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
        extra = PRIVATE / "variables.json"
        extra.write_text(json.dumps(variables), encoding="utf-8")
        playbook = str(BENCH / "plays" / f"{name}.yml")
        argv = (str(self._bin / "ansible-playbook"), "--inventory", str(self._inventory), playbook)
        options = ("--limit", ",".join(hosts), "--forks", str(len(hosts)), "--extra-vars", f"@{extra}")
        started, computed = time.perf_counter(), _seconds_of_children()
        ended = subprocess.run((*argv, *options), env=environment, capture_output=True, text=True, check=False)
        wall, cpu = time.perf_counter() - started, _seconds_of_children() - computed
        if ended.returncode:
            raise RuntimeError(f"the play {name} on {', '.join(hosts)} failed:\n{ended.stdout}{ended.stderr}")
        return _read(durations, wall, cpu)

    def versions(self) -> str:
        """Returns the versions of ansible-core, of the controller's Python and of the collections compared with."""
        shown = subprocess.run(
            (str(self._bin / "ansible-galaxy"), "collection", "list", "--format", "json"),
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        listed = json.loads(shown.stdout).values()
        found = [f"{name} {folder[name]['version']}" for name in _COLLECTIONS for folder in listed if name in folder]
        code = "import ansible.release, platform; print(ansible.release.__version__, platform.python_version())"
        told = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
        core, python = told.stdout.split()
        return f"ansible-core {core} on Python {python}, {', '.join(found)}"


def _seconds_of_children() -> float:
    """Processor time of the processes that ended and were waited for, their own such children included.

    The hosts are not among them: they run on, and so do ssh's persistent connections.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(path: Path, wall: float, cpu: float) -> Played:
    told = json.loads(path.read_text(encoding="utf-8"))
    tasks = told["tasks"]
    results = tuple(result for task in tasks for result in task["results"])
    skipped = sum(1 for task in tasks if task["skipped"] and not task["results"])
    in_tasks = sum(task["seconds"] for task in tasks)
    return Played(wall, in_tasks, cpu, told["executions"], len(tasks), skipped, results)


class Payload:
    """What Ansible copies to a host for one module with its arguments, run there again without Ansible."""

    def __init__(self, host: Host, controller: Controller, play: str, variables: Mapping[str, Any]) -> None:
        self._host = host
        home = Path(f"/proc/{host.process.pid}/root/root/.ansible/tmp")
        before = set(home.glob("*/AnsiballZ_*.py"))
        controller.play(play, (host.name,), variables, keep_files=True)
        (new,) = set(home.glob("*/AnsiballZ_*.py")) - before
        self.size = new.stat().st_size
        self._path = "/" + str(new).split("/root/", 1)[1]

    def seconds(self) -> float:
        """Runs it and returns how long that took, Python's start included."""
        started = time.perf_counter()
        self._host.run(PYTHON, self._path)
        return time.perf_counter() - started


def remove_payloads(host: Host) -> None:
    """Removes what was kept on a host."""
    host.run("find", "/root/.ansible/tmp", "-mindepth", "1", "-delete")


def cpus() -> int:
    """Returns how many processors this process may use."""
    return len(os.sched_getaffinity(0))

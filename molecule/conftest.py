# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines of the scenario that runs, as fixtures: ``target`` (a test runs once for each host) and ``peer``."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

ENGINE = os.environ["CONTAINER_ENGINE"]
NETWORK = "{PORT443_PREFIX}-{MOLECULE_SCENARIO_NAME}".format(**os.environ)
INVENTORY = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "inventory" / "hosts.yml"
PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])

KNOCK = """
import concurrent.futures, json, socket, sys

def knock(door):
    try:
        socket.create_connection(door[:2], 1.5, (door[2], 0)).close()
    except ConnectionRefusedError:
        return "refused"
    except (TimeoutError, socket.timeout):
        return "silent"
    except OSError as error:
        return str(error)
    return "open"

doors = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(len(doors)) as pool:
    print(json.dumps(list(pool.map(knock, map(tuple, doors)))))
"""


class Entered(BaseBackend):
    """Runs testinfra's commands in a container as tools/enter does."""

    NAME = "entered"

    def __init__(self, container: str) -> None:
        self.machine = str(PROJECT / ".cache" / "machines" / container)
        super().__init__(container)

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """What a shell command answers."""
        inside = self.get_command(command, *args)
        return self.run_local("%s %s /bin/sh -c %s", str(PROJECT / "tools" / "enter"), self.machine, inside)


@dataclass(frozen=True)
class Machine:
    """A container: ``host`` is what testinfra asks, ``ipv4`` and ``ipv6`` are its addresses.

    ``variables`` are those that the scenario's inventory has for this host.
    """

    name: str
    host: Any
    ipv4: str
    ipv6: str
    variables: Dict[str, Any] = field(default_factory=dict)

    def run(self, command: str) -> str:
        """What a shell command prints, without the last line's end; the test fails if the command does."""
        return self.host.check_output(command)

    def read(self, path: str) -> str:
        """The content of a file."""
        return self.host.file(path).content_string

    def knock(self, other: Machine, *ports: int, last: int = 0) -> Dict[str, str]:
        """How TCP ports of another machine answer from here, all asked at once.

        ``last`` is the last part of the addresses to ask from, 0 for whichever the machine takes.

        Returns ``{"ipv4 443": answer, "ipv6 443": answer, ...}``; an answer is open, refused, silent (nothing came in
        1.5 seconds, so one lost packet is forgiven) or what the system said.
        """
        own = {"ipv4": self.ipv4.rpartition(".")[0] + f".{last}", "ipv6": self.ipv6.rpartition(":")[0] + f":{last}"}
        doors = {
            f"{family} {port}": (getattr(other, family), port, own[family] if last else "")
            for family in own
            for port in ports
        }
        answers = self.host.check_output("python3 -c %s %s", KNOCK, json.dumps(list(doors.values())))
        return dict(zip(doors, json.loads(answers)))


def machine(name: str) -> Machine:
    """The container of that name in the scenario's inventory, as it is now: a restart may have changed it."""
    container = f"{NETWORK}-{name}"
    shown = subprocess.run([ENGINE, "inspect", container], check=True, capture_output=True, text=True)
    link: Dict[str, Any] = json.loads(shown.stdout)[0]["NetworkSettings"]["Networks"][NETWORK]
    return Machine(
        name, Host(Entered(container)), link["IPAddress"], link["GlobalIPv6Address"], targets().get(name) or {}
    )


def targets() -> Dict[str, Dict[str, Any]]:
    """The hosts of the scenario's group ``targets``, with their variables."""
    inventory: Dict[str, Any] = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))
    return inventory["targets"]["hosts"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``target`` runs once for each host of the scenario's group ``targets``."""
    if "target" in metafunc.fixturenames:
        metafunc.parametrize("target", sorted(targets()), indirect=True, scope="session")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Machine:
    """One host of the scenario."""
    return machine(request.param)


@pytest.fixture(scope="session")
def peer() -> Machine:
    """The machine from which the hosts are seen."""
    return machine("peer")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module's host over a played machine: real files under its folder, its commands played in this process."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed

from fake_pf.machine import Machine

READS = ("-s", "-n", "show")


class PlayedHost(FirewallHost):
    """Every path is one of the machine's."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.full = ""

    def system(self) -> str:
        return self.machine.kernel.system

    def is_root(self) -> bool:
        return self.machine.kernel.root

    def find(self, name: str) -> Optional[str]:
        return name if self.machine.has(name) and name not in self.machine.kernel.settings.get("missing", "") else None

    def run(self, argv: Sequence[str], stdin: str = "") -> Completed:
        if self.find(argv[0]) is None:
            raise HostError(f"{argv[0]} is not installed on this host")
        code, out, err = self.machine.run(list(argv), stdin)
        return Completed(tuple(argv), code, out, err)

    def read(self, path: str) -> Optional[bytes]:
        return super().read(str(self.machine.path(path)))

    def write(self, path: str, before: Optional[bytes], after: Optional[bytes]) -> None:
        if self.full and self.full in path:
            raise HostError(f"{path} cannot be written: No space left on device")
        real = self.machine.path(path)
        if path.startswith(("/var/run/", "/Library/")):
            real.parent.mkdir(parents=True, exist_ok=True)
        super().write(str(real), before, after)

    def refuse_unwritable(self, path: str) -> None:
        if self.machine.kernel.settings.get("read-only"):
            raise HostError(f"{path.rpartition('/')[0]} cannot be written: Read-only file system")
        if not path.startswith("/Library/"):
            super().refuse_unwritable(str(self.machine.path(path)))

    def has_link(self, path: str) -> bool:
        return super().has_link(str(self.machine.path(path)))

    def list_folder(self, path: str) -> Tuple[str, ...]:
        return super().list_folder(str(self.machine.path(path)))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        yield

    def changing_calls(self) -> list:
        """The calls so far that can change something, as command lines, and forgets all."""
        calls = [call for call in self.machine.kernel.calls if not any(word in READS for word in call)]
        self.machine.kernel.calls.clear()
        looking = ("sysctl", "ifconfig", "route", "socketfilterfw")
        return [" ".join(call) for call in calls if call[0].rpartition("/")[2] not in looking and call[1] != "print"]

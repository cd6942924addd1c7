# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps that switch pf on and take or release a reference: macOS counts who wants it on."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import List

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import find_token
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan.apply import explain
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act

_RELEASED = re.compile(r"pf disabled|disable request successful")  # pfctl.c of macOS, of the last and of another holder


@dataclass(frozen=True)
class Hold(Act):
    """Takes a reference with ``pfctl -E`` and keeps what that says, the token, in the file ``path``."""

    path: str

    def carry_out(self, host: FirewallHost) -> None:
        """Switches pf on; raises HostError if that fails or no token can be found in what was said."""
        ended = host.run(("pfctl", "-E"))
        if ended.returncode or find_token(ended.err) is None:
            raise HostError(explain(ended))
        host.write(self.path, host.read(self.path), ended.err.encode("utf-8", "surrogateescape"))

    def take_back(self, host: FirewallHost) -> None:
        """Gives the reference back, so that pf is off again unless somebody else holds it."""
        said = host.read(self.path)
        token = find_token((said or b"").decode("utf-8", "surrogateescape"))
        if token is None:
            raise HostError(f"{self.path} holds no token of pf any more")
        ended = host.run(("pfctl", "-X", token))
        if ended.returncode or not _RELEASED.search(ended.err):
            raise HostError(explain(ended))
        host.write(self.path, said, None)

    def __str__(self) -> str:
        return f"pfctl -E, with its token kept in {self.path}"


@dataclass(frozen=True)
class TakeReference(Act):
    """Switches pf on where nobody counts references (FreeBSD, OpenBSD); ``switched`` notes that this did it."""

    switched: List[bool] = field(default_factory=list, compare=False)

    def carry_out(self, host: FirewallHost) -> None:
        """Switches pf on, unless somebody else did meanwhile; raises HostError."""
        ended = host.run(("pfctl", "-e"))
        already = "pf already enabled" in ended.err
        self.switched.append(ended.returncode == 0)
        if not already and (ended.returncode or "pf enabled" not in ended.err):
            with contextlib.suppress(HostError):
                self.take_back(host)  # which nobody else does for a step that failed
            raise HostError(explain(ended))

    def take_back(self, host: FirewallHost) -> None:
        """Switches pf off, if it was this that switched it on; raises HostError unless pfctl says that it is off."""
        if self.switched and self.switched.pop():
            ended = host.run(("pfctl", "-d"))
            if "pf not enabled" not in ended.err and (ended.returncode or "pf disabled" not in ended.err):
                raise HostError(explain(ended))

    def __str__(self) -> str:
        return "pfctl -e"

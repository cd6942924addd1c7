# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Switches ufw on, and back to what was there before, which ``ufw disable`` alone does not bring back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import ClassVar, Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.boot import HOOKS
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.enable import find_losses
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import UfwSettings
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, NFT, Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table
from ansible_collections.port443.https.plugins.module_utils._plan.apply import explain
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import restore_command


@dataclass(frozen=True)
class SwitchOn(Act):
    """Switches ufw on; ``files`` are those it loads, ``rewritten`` those it writes then, both as they are before.

    ``kernel`` is what was there before, of which ``ufw disable`` leaves the policies at ACCEPT, and chains and jumps of
    its own behind.
    """

    loads_files: ClassVar[bool] = True

    frontend: str
    settings: UfwSettings
    files: Dict[str, str] = field(repr=False)
    rewritten: Dict[str, str] = field(repr=False)
    kernel: Kernel = field(repr=False)

    def __str__(self) -> str:
        return "ufw --force enable"

    def carry_out(self, host: FirewallHost) -> None:
        """Does it; raises Overtaken where others would lose a rule by now, HostError with ufw's words."""
        losses = find_losses(observe_kernel(host), self.frontend, self.settings, self.files)
        if losses:
            raise Overtaken(f"another program made meanwhile what a start of ufw would take away: {losses[0]}")
        ended = host.run(("ufw", "--force", "enable"))
        if ended.returncode:
            with contextlib.suppress(HostError):  # what did not start may have nothing to take back
                self.take_back(host)
            raise HostError(explain(ended))

    def files_before(self) -> Dict[str, Optional[bytes]]:
        """Returns the files that ufw writes when it is switched on."""
        return {path: text.encode("utf-8", "surrogateescape") for path, text in self.rewritten.items()}

    def take_back(self, host: FirewallHost) -> None:
        """Switches it off, brings policies and files back, and removes what it leaves behind; raises HostError."""
        ended = host.run(("ufw", "--force", "disable"))
        problems = [explain(ended)] if ended.returncode else []
        for path, text in self.rewritten.items():
            now = host.read(path)
            if now != text.encode("utf-8", "surrogateescape"):
                host.write(path, now, text.encode("utf-8", "surrogateescape"))
        now_there = observe_kernel(host)
        for family in FAMILIES:
            have, before = (kernel.table(self.frontend, family) for kernel in (now_there, self.kernel))
            if have is None:
                continue
            command = restore_command(self.kernel.commands.get(self.frontend, "iptables"), family)
            ended = host.run(command, _script(have, before))
            problems += [explain(ended)] if ended.returncode else []
            if before is None and self.frontend == NFT:
                for hook in HOOKS:
                    host.prune(FAMILIES[family], "filter", hook)
        if problems:
            raise HostError("; ".join(problems))


def _script(have: Table, before: Optional[Table]) -> str:
    """Restore input that makes policies what they were, and removes the chains and rules of ufw that were not there."""
    lines: List[str] = ["*filter"]
    chains: Tuple[str, ...] = ()
    for chain in have.chains:
        was = before.chain(chain.name) if before is not None else None
        if chain.name in HOOKS:
            policy = was.policy if was is not None and was.policy else "accept"
            lines.append(f":{chain.name} {policy.upper()} [0:0]")
        elif chain.name.startswith("ufw") and was is None:
            chains += (chain.name,)
    lines += [f":{name} - [0:0]" for name in chains]
    for chain in have.chains:
        if chain.name in HOOKS:
            was = before.chain(chain.name) if before is not None else None
            known = {rule.text for rule in was.rules} if was is not None else set()
            lines += ["-D" + rule.text[2:] for rule in chain.rules if rule.text not in known and _is_of_ufw(rule.text)]
    lines += [f"-X {name}" for name in chains]
    return "\n".join([*lines, "COMMIT", ""])


_LOOPBACK = ("-A INPUT -i lo -j ACCEPT", "-A OUTPUT -o lo -j ACCEPT")  # what it makes of IPv6 that it does not manage


def _is_of_ufw(text: str) -> bool:
    return " -j ufw" in text or text in _LOOPBACK

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands and input lines of iptables-restore, for either IP version and frontend."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._xtables.ports import XtablesJump


def command_of(prefix: str, family: int) -> str:
    """Returns how the tools of an IP version begin, where those of IPv4 begin with ``prefix``."""
    return prefix if family == 4 else prefix.replace("iptables", "ip6tables", 1)


LOCK_WAIT = 5  # seconds; legacy 1.8.9 waits for ever unless told, iptables-nft takes no lock and ignores it


def restore_command(prefix: str, family: int) -> Tuple[str, ...]:
    """The command that changes rules of the frontend whose IPv4 tools begin with ``prefix``."""
    return (command_of(prefix, family) + "-restore", "--noflush", "--wait", str(LOCK_WAIT))


def inserts(jumps: Tuple[XtablesJump, ...]) -> List[str]:
    """Returns the lines that put jumps where they belong, counted without them; of one place in their order."""
    inserted: Dict[str, int] = {}
    lines = []
    for jump in sorted(jumps, key=lambda jump: (jump.chain, jump.index)):
        before = inserted.get(jump.chain, 0)
        body = jump.line[len(f"-A {jump.chain} ") :]
        lines.append(f"-I {jump.chain} {jump.index + before + 1} {body}")
        inserted[jump.chain] = before + 1
    return lines

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From one layout of our rules to another as input of iptables-restore: one atomic commit, nobody else's rule named."""

from __future__ import annotations

from typing import Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._lines import Jump, Layout
from ansible_collections.port443.https.plugins.module_utils._kernel import command_of
from ansible_collections.port443.https.plugins.module_utils._plan import Prune, Run

LOCK_WAIT = 5  # seconds; legacy 1.8.9 waits for ever unless told, iptables-nft takes no lock and ignores it


def restore_command(prefix: str, family: int) -> Tuple[str, ...]:
    """The command that changes rules of the frontend whose IPv4 tools begin with ``prefix``."""
    return (command_of(prefix, family) + "-restore", "--noflush", "--wait", str(LOCK_WAIT))


def change(frontend: str, family: int, chain: str, have: Layout, want: Layout, back: Tuple[Prune, ...] = ()) -> Run:
    """Returns the command that makes ``want`` of ``have``; ``back`` follows where that has to be taken back."""
    command = restore_command(frontend, family)
    return Run(command, script(chain, have, want), (Run(command, script(chain, want, have)), *back))


def script(chain: str, before: Layout, after: Layout) -> str:
    """Returns restore input; jumps are deleted by their own text, so that a moved index cannot hit another rule."""
    lines = ["*filter"]
    if after.chain_exists:
        # Declaring a chain under --noflush makes it, or empties it where it is there.
        lines.append(f":{chain} - [0:0]")
    if before.jumps != after.jumps:
        lines += ["-D" + jump.line[2:] for jump in before.jumps]
    lines += after.rules
    if before.jumps != after.jumps:
        lines += inserts(after.jumps)
    if before.chain_exists and not after.chain_exists:
        lines += [f"-F {chain}", f"-X {chain}"]
    return "\n".join([*lines, "COMMIT", ""])


def inserts(jumps: Tuple[Jump, ...]) -> List[str]:
    """Returns the lines that put jumps where they belong, counted without them; of one place in their order."""
    inserted: Dict[str, int] = {}
    lines = []
    for jump in sorted(jumps, key=lambda jump: (jump.chain, jump.index)):
        before = inserted.get(jump.chain, 0)
        body = jump.line[len(f"-A {jump.chain} ") :]
        lines.append(f"-I {jump.chain} {jump.index + before + 1} {body}")
        inserted[jump.chain] = before + 1
    return lines

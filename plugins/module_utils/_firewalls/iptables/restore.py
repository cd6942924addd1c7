# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the change from one layout to another as input of iptables-restore: one commit, no foreign rule named."""

from __future__ import annotations

from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import XtablesLayout
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Prune, Run
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import inserts, restore_command


def change(
    frontend: str, family: int, chain: str, have: XtablesLayout, want: XtablesLayout, back: Tuple[Prune, ...] = ()
) -> Run:
    """Returns the command that makes ``want`` of ``have``; ``back`` follows where that has to be taken back."""
    command = restore_command(frontend, family)
    return Run(command, script(chain, have, want), (Run(command, script(chain, want, have)), *back))


def script(chain: str, before: XtablesLayout, after: XtablesLayout) -> str:
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

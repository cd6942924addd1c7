# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operations of a plan: a cmdlet and its parameters, with the way back, for the script and for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Tuple

from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act

_CMDLETS = {"add": "New-NetFirewallRule", "set": "Set-NetFirewallRule", "remove": "Remove-NetFirewallRule"}
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
_WILDCARDS = re.compile(r"([`*?\[\]])")

Parameters = Tuple[Tuple[str, Any], ...]
"""The parameters of a cmdlet in order; values are text, or a tuple of texts."""


@dataclass(frozen=True)
class RuleOperation(Act):
    """One change of one rule, which the script on the host carries out; ``verb`` is add, set or remove.

    ``undo`` are the operations that take it back, ``lost`` the keys of the rule that these cannot write again.
    """

    verb: str
    id: str
    parameters: Parameters = ()
    undo: Tuple[RuleOperation, ...] = ()
    lost: Tuple[str, ...] = ()

    def __str__(self) -> str:
        """The command as a person would type it."""
        name = self.id if self.verb == "add" else _WILDCARDS.sub("`\\1", self.id)
        words = [_CMDLETS[self.verb], "-PolicyStore", "PersistentStore", "-Name", quote(name)]
        for parameter, value in self.parameters:
            words += [f"-{parameter}", ",".join(map(quote, (value,) if isinstance(value, str) else value))]
        return " ".join(words)

    def as_argument(self) -> Dict[str, Any]:
        """The operation as the script takes it."""
        fields = {name: value if isinstance(value, str) else list(value) for name, value in self.parameters}
        argument: Dict[str, Any] = {"do": self.verb, "id": self.id, "fields": fields}
        if self.undo:
            argument["undo"] = [back.as_argument() for back in self.undo]
        return argument


def quote(text: str) -> str:
    """Returns a text as a word of PowerShell; where it may be more than a word, in single quotes."""
    if _BARE.fullmatch(text):
        return text
    for mark in "'\u2018\u2019\u201a\u201b":  # PowerShell takes each of these for a single quote
        text = text.replace(mark, mark * 2)
    return f"'{text}'"


def in_order(given: Dict[str, Any]) -> Parameters:
    """Returns parameters in an order that people would type them in."""
    order = ("DisplayName", "NewDisplayName", "Group", "Direction", "Action", "Enabled", "Protocol")
    names = sorted(given, key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple((name, given[name] if isinstance(given[name], str) else tuple(given[name])) for name in names)

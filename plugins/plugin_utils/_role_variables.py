# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds variables that begin with a role's name and that no role takes, by the roles' own defaults."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import FrozenSet, Iterable, List, Mapping, Tuple

_FOLDER = Path(__file__).resolve().parents[2] / "roles"
# What the roles themselves set, for later tasks or for tasks that they are given.
_FACTS = frozenset(
    (
        "install_certificate_fingerprints",
        "issue_certificate_dns_records",
        "issue_certificate_dns_state",
        "issue_certificate_fingerprints",
        "verify_https_found",
    )
)
# What playbooks of this collection take beside the variables of roles; they have no defaults of their own.
_PLAYBOOKS = {"roll_https": frozenset(("roll_https_batches", "roll_https_previous"))}
# The variable with the names of variables that begin like ours and are somebody else's.
OTHERS = "port443_other_variables"


def roles() -> Tuple[str, ...]:
    """Returns the names of the roles of this collection."""
    return tuple(sorted(path.name for path in _FOLDER.iterdir() if (path / "defaults").is_dir()))


def names_of(role: str) -> FrozenSet[str]:
    """Returns the variables that a role, or a playbook, takes; every one of a role's has a default."""
    if role in _PLAYBOOKS:
        return _PLAYBOOKS[role]
    defaults = (_FOLDER / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(\w+):", defaults, re.MULTILINE))


def unknown(searched: Iterable[str], given: Iterable[str], others: Iterable[str]) -> List[Tuple[str, str]]:
    """Returns which of the variables ``given`` begin with the name of a role of ``searched`` and are none of its own.

    Each comes with the variable that was probably meant. ``others`` are names to leave alone.
    """
    beginnings = tuple(f"{role}_" for role in searched)
    strange = {name for name in given if isinstance(name, str) and name.startswith(beginnings)} - _FACTS - set(others)
    if not strange:
        return []
    known = {role: names_of(role) for role in (*roles(), *_PLAYBOOKS)}
    strange.difference_update(*known.values())
    return [(name, _nearest(name, known)) for name in sorted(strange)]


def _nearest(name: str, known: Mapping[str, FrozenSet[str]]) -> str:
    """The variable that comes nearest: of the role itself, or of another one that has what the name ends in."""
    own = next(role for role in known if name.startswith(f"{role}_"))
    near = difflib.get_close_matches(name, sorted(known[own]), 1, 0)[0]
    if difflib.SequenceMatcher(None, name[len(own) :], near[len(own) :]).ratio() > 0.75:
        return near
    ending = name[len(own) :]
    return next((role + ending for role in known if role + ending in known[role]), near)

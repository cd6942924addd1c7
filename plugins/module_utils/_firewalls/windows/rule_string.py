# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a firewall rule as the registry holds it, and writes it again ([MS-GPFAS] 2.2.2.19).

``v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|LPort=443|Name=HTTPS|``: the version of the format,
then keys with values. Keys are matched without case, as the standard itself spells some of them in two ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import FrozenSet, Tuple

PROFILES = ("Domain", "Private", "Public")

_HEAD = re.compile(r"v(\d{1,3}\.\d{1,3})\|", re.ASCII)


@dataclass(frozen=True)
class WindowsRule:
    """A rule of a store (``local``, ``gpo`` or ``mdm``): its name there, and its keys in order, each with a value."""

    store: str
    id: str
    version: str
    fields: Tuple[Tuple[str, str], ...]

    def all(self, *keys: str) -> Tuple[str, ...]:
        """Returns the values of all fields with one of these keys."""
        wanted = {key.lower() for key in keys}
        return tuple(value for key, value in self.fields if key.lower() in wanted)

    def get(self, key: str) -> str:
        """Returns the first value of a key, empty where there is none."""
        return next(iter(self.all(key)), "")

    @property
    def keys(self) -> FrozenSet[str]:
        """The keys in lower case."""
        return frozenset(key.lower() for key, _value in self.fields)

    @property
    def action(self) -> str:
        """``allow``, ``block`` or ``bypass``."""
        return self.get("Action").lower()

    @property
    def direction(self) -> str:
        """``in`` or ``out``."""
        return self.get("Dir").lower()

    @property
    def enabled(self) -> bool:
        """Whether it counts; a rule that does not say so does not."""
        return self.get("Active").lower() == "true"

    @property
    def profiles(self) -> FrozenSet[str]:
        """The profiles in which it counts; one that names none counts in all."""
        named = {value.lower() for value in self.all("Profile")}
        return frozenset(name for name in PROFILES if name.lower() in named) or frozenset(PROFILES)

    @property
    def shown(self) -> str:
        """What people call it: its id, and its name where that is not an entry of a library."""
        name = self.get("Name")
        return f"{self.id} '{name}'" if name and not name.startswith("@") and name != self.id else self.id


def parse_rule(store: str, name: str, text: str) -> WindowsRule:
    """Returns the rule that a text is.

    Nothing is refused, as newer versions of Windows have newer keys: what has no ``=`` is a key without a value, and
    where the version is missing, the whole text is.
    """
    head = _HEAD.match(text)
    parts = text[head.end() :].split("|") if head else [text]
    pairs = (part.partition("=") for part in parts if part)
    return WindowsRule(store, name, head.group(1) if head else "", tuple((key, value) for key, _eq, value in pairs))


def format_rule(rule: WindowsRule) -> str:
    """Returns the text that ``parse_rule`` reads a well-formed rule from."""
    return f"v{rule.version}|" + "".join(f"{key}={value}|" for key, value in rule.fields)

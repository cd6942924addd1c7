# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares rules as pfctl prints them: what others have in force, and what a text would bring in its place.

Order is left out, as the optimiser may change it, and so are the names of the tables that it makes, the numbers in
labels (``$nr`` moves with the place of our call) and the call of our own anchor.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import resolve
from ansible_collections.port443.https.plugins.module_utils._pf.rule import AUTOMATIC, Rules

_AUTOMATIC = re.compile(rf"<{AUTOMATIC}[^>]*>")
_NUMBERED = re.compile(r'label "[^"]*"')
_UNCOUNTED = ("altq", "queue", "set ", "table ", "Loading ")  # what is no rule of any listing
_MACRO = re.compile(r"\w+ = \"", re.ASCII)
_OPENS = re.compile(r'(anchor "([^"_][^"]*)".*) \{', re.ASCII)


@dataclass(frozen=True)
class Difference:
    """Rules that are in force and not in pf.conf, and the other way round, as pfctl prints them."""

    only_live: Tuple[str, ...]
    only_file: Tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.only_live or self.only_file)

    def __str__(self) -> str:
        parts = []
        if self.only_live:
            parts.append(f"in force alone: {'; '.join(self.only_live[:3])}")
        if self.only_file:
            parts.append(f"in the file alone: {'; '.join(self.only_file[:3])}")
        return ", ".join(parts)


@dataclass
class Printed:
    """What pfctl printed, apart: the rules of the main ruleset, and those of named anchors that stood in braces."""

    main: List[str] = field(default_factory=list)
    bodies: Dict[str, List[str]] = field(default_factory=dict)


def is_call(line: str, anchor: str) -> bool:
    """Tells whether a printed line is the call of that anchor."""
    return line.startswith(f'anchor "{anchor}" ') and not line.endswith("{")


def calls(rules: Rules, anchor: str) -> bool:
    """Tells whether a ruleset calls an anchor by name."""
    return any(rule.action == "anchor" and rule.anchor == anchor and not rule.body for rule in rules)


def separate(text: str) -> Printed:
    """Returns what was printed with the bodies of named anchors apart.

    ``-s rules`` prints a body only where the name begins with ``_``, as that of an anchor without one does
    (pfctl_show_rules() in pfctl.c), and ``-n -v -f`` prints all of them.
    """
    found = Printed()
    inside: List[Tuple[List[str], str]] = [(found.main, "")]
    for line in (line.strip() for line in text.splitlines()):
        into, path = inside[-1]
        opened = _OPENS.fullmatch(line)
        if opened:
            into.append(opened.group(1))
            path = resolve(opened.group(2), path)
            inside.append((found.bodies.setdefault(path, []), path))
        elif line.endswith("{"):
            into.append(line)
            inside.append((into, path))
        elif line == "}":
            del inside[max(1, len(inside) - 1) :]
        else:
            into.append(line)
    return found


def named_bodies(text: str) -> Tuple[str, ...]:
    """Returns the paths of the anchors whose rules stand in braces in what was printed."""
    return tuple(separate(text).bodies)


def comparable(lines: List[str], anchor: str = "") -> Tuple[str, ...]:
    """Returns printed rules as they can be compared, sorted, the call of ``anchor`` left out."""
    kept = [line.strip() for line in lines]
    return tuple(
        sorted(
            _NUMBERED.sub(lambda label: re.sub("[0-9]+", "#", label.group()), _AUTOMATIC.sub(f"<{AUTOMATIC}>", line))
            for line in kept
            if line and not line.startswith(_UNCOUNTED) and not _MACRO.match(line) and not is_call(line, anchor)
        )
    )


def foreign(text: str, anchor: str) -> Tuple[str, ...]:
    """Returns the rules of others in a main ruleset as pfctl printed it, as they can be compared."""
    return comparable(separate(text).main, anchor)


def compare(live: str, file: str, inside: Mapping[str, List[str]], anchor: str) -> Difference:
    """Returns how the rules in force differ from those of a text, the call of ``anchor`` left out.

    ``inside`` are the rules in force of anchors by path, which are compared with what the text has in braces.
    """
    read = separate(file)
    only_live = list(more(foreign(live, anchor), comparable(read.main, anchor)))
    only_file = list(more(comparable(read.main, anchor), foreign(live, anchor)))
    for path, body in read.bodies.items():
        have, want = comparable(inside.get(path, [])), comparable(body)
        only_live += [f"anchor {path}: {line}" for line in more(have, want)]
        only_file += [f"anchor {path}: {line}" for line in more(want, have)]
    return Difference(tuple(only_live), tuple(only_file))


def without_rules(printed: str, gone: Sequence[str]) -> str:
    """Returns what was printed without rules, each as often as it is named."""
    left = list(gone)
    kept = []
    for line in printed.splitlines():
        if line in left:
            left.remove(line)
        else:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def more(some: Tuple[str, ...], others: Tuple[str, ...]) -> Tuple[str, ...]:
    """Returns what is in ``some`` and not in ``others``, as often as it is there more."""
    return tuple((Counter(some) - Counter(others)).elements())

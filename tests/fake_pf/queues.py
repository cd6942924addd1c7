# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queues: ALTQ of FreeBSD (altq, queue) and the tree of OpenBSD (queue)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List

from fake_pf.cursor import Cursor

if TYPE_CHECKING:
    from fake_pf.grammar import Parser

MTU = 1500


@dataclass
class Queues:
    """What was read: the interface of an altq, its queues as printed, and whether one is the default."""

    interface: str = ""
    any: bool = False
    has_default: bool = False
    lines: List[str] = field(default_factory=list)


def read(parser: Parser, word: str, cursor: Cursor) -> None:
    """Reads one statement."""
    found = parser.found.queues
    found.any = True
    if parser.system == "OpenBSD":
        found.lines.append(_openbsd(found, cursor))
    elif word == "altq":
        parser.found.said += _altq(found, cursor)
    else:
        parser.found.said += _queue(found, cursor)


def problem(found: Queues, system: str) -> List[str]:
    """What pfctl says when it is about to load them."""
    if not found.any or found.has_default:
        return []
    if system == "OpenBSD":
        return ["pfctl: no default queue specified"]
    return [f"pfctl: should have one default queue on {found.interface}", "pfctl: errors in altq config"]


def _altq(found: Queues, cursor: Cursor) -> str:
    cursor.expect("on")
    found.interface = cursor.string()
    discipline = cursor.expect("cbq", "priq", "hfsc")
    cursor.expect("bandwidth")
    bandwidth = cursor.word()
    cursor.expect("queue")
    names = cursor.items(cursor.string)
    rate = int(bandwidth.rstrip("KMGb")) * {"K": 10**3, "M": 10**6, "G": 10**9}.get(bandwidth.rstrip("b")[-1], 1)
    packets = next(count for most, count in ((10**6, 1), (10**7, 4), (2 * 10**8, 8), (10**12, 24)) if rate <= most)
    size = packets * MTU
    return (
        f"altq on {found.interface} {discipline} bandwidth {bandwidth} tbrsize {size} queue {{ {' '.join(names)} }}\n"
    )


def _queue(found: Queues, cursor: Cursor) -> str:
    words = [f"queue {cursor.string()}"]
    while not cursor.at_end():
        word = cursor.expect("bandwidth", "priority", "qlimit", "cbq", "priq", "hfsc")
        if word in ("cbq", "priq", "hfsc"):
            cursor.expect("(")
            options = []
            while not cursor.accept(")"):
                options.append(cursor.string())
                cursor.accept(",")
            found.has_default = found.has_default or "default" in options
            words.append(f"{word}( {' '.join(options)} )")
            continue
        value = cursor.word()
        words += [f"{word} {value}"] if (word, value) != ("priority", "1") else []
    return " ".join(words) + " \n"


def _openbsd(found: Queues, cursor: Cursor) -> str:
    text = f"queue {cursor.string()}"
    while not cursor.at_end():
        word = cursor.expect("on", "parent", "bandwidth", "min", "max", "default", "qlimit", "burst", "for")
        if word == "default":
            found.has_default = True
            text += " default"
            continue
        text += f"{',' if word in ('min', 'max') else ''} {word} {cursor.word()}"
    return text + "\n"

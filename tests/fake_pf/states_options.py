# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in the parenthesis behind ``keep state``: limits, sources, timeouts, in the order they are printed."""

from __future__ import annotations

from typing import Dict

from fake_pf.cursor import Cursor
from fake_pf.names import TIMEOUTS

LIMITS = ("max", "max-src-states", "max-src-conn", "max-src-nodes")
PLAIN = ("no-sync", "if-bound", "floating", "sloppy", "pflow")
ORDER = (
    *("max", "no-sync", "source-track", "max-src-states", "max-src-conn", "max-src-conn-rate", "max-src-nodes"),
    *("overload", "if-bound", "floating", "sloppy", "pflow"),
)
LAST = ("adaptive.start", "adaptive.end", "src.track")


def read_state_options(cursor: Cursor, system: str) -> str:
    """Returns them as they are printed."""
    found: Dict[str, str] = {}
    cursor.expect("(")
    _read(cursor, found)
    while not cursor.accept(")"):
        cursor.accept(",")
        _read(cursor, found)
    for name in ("max-src-states", "max-src-conn", "max-src-conn-rate", "max-src-nodes"):
        if found.get("source-track") == "source-track global" and name in found:
            raise cursor.wrong(f"'{name}' is incompatible with 'source-track global'")
        if name in found:
            found.setdefault("source-track", "source-track rule")
    if "max-src-conn-rate" in found:
        found["src.track"] = f"src.track {found['max-src-conn-rate'].rpartition('/')[2]}"
    if "max" in found and system != "OpenBSD" and "adaptive.start" not in found:
        highest = int(found["max"].split()[1])
        found["adaptive.start"] = f"adaptive.start {highest * 60 // 100}"
        found["adaptive.end"] = f"adaptive.end {highest * 120 // 100}"
    timeouts = [name for name in found if name not in ORDER and name not in LAST]
    return ", ".join(found[name] for name in (*ORDER, *timeouts, *LAST) if name in found)


def _read(cursor: Cursor, found: Dict[str, str]) -> None:
    if cursor.peek().kind != "word":
        raise cursor.refused()
    name = cursor.take().text
    if name in found:
        raise cursor.wrong(f"state option '{name}' multiple definitions")
    if name in PLAIN:
        found[name] = name
    elif name == "source-track":
        found[name] = f"source-track {cursor.take().text if cursor.at('rule', 'global') else 'rule'}"
    elif name == "max-src-conn-rate":
        count = cursor.number()
        cursor.expect("/")
        found[name] = f"{name} {count}/{cursor.number()}"
    elif name == "overload":
        cursor.expect("<")
        table = cursor.string()
        cursor.expect(">")
        flush = " flush" if cursor.accept("flush") else ""
        flush += " global" if flush and cursor.accept("global") else ""
        found[name] = f"overload <{table}>{flush}"
    else:
        if name not in (*LIMITS, *TIMEOUTS):
            raise cursor.wrong(f"illegal timeout name {name}")
        found[name] = f"{name} {cursor.number()}"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draws the way of a packet through the hooks and chains of a host, as SVG."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.plugin_utils._markup import Html, element, join

_WIDTH, _LEFT, _INDENT = 760, 132, 14
_CHAIN, _STEP, _GAP, _END = 26, 20, 14, 24
_MOST = 84  # characters of a line of a chain
_STOPPED = {"blocked": "blocked here", "depends": "it depends on this", "open": "let in here"}
_ENDS = {
    "blocked": "it ends there",
    "depends": "it may end there, or go on",
    "open": "it gets through",
}


class Drawings:
    """Draws ways, each that is the same once: hosts of a fleet mostly have the same rules."""

    def __init__(self) -> None:
        self._known: Dict[str, Tuple[str, int]] = {}

    def show(self, port: Mapping[str, Any]) -> Html:
        """Returns the drawing of a port of a report; nothing where no chain is, or no way is told."""
        if not port["way"]:
            return join()
        drawn, height = draw_way(port["way"], port["verdict"])
        name, _height = self._known.setdefault(drawn, (f"w{len(self._known) + 1}", height))
        return element(
            "svg",
            element("use", href=f"#{name}"),
            class_="way",
            viewBox=f"0 0 {_WIDTH} {height}",
            width=_WIDTH,
            height=height,
            role="img",
            aria_label=f"the way of the packet, {port['because']}",
        )

    def definitions(self) -> Html:
        """Returns what the drawings that were shown refer to."""
        symbols = [
            element("symbol", Html(drawn), id=name, viewBox=f"0 0 {_WIDTH} {height}")
            for drawn, (name, height) in self._known.items()
        ]
        return element("svg", *symbols, width=0, height=0, aria_hidden="true", class_="definitions")


def draw_way(way: Sequence[Mapping[str, Any]], verdict: str) -> Tuple[Html, int]:
    """Returns the inside of a drawing of a way, as ports_info returns it, and its height.

    From top to bottom: the base chains in order, in the one that decides its jumps and the rule that decides, and what
    becomes of the packet. What a packet that is blocked does not reach is faint.
    """
    parts: List[Html] = []
    decided, y = False, 2
    for number, chain in enumerate(way):
        reached = not decided or verdict != "blocked"
        if number:
            parts.append(_arrow(y, reached))
            y += _GAP
        box, height = _box(chain, verdict, y, reached)
        parts.append(box)
        y += height
        decided = decided or bool(chain["steps"])
    parts += [
        _arrow(y, verdict != "blocked"),
        _words(_LEFT, y + _GAP + 14, _ENDS.get(verdict, verdict), f"end {verdict}"),
    ]
    return join(*parts), y + _GAP + _END


def _box(chain: Mapping[str, Any], verdict: str, y: int, reached: bool) -> Tuple[Html, int]:
    steps = chain["steps"]
    height = _CHAIN + _STEP * len(steps) + (6 if steps else 0)
    kind = "decides" if steps else "passed" if reached else "unreached"
    title = f"{chain['table']} {chain['chain']}"
    about = f"priority {chain['priority']}" + ("" if chain["kind"] == "filter" else f", {chain['kind']}")
    parts = [
        element("rect", x=_LEFT, y=y, width=_WIDTH - _LEFT - 2, height=height, rx=4),
        _words(8, y + 17, chain["hook"], "hook"),
        _words(_LEFT + 10, y + 17, title, "chain", _MOST - 24),
        _words(_WIDTH - 12, y + 17, kind if kind == "unreached" else about, "about"),
        *_lines(steps, chain["policy"], verdict, y + _CHAIN),
    ]
    return element("g", *parts, class_=f"{kind} {verdict}" if steps else kind), height


def _lines(steps: Sequence[Mapping[str, Any]], policy: str, verdict: str, y: int) -> Iterator[Html]:
    """A line for each jump, and one for the rule or policy that decides, marked as such."""
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        place = f"{step['chain']} {_number(step)}"
        said = step["rule"] or f"policy {policy.upper()}"
        x = _LEFT + 10 + _INDENT * min(depth, 8)
        if last:
            yield element("rect", x=x - 4, y=y, width=_WIDTH - x - 8, height=_STEP, rx=3, class_="mark")
        shown = f"{'▶ ' if last else '↳ '}{place}: {said}" if step["rule"] else f"▶ {said}"
        more = f" ({_STOPPED.get(verdict, verdict)})" if last else ""
        yield _words(x, y + 14, shown, "rule", _MOST - depth * 2 - len(more), more)
        y += _STEP


def _number(step: Mapping[str, Any]) -> str:
    return f"handle {step['handle']}" if step["handle"] else f"rule {step['number']}"


def _words(x: int, y: int, said: str, kind: str, most: int = _MOST, more: str = "") -> Html:
    """A line of text, cut where it is too long; the whole of it is shown by a pointer that rests on it."""
    if len(said) <= most:
        return element("text", said + more, x=x, y=y, class_=kind)
    return element("text", element("title", said), said[: most - 1] + "…" + more, x=x, y=y, class_=kind)


def _arrow(y: int, reached: bool) -> Html:
    x = _LEFT + 24
    way = f"M{x} {y}v{_GAP - 2}m-4 -4l4 4l4 -4"
    return element("path", d=way, class_="arrow" if reached else "arrow unreached")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates of a report by the days that they have left: a chart and a table."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.plugin_utils._fleet_report import needs_attention
from ansible_collections.port443.https.plugins.plugin_utils._markup import Html, element, join

_BOUNDS: Tuple[Tuple[Optional[int], str, str], ...] = (  # below how many days, what it is called, how bad it is
    (0, "expired", "bad"),
    (7, "0-6", "bad"),
    (14, "7-13", "warn"),
    (30, "14-29", "warn"),
    (60, "30-59", "fine"),
    (90, "60-89", "fine"),
    (None, "90+", "fine"),
)
_UNKNOWN = "not known"
_WIDTH, _BAR, _HIGH = 560, 58, 90

Listed = Tuple[str, Mapping[str, Any]]


def list_certificates(hosts: Sequence[Mapping[str, Any]]) -> List[Listed]:
    """Returns host and certificate of all hosts of a report, what cannot be read first, then by the days left."""
    found = [(host["name"], one) for host in hosts for one in host["certificates"]]
    return sorted(found, key=lambda one: (one[1]["days_left"] is not None, one[1]["days_left"] or 0, one[0]))


def draw_chart(certificates: Sequence[Listed]) -> Html:
    """Returns bars of how many certificates have how many days left, with the numbers and days in words."""
    kinds = [(label, grade) for _bound, label, grade in _BOUNDS] + [(_UNKNOWN, "bad")]
    counts = {label: 0 for label, _grade in kinds}
    for _host, one in certificates:
        counts[_kind(one["days_left"])] += 1
    most = max(counts.values()) or 1
    bars = [
        _bar(number * (_WIDTH // len(kinds)) + 4, label, counts[label], most, grade)
        for number, (label, grade) in enumerate(kinds)
    ]
    told = ", ".join(f"{label}: {count}" for label, count in counts.items() if count) or "none"
    return element(
        "svg",
        *bars,
        class_="chart",
        width=_WIDTH,
        height=_HIGH + 44,
        viewBox=f"0 0 {_WIDTH} {_HIGH + 44}",
        role="img",
        aria_label=f"certificates by days left, {told}",
    )


def _kind(days: Optional[int]) -> str:
    if days is None:
        return _UNKNOWN
    return next(label for bound, label, _grade in _BOUNDS if bound is None or days < bound)


def _bar(x: int, label: str, count: int, most: int, grade: str) -> Html:
    height = max(round(_HIGH * count / most), 2 if count else 0)
    top = 18 + _HIGH - height
    middle = x + _BAR // 2
    return join(
        element("rect", x=x, y=top, width=_BAR, height=height, class_=grade),
        element("text", count, x=middle, y=top - 5, class_="count") if count else "",
        element("text", label, x=middle, y=_HIGH + 34, class_="label"),
    )


def render_certificates(certificates: Sequence[Listed], least_days: int) -> Html:
    """Returns a table of certificates, one with few days left or that is not served marked."""
    if not certificates:
        return element("p", "No certificate of this collection was found.", class_="none")
    rows = [_row(host, one, needs_attention(one, least_days)) for host, one in certificates]
    heads = [element("th", head, scope="col") for head in ("days left", "site", "host", "expires", "served", "issuer")]
    return element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_="certificates",
    )


def _row(host: str, one: Mapping[str, Any], bad: bool) -> Html:
    days = one["days_left"]
    served = ": ".join(filter(None, (one["served"], one["served_because"])))
    return element(
        "tr",
        element("td", element("b", "?" if days is None else days)),
        element("td", one["name"]),
        element("td", host),
        element("td", one["not_after"][:10]),
        element("td", served),
        element("td", one["issuer"]),
        class_="bad" if bad else "",
        data_host=host,
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report on a fleet as the parts of a page of HTML: what its template puts in their places."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.port443.https.plugins.plugin_utils._certificate_chart import (
    draw_chart,
    list_certificates,
    render_certificates,
)
from ansible_collections.port443.https.plugins.plugin_utils._fleet_report import ATTENTION, NO_ANSWER, STATES, WELL
from ansible_collections.port443.https.plugins.plugin_utils._host_details import render_host
from ansible_collections.port443.https.plugins.plugin_utils._markup import Html, element, join
from ansible_collections.port443.https.plugins.plugin_utils._packet_drawing import Drawings

_MARKS = {WELL: "✓", ATTENTION: "!", NO_ANSWER: "?"}
_NAMED = 12  # hosts of a rule that are named


def render_page(report: Mapping[str, Any], script: str) -> Dict[str, str]:
    """Returns the parts of the page, each by the name that the template has for it, and markup all of them.

    ``policy`` is a Content-Security-Policy under which nothing is loaded and no other script than ``script`` runs.
    """
    drawings = Drawings()
    hosts = sorted(report["hosts"], key=lambda host: STATES.index(host["state"]))  # what needs attention is first
    certificates = list_certificates(hosts)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    details = [render_host(host, f"h{number}", drawings) for number, host in enumerate(hosts)]
    parts = {
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'",
        "title": join(report["title"]),
        "made": join(report["made"].replace("T", " ").replace("Z", " UTC")),
        "tiles": _tiles(report["summary"]),
        "options": _options(hosts),
        "checks": _checks(hosts, report["blocks"]),
        "blocks": _blocks(report["blocks"]),
        "chart": draw_chart(certificates),
        "certificates": render_certificates(certificates, report["least_days"]),
        "hosts": join(*details),
        "drawings": drawings.definitions(),
    }
    return {name: str(part) for name, part in parts.items()}


def _tiles(summary: Mapping[str, Any]) -> Html:
    tiles = [("hosts", "", summary["hosts"])]
    tiles += [(state, state, summary[state.replace(" ", "_")]) for state in (WELL, ATTENTION, NO_ANSWER)]
    buttons = [
        element("button", element("b", count), " ", label, type="button", class_="tile", data_state=state)
        for label, state, count in tiles
    ]
    fewest = summary["fewest_days_left"]
    told = "" if fewest is None else f", the fewest days left are {fewest}"
    return join(*buttons, element("span", f"{summary['certificates']} certificates{told}", class_="tile"))


def _options(hosts: Sequence[Mapping[str, Any]]) -> Html:
    """What the list of checks offers: each check that is not as it should be on some host."""
    failing = {f"{check} {outcome}" for host in hosts for check, outcome in host["checks"].items() if outcome != "ok"}
    return join(*(element("option", one, value=one) for one in sorted(failing)))


def _checks(hosts: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> Html:
    """The table of hosts by check."""
    checks = list(dict.fromkeys(check for host in hosts for check in host["checks"]))
    ports = list(dict.fromkeys(f"{port['port']}/{port['protocol']}" for host in hosts for port in host["ports"]))
    lost = any(host["ends"] for host in hosts)
    heads = ["host", "", "firewall", *ports, *checks, *(["ends"] if lost else [])]
    widths = [element("col", class_=kind) for kind in ("host", "state", "firewall")]
    of_blocks: Dict[str, List[str]] = {}
    for number, block in enumerate(blocks):
        for name in block["hosts"]:
            of_blocks.setdefault(name, []).append(f"b{number}")
    rows = []
    for number, host in enumerate(hosts):
        cells = [_verdicts(host, port) for port in ports]
        cells += [_outcome(host["checks"].get(check, "")) for check in checks]
        cells += [element("td", ", ".join(dict.fromkeys(end["ends"] for end in host["ends"])))] if lost else []
        rows.append(_row(host, f"h{number}", cells, of_blocks.get(host["name"], ())))
    return element(
        "table",
        element("colgroup", *widths),
        element("thead", element("tr", *(element("th", head, scope="col") for head in heads))),
        element("tbody", *rows),
        class_="checks",
        style=f"min-width:{22 + 5.5 * (len(heads) - 3):g}em",
    )


def _row(host: Mapping[str, Any], anchor: str, cells: Sequence[Html], blocks: Sequence[str]) -> Html:
    state = host["state"]
    failing = [f"{check} {outcome}" for check, outcome in host["checks"].items() if outcome != "ok"]
    return element(
        "tr",
        element("th", element("a", host["name"], href=f"#{anchor}"), scope="row"),
        element("td", _MARKS[state], title=state, class_=f"state {_grade(state)}"),
        element("td", host["firewall"]),
        *cells,
        data_host=host["name"],
        data_state=state,
        data_blocks=" ".join(blocks) or None,
        data_failing="\n".join(failing) or None,
    )


def _verdicts(host: Mapping[str, Any], port: str) -> Html:
    """The verdict on a port, by IP version where it is not the same over both."""
    found = {one["family"]: one["verdict"] for one in host["ports"] if f"{one['port']}/{one['protocol']}" == port}
    verdicts = set(found.values())
    if len(verdicts) == 1:
        (told,) = verdicts
    else:
        told = ", ".join(f"{family.replace('ipv', 'v')} {verdict}" for family, verdict in found.items())
    return element("td", told, class_=_grade("open" if verdicts == {"open"} else told))


def _outcome(outcome: str) -> Html:
    return element("td", outcome, class_=_grade(outcome))


def _grade(word: str) -> str:
    if word in ("ok", "open", WELL):
        return "fine"
    return "warn" if word in ("", "not tried", "not asked", "depends", NO_ANSWER) else "bad"


def _blocks(blocks: Sequence[Mapping[str, Any]]) -> Html:
    """What keeps ports from being open, and in which file."""
    if not blocks:
        return element("p", "Nothing blocks any of the ports that were asked about.", class_="none")
    heads = ("hosts", "ports", "verdict", "table and chain", "rule", "file")
    rows = [
        element(
            "tr",
            element("td", element("button", len(block["hosts"]), type="button", data_block=f"b{number}")),
            element("td", ", ".join(block["ports"])),
            element("td", block["verdict"], class_=_grade(block["verdict"])),
            element("td", f"{block['table']} {block['chain']}"),
            element("td", element("code", block["rule"] or block["because"])),
            element("td", block["file"] or "not known"),
            title=", ".join(block["hosts"][:_NAMED]) + (" ..." if len(block["hosts"]) > _NAMED else ""),
        )
        for number, block in enumerate(blocks)
    ]
    head = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    return element("table", head, element("tbody", *rows), class_="blocks")

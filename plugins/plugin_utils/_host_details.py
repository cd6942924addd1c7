# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the page of a report says of one host: what is wrong, its ports with the ways of packets, its certificates."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping

from ansible_collections.port443.https.plugins.plugin_utils._markup import Html, element, join
from ansible_collections.port443.https.plugins.plugin_utils._packet_drawing import Drawings


def render_host(host: Mapping[str, Any], anchor: str, drawings: Drawings) -> Html:
    """Returns what unfolds to all that is known of a host of a report."""
    said = host["firewall"] and f" · {host['firewall']}"
    head = element("summary", element("b", host["name"]), " ", element("span", host["state"] + said))
    parts = [*_wrong(host), *_ports(host, drawings), *_served(host)]
    return element("details", head, *parts, id=anchor, data_host=host["name"], data_state=host["state"])


def _wrong(host: Mapping[str, Any]) -> Iterator[Html]:
    """What the host, the checks, and the recorder of lost connections say."""
    said = [*host["problems"], *(_finding(one) for one in host["findings"] if one["outcome"] != "not tried")]
    said += [f"the connection to {_at(end)} ends {end['ends']}: {end['because']}" for end in host["ends"]]
    if said:
        yield element("ul", *(element("li", one) for one in said), class_="wrong")


def _finding(one: Mapping[str, Any]) -> str:
    name = f" of {one['name']}" if one["name"] else ""
    return f"{one['check']}{name} at {_at(one)}: {one['outcome']} ({one['detail']})"


def _at(one: Mapping[str, Any]) -> str:
    address = f"[{one['address']}]" if ":" in one["address"] else one["address"]
    return f"{address}:{one['port']}"


def _ports(host: Mapping[str, Any], drawings: Drawings) -> Iterator[Html]:
    """Each port with its verdict and the way of a packet; those that share a way have it together."""
    shared: Dict[Html, List[Mapping[str, Any]]] = {}
    for port in host["ports"]:
        shared.setdefault(drawings.show(port), []).append(port)
    for drawing, ports in shared.items():
        for port in ports:
            title = f"{port['port']}/{port['protocol']} over {port['family'].replace('ip', 'IP')}: {port['verdict']}"
            origin = element("span", f", from {port['file']}") if port["file"] else ""
            yield element(
                "p", element("b", title), " ", element("span", port["because"]), origin, class_=port["verdict"]
            )
        yield drawing


def _served(host: Mapping[str, Any]) -> Iterator[Html]:
    """The certificates that were seen from outside."""
    seen = [
        element("li", join(f"{one['name']} at {_at(one)}: {one['protocol']}, expires {one['not_after']}"))
        for one in host["shown"]
    ]
    if seen:
        yield element("p", element("b", "Served, as seen from outside"))
        yield element("ul", *seen)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the anchor that holds a set: its name, its file, its rules, and what they are expected to mean."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._pf.rule import Peer, PfRule
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

FOLDER = "/etc/pf.anchors"
PREFIX = "port443."
ICMPV6, SOLICITATION, ADVERTISEMENT = 58, 135, 136
_HEADER = "# Rules of the Ansible collection port443.https; changes here are undone by its next run.\n"
_FOLDER_MADE = f"# {FOLDER} was made for files like this one.\n"
_PLAIN_INTERFACE = re.compile(r"[a-z]+[0-9]*", re.ASCII)
_PORTED = ("tcp", "udp")  # parse.y: port only applies to tcp/udp
_NEIGHBOURS = "pass quick inet6 proto icmp6 from any to any icmp6-type {{ neighbrsol, neighbradv }} no state label {}\n"


def anchor_of(request: PortsRequest) -> str:
    """Returns the name of the anchor of a set: the option anchor, else one made of the set's name."""
    return request.anchor or PREFIX + request.name


def file_of(anchor: str) -> str:
    """Returns the path of the file that an anchor is loaded from."""
    return f"{FOLDER}/{anchor}"


def refuse_unported(ports: Sequence[PortRule]) -> None:
    """Raises HostError for a protocol whose ports pf does not look at."""
    for port in ports:
        if port.protocol not in _PORTED:
            raise HostError(f"pf knows the ports of {' and '.join(_PORTED)} alone: {port} cannot be opened with it")


def render_rules(request: PortsRequest, neighbours: bool) -> str:
    """Returns the rules of a set as pf.conf(5) has them; ``neighbours`` lets IPv6 neighbour discovery through as well.

    Each rule has a label, which keeps pfctl's optimiser from merging it with another (pfctl_optimize.c).
    """
    label = f'"{anchor_of(request)}"'
    lines: List[str] = []
    for direction in request.directions:
        for protocol, ports in _by_protocol(request.ports).items():
            flags = "flags S/SA " if protocol == "tcp" else ""
            lines.append(
                f"pass {direction} quick {_interfaces(request)}proto {protocol} from {_sources(request)} to any "
                f"port {_list([_port(port) for port in ports])} {flags}keep state label {label}\n"
            )
    return "".join(lines) + (_NEIGHBOURS.format(label) if neighbours else "")


def render_file(request: PortsRequest, neighbours: bool, folder_made: bool) -> bytes:
    """Returns the anchor file; ``folder_made`` notes in it that its folder was made for files like it."""
    head = _HEADER + (_FOLDER_MADE if folder_made else "")
    return (head + render_rules(request, neighbours)).encode("ascii")


def notes_made_folder(content: Optional[bytes]) -> bool:
    """Tells whether an anchor file notes that its folder was made."""
    return content is not None and _FOLDER_MADE.encode("ascii") in content


def expected_rules(request: PortsRequest, neighbours: bool) -> FrozenSet[PfRule]:
    """Returns what the rules of a set are in the kernel, where pfctl has made one of each list's members."""
    return frozenset(_expected(request, neighbours))


def _expected(request: PortsRequest, neighbours: bool) -> Iterator[PfRule]:
    label = anchor_of(request)
    sources = [Peer("network", network) if network.prefixlen else Peer() for network in request.source] or [Peer()]
    families: List[int] = [network.version for network in request.source] or [0]
    for direction in request.directions:
        for port in request.ports:
            for interface in request.interface or ("",):
                for source, family in zip(sources, families):
                    yield PfRule(
                        "pass",
                        direction,
                        quick=True,
                        interface=interface,
                        family=family,
                        protocol=PROTOCOL_NUMBERS[port.protocol],
                        source=source,
                        destination=Peer(ports=((port.low, port.high),)),
                        flags=("S", "SA") if port.protocol == "tcp" else None,
                        label=label,
                    )
    for kind in (SOLICITATION, ADVERTISEMENT) if neighbours else ():
        yield PfRule("pass", quick=True, family=6, protocol=ICMPV6, icmp_type=kind, stateful=False, label=label)


def _by_protocol(ports: Sequence[PortRule]) -> Dict[str, Tuple[PortRule, ...]]:
    protocols = dict.fromkeys(port.protocol for port in ports)
    return {protocol: tuple(port for port in ports if port.protocol == protocol) for protocol in protocols}


def _port(port: PortRule) -> str:
    return str(port.low) if port.low == port.high else f"{port.low}:{port.high}"


def _sources(request: PortsRequest) -> str:
    return _list([str(network) for network in request.source]) if request.source else "any"


def _interfaces(request: PortsRequest) -> str:
    if not request.interface:
        return ""
    return f"on {_list([name if _PLAIN_INTERFACE.fullmatch(name) else _quoted(name) for name in request.interface])} "


def _quoted(name: str) -> str:
    return f'"{name}"'


def _list(members: Sequence[str]) -> str:
    return members[0] if len(members) == 1 else "{ " + ", ".join(members) + " }"

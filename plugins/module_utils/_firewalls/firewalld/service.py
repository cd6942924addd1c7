# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders and parses service definitions of firewalld, of our sets and of others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import parse_firewalld_port
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.xml import parse
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule, merge_ports

# Kept by firewalld whenever it writes the file anew, so it is where a set remembers which files are there for its sake.
_MADE = "Made with it: "
_MADE_FILES = re.compile(_MADE + r"([\w/., -]*?\.xml)\.(?:\s|$)")


@dataclass(frozen=True)
class ServiceDefinition:
    """What a service opens; ``simple`` is False if it is more than ports, such as a destination or a helper.

    ``made`` are the files, relative to firewalld's folder, that exist because a set of ours went into them.
    """

    ports: Tuple[PortRule, ...]
    simple: bool = True
    made: Tuple[str, ...] = ()


def render_service(name: str, service: str, ports: Sequence[PortRule], made: Sequence[str]) -> bytes:
    """Returns the file that defines the service of a set."""
    told = " {}{}.".format(_MADE, ", ".join(made)) if made else ""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<service>",
        f"  <short>{service}</short>",
        f"  <description>The rule set {name} of the Ansible collection port443.https.{told}</description>",
    ]
    for port in ports:
        number, _slash, protocol = str(port).partition("/")
        lines.append(f'  <port port="{number}" protocol="{protocol}"/>')
    return "\n".join([*lines, "</service>", ""]).encode("ascii")


def parse_service(content: bytes) -> ServiceDefinition:
    """Reads the file of a service; raises ValueError if it is broken."""
    root = parse(content)
    found = [
        parse_firewalld_port(child.attributes.get("port", ""), child.attributes.get("protocol", ""))
        for child in root.find_all("port")
    ]
    ports = [port for port in found if port]
    told = {"short", "description", "port"}
    simple = len(ports) == len(found) and all(child.tag in told for child in root.children)
    description = " ".join(child.text for child in root.find_all("description"))
    named = _MADE_FILES.search(description)
    return ServiceDefinition(merge_ports(ports), simple, tuple(named.group(1).split(", ")) if named else ())


def service_of_settings(settings: Mapping[str, Any]) -> ServiceDefinition:
    """Reads a service's settings as D-Bus has them; empty parts may be left out."""
    found = [parse_firewalld_port(number, protocol) for number, protocol in settings.get("ports", ())]
    ports = [port for port in found if port]
    parts = ("protocols", "source_ports", "modules", "destination", "includes", "helpers")
    simple = len(ports) == len(found) and not any(settings.get(part) for part in parts)
    return ServiceDefinition(merge_ports(ports), simple)


def opens_within(service: Optional[ServiceDefinition], ports: Sequence[PortRule]) -> bool:
    """Tells whether a service opens some of the ports and nothing else."""
    return service is not None and service.simple and bool(service.ports) and covers(ports, service.ports)


def covers(ports: Sequence[PortRule], others: Sequence[PortRule]) -> bool:
    """Tells whether each of the other ports lies within one of the ports."""
    return all(
        any(port.protocol == other.protocol and port.low <= other.low and other.high <= port.high for port in ports)
        for other in others
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule as the kernel has it after pfctl expanded the lists, and how each system prints it (pfctl_parser.c)."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional

PROTOCOLS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}


@dataclass
class Rule:
    """All fields as text, empty for none; ``state`` is keep, modulate, synproxy, no or empty."""

    action: str
    returns: str = ""
    direction: str = ""
    log: str = ""
    quick: bool = False
    interface: str = ""
    route: str = ""
    family: str = ""
    protocol: int = 0
    source: str = "any"
    source_port: str = ""
    destination: str = "any"
    destination_port: str = ""
    user: str = ""
    group: str = ""
    flags: str = ""
    icmp: str = ""
    state: str = ""
    state_options: str = ""
    options: str = ""
    probability: str = ""
    os: str = ""
    tos: str = ""
    icmp_code: str = ""
    label: str = ""
    tag: str = ""
    tagged: str = ""
    redirect: str = ""
    anchor: str = ""
    body: List[Rule] = field(default_factory=list)

    def to_json(self) -> Dict[str, Any]:
        """The rule as what JSON can hold."""
        return asdict(self)

    @staticmethod
    def from_json(found: Dict[str, Any]) -> Rule:
        """The rule that ``to_json`` gave."""
        return Rule(**{**found, "body": [Rule.from_json(inner) for inner in found["body"]]})


@dataclass(frozen=True)
class Style:
    """How rules are printed: ``dry`` as by -n, which knows the last part of a path alone; ``numeric`` as by -P."""

    system: str
    dry: bool = False
    numeric: bool = False


def print_rules(rules: List[Rule], style: Style, depth: int = 0) -> str:
    """What -s rules and -v print: a line each, inline anchors in braces, but those that have a name only by -v."""
    lines = []
    for rule in rules:
        line = "  " * depth + print_rule(rule, style)
        if rule.body and (style.dry or rule.anchor.startswith("_")):
            line += " {\n" + print_rules(rule.body, style, depth + 1) + "  " * depth + "}"
        lines.append(line + "\n")
    return "".join(lines)


def print_anchor(name: str, style: Style) -> str:
    """The name of an anchor in quotes, as far as pfctl knows it."""
    if name.startswith("_") and style.system != "Darwin":
        return ""
    if style.dry and style.system != "OpenBSD" and ("/" in name or name == "*"):
        name = "/" + name.rpartition("/")[2]
    return f'"{name}"' if name else ""


def print_rule(rule: Rule, style: Style) -> str:
    """One rule as print_rule() of that system prints it."""
    system = style.system
    openbsd = system == "OpenBSD"
    words = [rule.action, print_anchor(rule.anchor, style)]
    if rule.action == "block":
        words.append(rule.returns or "drop")
    words += [rule.direction, rule.log, "quick" if rule.quick else ""]
    words += [f"on {rule.interface}" if rule.interface else "", "" if openbsd else rule.route, rule.family]
    words.append(f"proto {PROTOCOLS.get(rule.protocol, rule.protocol)}" if rule.protocol else "")
    words += [_print_ends(rule, openbsd or style.numeric), rule.user, rule.group, _print_flags(rule), _print_icmp(rule)]
    if openbsd:
        words += [_print_state(rule, openbsd), rule.options]
    else:
        words += [_print_state(rule, openbsd), rule.options, "fragment reassemble" if "scrub" in rule.action else ""]
    words += [f'label "{rule.label}"' if rule.label else "", f"tag {rule.tag}" if rule.tag else ""]
    words += [rule.tagged, rule.redirect, rule.route if openbsd else ""]
    return " ".join(word for word in words if word)


def _print_ends(rule: Rule, numeric: bool) -> str:
    if (rule.source, rule.source_port, rule.destination, rule.destination_port) == ("any", "", "any", ""):
        return "all"
    source = " ".join(filter(None, (rule.source, _print_port(rule.source_port, rule.protocol, numeric))))
    destination = " ".join(filter(None, (rule.destination, _print_port(rule.destination_port, rule.protocol, numeric))))
    return f"from {source} to {destination}"


def _print_port(port: str, protocol: int, numeric: bool) -> str:
    """The service's name after = and !=, unless numbers are asked for."""
    if not port:
        return ""
    operator, _space, value = port.partition(" ")
    if operator in ("=", "!=") and not numeric:
        try:
            return f"port {operator} {socket.getservbyport(int(value), 'tcp' if protocol == 6 else 'udp')}"
        except OSError:
            pass
    return f"port {port}"


def _print_flags(rule: Rule) -> str:
    if rule.flags and rule.flags != "any":
        return f"flags {rule.flags}"
    if rule.action == "pass" and rule.protocol in (0, 6) and rule.state != "no" and not rule.anchor:
        return "flags any"
    return ""


def _print_icmp(rule: Rule) -> str:
    kind = "icmp6-type" if rule.family == "inet6" else "icmp-type"
    return f"{kind} {rule.icmp}" if rule.icmp else ""


def _print_state(rule: Rule, openbsd: bool) -> str:
    if rule.action != "pass":
        return f"({rule.state_options})" if rule.state_options else ""
    if rule.state == "no":
        return "no state"
    plain = rule.state == "keep" and openbsd and not rule.state_options
    options = f" ({rule.state_options})" if rule.state_options else ""
    return "" if plain else f"{rule.state} state{options}"


def same(one: Rule, other: Rule) -> bool:
    """Whether two rules are the same to the optimiser."""
    return one.to_json() == other.to_json()


def address_family(address: str) -> Optional[str]:
    """inet or inet6 of a literal address, None for what has no family of its own."""
    bare = address.replace("! ", "")
    if ":" in bare and not bare.startswith("("):
        return "inet6"
    return "inet" if bare[:1].isdigit() else None

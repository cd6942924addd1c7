# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule as pfctl holds it, and how each system prints it (print_rule() in pfctl_parser.c)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional

from fake_pf.names import PROTOCOLS, SERVICE_NAMES

# What stands behind the addresses, in the order in which it is printed; `state` is where the words of the state go.
ORDER = {
    "FreeBSD": (
        *("tos", "prio", "set", "state", "probability", "allow-opts", "fragment", "no-df", "random-id", "min-ttl"),
        *(
            "max-mss",
            "set-tos",
            "reassemble",
            "reassembled",
            "label",
            "queue",
            "tag",
            "tagged",
            "rtable",
            "divert",
            "to",
        ),
    ),
    "OpenBSD": (
        *("tos", "prio", "set", "state", "probability", "max-pkt-rate", "fragment", "allow-opts", "scrub", "label"),
        *("once", "tag", "tagged", "rtable", "divert", "to", "route"),
    ),
}


@dataclass
class Rule:
    """All fields as text, empty for none; ``state`` is keep, modulate, synproxy, no or empty.

    ``options`` are what stands behind the addresses and has no field of its own, by its name as it is printed.
    """

    action: str
    returns: str = ""
    icmp_code: str = ""
    direction: str = ""
    log: str = ""
    quick: bool = False
    interface: str = ""
    route: str = ""
    family: str = ""
    protocol: int = 0
    source: str = "any"
    source_port: str = ""
    os: str = ""
    destination: str = "any"
    destination_port: str = ""
    received: str = ""
    user: str = ""
    group: str = ""
    flags: str = ""
    icmp: str = ""
    tos: str = ""
    state: str = ""
    state_options: str = ""
    probability: str = ""
    label: str = ""
    tagged: str = ""
    anchor: str = ""
    options: Dict[str, str] = field(default_factory=dict)
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
    if name.startswith("_"):
        return ""
    if style.dry and style.system != "OpenBSD" and ("/" in name or name == "*"):
        name = "/" + name.rpartition("/")[2]
    return f'"{name}"' if name else ""


def print_rule(rule: Rule, style: Style) -> str:
    """One rule as print_rule() of that system prints it."""
    openbsd = style.system == "OpenBSD"
    words = [rule.action, print_anchor(rule.anchor, style), rule.returns + rule.icmp_code]
    words += [rule.direction, rule.log, "quick" if rule.quick else "", f"on {rule.interface}" if rule.interface else ""]
    words += [rule.route, rule.family, f"proto {PROTOCOLS.get(rule.protocol, rule.protocol)}" if rule.protocol else ""]
    words += [_print_ends(rule, style), rule.received, rule.user, rule.group, _print_flags(rule), rule.icmp]
    found = {**rule.options, "tos": rule.tos, "state": _print_state(rule, openbsd), "probability": rule.probability}
    found["label"] = f'label "{rule.label}"' if rule.label else ""
    found["tagged"] = rule.tagged
    words += [found.get(name, "") for name in ORDER["OpenBSD" if openbsd else "FreeBSD"]]
    return " ".join(word for word in words if word)


def _print_ends(rule: Rule, style: Style) -> str:
    operating = f'os "{rule.os}"' if rule.os else ""
    source = " ".join(filter(None, (rule.source, _print_port(rule.source_port, rule.protocol, style), operating)))
    destination = " ".join(filter(None, (rule.destination, _print_port(rule.destination_port, rule.protocol, style))))
    return "all" if (source, destination) == ("any", "any") else f"from {source} to {destination}"


def _print_port(port: str, protocol: int, style: Style) -> str:
    """The service's name after = and !=, unless numbers are asked for, which OpenBSD always prints."""
    operator, _space, value = port.partition(" ")
    if operator in ("=", "!=") and not style.numeric and style.system != "OpenBSD":
        value = SERVICE_NAMES.get((int(value), "udp" if protocol == 17 else "tcp"), value)
        return f"port {operator} {value}"
    return f"port {port}" if port else ""


def _print_flags(rule: Rule) -> str:
    return f"flags {rule.flags}" if rule.flags else ""


def _print_state(rule: Rule, openbsd: bool) -> str:
    if rule.action != "pass":
        return ""
    if rule.state == "no":
        return "no state"
    plain = rule.state == "keep" and openbsd and not rule.state_options
    options = f" ({rule.state_options})" if rule.state_options else ""
    return "" if plain else f"{rule.state} state{options}"


def address_family(address: str) -> Optional[str]:
    """inet or inet6 of a literal address, None for what has no family of its own."""
    bare = address.replace("! ", "")
    if bare.startswith(("(", "<")):
        return None
    if ":" in bare:
        return "inet6"
    return "inet" if bare[:1].isdigit() else None

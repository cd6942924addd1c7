# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that each firewall has beyond the common ones, and the refusal of foreign ones."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

OPTIONS: Dict[str, FrozenSet[str]] = {
    "iptables": frozenset(("interface", "position", "adopt", "timeout", "confirm")),
    "nftables": frozenset(("interface", "position", "adopt", "timeout", "confirm")),
    "firewalld": frozenset(("zone", "adopt", "timeout", "confirm")),
    "ufw": frozenset(("position", "adopt", "enable", "confirm")),
    "pf": frozenset(("interface", "position", "adopt", "enable", "anchor")),
    "windows": frozenset(
        ("adopt", "profiles", "display_name", "group", "program", "service", "edge_traversal"),
    ),
}
MANAGED = tuple(OPTIONS)
SYSTEMS = "Linux, FreeBSD, OpenBSD, macOS and Windows"
"""The systems whose firewalls are managed, for messages."""
UNSET: Dict[str, Any] = {
    "interface": (),
    "position": "auto",
    "adopt": False,
    "timeout": None,
    "confirm": None,
    "zone": "",
    "enable": False,
    "anchor": "",
    "profiles": None,
    "display_name": "",
    "group": "",
    "program": "",
    "service": "",
    "edge_traversal": False,
}
"""What each of these options is where nobody asked for it."""

_INSTEAD = {
    ("firewalld", "interface"): "firewalld opens ports for a zone: name it with the option zone",
    ("firewalld", "position"): "firewalld orders its rules itself",
    ("firewalld", "enable"): "start firewalld with its service",
    ("ufw", "interface"): "limit the set to networks with the option source instead",
    ("ufw", "timeout"): "ufw has no means to close a port by itself",
    ("pf", "confirm"): "what changes pf is not taken back by itself yet",
    ("windows", "confirm"): "what changes Windows Firewall is not taken back by itself yet",
    ("pf", "timeout"): "pf has no means to close a port by itself",
    ("pf", "zone"): "name network interfaces or groups with the option interface instead",
    ("iptables", "zone"): "name network interfaces with the option interface instead",
    ("nftables", "zone"): "name network interfaces with the option interface instead",
}


def refuse_foreign_options(given: Mapping[str, Any], backend: str) -> None:
    """Raises RequestError where an option is ``given`` (by name, in the form of a Request) that ``backend`` has not."""
    for name, unset in UNSET.items():
        if given[name] == unset or name in OPTIONS[backend]:
            continue
        able = [other for other, names in OPTIONS.items() if name in names]
        instead = _INSTEAD.get((backend, name))
        raise RequestError(
            "{} is no option of {}, only of {}{}".format(
                name, backend, ", ".join(able), f": {instead}" if instead else ": leave it out"
            )
        )

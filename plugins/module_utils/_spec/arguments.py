# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The argument specifications of the modules about ports, for the modules and for the action plugin before them."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED, OPTIONS, UNSET

_PORTS: Dict[str, Any] = {"type": "list", "elements": "str", "default": ["80/tcp", "443/tcp"]}
_LIST: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}

PORTS_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "default": "https"},
    "ports": _PORTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "source": _LIST,
    "interface": _LIST,
    "direction": {"type": "str", "choices": ["in", "out", "both"], "default": "in"},
    "position": {"type": "str", "choices": ["auto", "first", "last"], "default": "auto"},
    "persistent": {"type": "bool", "default": True},
    "require_effective": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    "timeout": {"type": "str"},
    "confirm": {"type": "str"},
    "zone": {"type": "str"},
    "enable": {"type": "bool", "default": False},
    "anchor": {"type": "str"},
    "profiles": {"type": "list", "elements": "str", "choices": ["domain", "private", "public"]},
    "display_name": {"type": "str"},
    "group": {"type": "str"},
    "program": {"type": "str"},
    "service": {"type": "str"},
    "edge_traversal": {"type": "bool", "default": False},
}

WINDOWS_MODULE = "win_firewall_ports"
"""The module with Windows Firewall as its backend; a script of PowerShell cannot be called as its backend is."""

PORTS_INFO_ARGUMENTS: Dict[str, Dict[str, Any]] = {"ports": _PORTS, "source": _LIST, "interface": _LIST}


def ports_arguments(backends: Sequence[str]) -> Dict[str, Dict[str, Any]]:
    """The arguments of a module that manages ports with one of ``backends``; the first is the default.

    Options that none of these firewalls has are left out.
    """
    has = frozenset(name for backend in backends for name in OPTIONS.get(backend, ()))
    arguments = {name: one for name, one in PORTS_ARGUMENTS.items() if name not in UNSET or name in has}
    arguments["backend"] = {"type": "str", "choices": list(backends), "default": backends[0]}
    return arguments


def arguments_of(module: str) -> Dict[str, Dict[str, Any]]:
    """The arguments of the module of that short name, such as ``ports`` or ``iptables_ports``."""
    if module == "ports_info":
        return PORTS_INFO_ARGUMENTS
    if module == "ports":
        return ports_arguments(("auto", *MANAGED))
    return ports_arguments(("windows" if module == WINDOWS_MODULE else module[: -len("_ports")],))

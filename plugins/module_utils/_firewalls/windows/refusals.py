# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a request cannot mean on Windows, each with what would work."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.options import OPTIONS, UNSET
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, refuse_foreign

NAME = "windows"
"""The backend's name."""

_INSTEAD = {
    "interface": "Windows has a profile for the network of each interface: use the option profiles instead",
    "zone": "Windows has profiles for that: use the option profiles instead",
    "position": "a rule of Windows that blocks counts before all that allow, wherever it stands",
    "timeout": "Windows Firewall has no means to close a port by itself",
    "enable": "the firewall of Windows is switched on and off by its profiles, not here",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PROGRAM = re.compile(r"(?:[A-Za-z]:|%[A-Za-z][A-Za-z0-9_()]*%)\\[^\"*<>?|]+|System", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9_.$-]{1,256}", re.ASCII)
_LONGEST = 255


def refuse_for_windows(request: PortsRequest) -> None:
    """Raises RequestError for a request that Windows Firewall cannot serve."""
    if request.backend not in ("auto", NAME):
        raise RequestError(
            f"backend {request.backend} is no firewall of Windows, and this connection leads to Windows: write "
            "windows, or leave it out"
        )
    for option, instead in _INSTEAD.items():
        if getattr(request, option) != UNSET[option]:
            raise RequestError(f"{option} is no option of Windows Firewall: {instead}")
    refuse_foreign(request, NAME)
    for told in _complaints(request):
        raise RequestError(told)


def _complaints(request: PortsRequest) -> Iterator[str]:
    other = [str(port) for port in request.ports if port.protocol not in ("tcp", "udp")]
    if other:
        yield f"Windows Firewall filters ports of tcp and udp alone, so {', '.join(other)} cannot be opened there"
    if not request.persistent:
        yield "persistent: false is not there on Windows, whose rules are kept over a reboot: leave it out"
    if request.profiles is not None and not request.profiles:
        yield "profiles is empty: name some of domain, private and public, or leave it out for domain and private"
    for option, text in (("display_name", request.display_name), ("group", request.group)):
        yield from _name_complaints(option, text)
    if request.program and request.program != "any" and not _PROGRAM.fullmatch(request.program):
        yield (
            f"program {request.program!r} is no full path of a program, such as C:\\Program Files\\nginx\\nginx.exe or "
            "%SystemRoot%\\System32\\svchost.exe, nor System, which is what IIS listens as"
        )
    if request.service == "*":
        yield "service '*' makes a rule that holds for services alone, not for programs: leave it out for both"
    if request.service and request.service != "any" and not _SERVICE.fullmatch(request.service):
        yield f"service {request.service!r} is no name of a service, such as W3SVC (its short name, not the shown one)"
    if request.edge_traversal and request.direction != "in":
        yield "edge_traversal is about who connects to this host, so it goes with direction: in alone"


def _name_complaints(option: str, text: str) -> Sequence[str]:
    if not text:
        return ()
    if "|" in text or _CONTROL.search(text) or text.startswith("@") or text.lower() == "all" or len(text) > _LONGEST:
        return (
            f"{option} {text!r} cannot be shown by Windows: no '|' and no control characters, not 'All', not starting "
            f"with '@', at most {_LONGEST} characters",
        )
    return ()


def refuse_elsewhere(given: Mapping[str, Any]) -> None:
    """Raises RequestError for the backend and the options of Windows, for a connection that does not lead there."""
    if given.get("backend") == NAME:
        raise RequestError("backend windows is Windows Firewall, and this connection does not lead to Windows")
    others = frozenset(name for backend, names in OPTIONS.items() if backend != NAME for name in names)
    for name in sorted(OPTIONS[NAME] - others):
        if (given.get(name) or UNSET[name]) != UNSET[name]:
            raise RequestError(
                f"{name} is an option of Windows Firewall alone, and this connection leads to no Windows: leave it out"
            )

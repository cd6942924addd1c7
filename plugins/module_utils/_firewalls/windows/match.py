# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a connection meets a rule: yes, no, or some, where the rule looks at what is not known of the connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import RuleShape, shape_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import WindowsRule
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import contains
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

YES, NO, SOME = "yes", "no", "some"

# Of app containers, of packages and of Wi-Fi Direct's services: none of them is a web server's.
_OTHERS = ("apppkgid", "luown", "pfn")
# What the words that stand for ports can be; those that are not here may be any.
_PORT_WORDS = {
    "rpc-epmap": (135, 135),
    "iphttpsin": (443, 443),
    "iphttpsout": (443, 443),
    "iptlsin": (443, 443),
    "iptlsout": (443, 443),
    "dhcp": (67, 68),
    "mdns": (5353, 5353),
    "ply2disc": (5004, 5005),
    "teredo": (1024, 65535),
    "rpc": (1024, 65535),
}
_NAMED_USERS = re.compile(r"O:LSD:(\(A;[^)]*\))+", re.ASCII)
_VARIABLE = re.compile(r"%([A-Za-z][A-Za-z0-9_()]*)%", re.ASCII)
_FOLDERS = {
    "systemroot": r"c:\windows",
    "windir": r"c:\windows",
    "systemdrive": "c:",
    "programfiles": r"c:\program files",
    "programfiles(x86)": r"c:\program files (x86)",
    "programdata": r"c:\programdata",
}
_KNOWN = ("desc", "lsm", "lom")


@dataclass(frozen=True)
class WindowsConnection:
    """A new connection: ``source`` None is a stranger's, whom no rule names.

    ``program`` and ``service`` empty are not known: then they are taken for such as no rule names.
    """

    direction: str
    protocol: int
    ports: Tuple[int, int]
    family: int
    profile: str
    source: Optional[Network] = None
    program: str = ""
    service: str = ""


@dataclass(frozen=True)
class JudgedRule:
    """A rule and what it means, read once for all connections that are asked about."""

    rule: WindowsRule
    shape: RuleShape

    @classmethod
    def of(cls, rule: WindowsRule) -> JudgedRule:
        """Reads a rule."""
        return cls(rule, shape_of(rule))


def meets(shape: RuleShape, asked: WindowsConnection) -> str:
    """Tells whether the connection meets a rule of that shape: yes, no, or some."""
    if not shape.enabled or shape.direction != asked.direction or asked.profile not in shape.profiles:
        return NO
    if shape.protocol and shape.protocol != str(asked.protocol):
        return NO
    worst = _port(shape, asked)  # most rules are for other ports
    if worst == NO:
        return NO
    parts = (worst, _address(shape, asked), _program(shape, asked), _rest(shape))
    if NO in parts:
        return NO
    return SOME if SOME in parts else YES


def _port(shape: RuleShape, asked: WindowsConnection) -> str:
    mine, others = (shape.local_ports, shape.remote_ports)
    if asked.direction == "out":
        mine, others = others, mine
    if not mine.spans and not mine.words:
        found: Optional[bool] = True
    else:
        found = contains(mine.spans, *asked.ports)
        words = (_PORT_WORDS.get(word.lower(), (1, 65535)) for word in mine.words)
        if found is False and any(low <= asked.ports[1] and asked.ports[0] <= high for low, high in words):
            found = None
    if found is False:
        return NO
    return YES if found and others.parameters() == [] else SOME


def _address(shape: RuleShape, asked: WindowsConnection) -> str:
    """A stranger is in no network that a rule names; where a rule names one IP version, it is about that alone."""
    remote = shape.remote
    if remote.holds_all(asked.family):
        return YES
    spans = remote.of(asked.family)
    if asked.source is not None and spans:
        found = contains(spans, int(asked.source.network_address), int(asked.source.broadcast_address))
        if found is not False:
            return YES if found else SOME
    far = [word for word in remote.words if word.lower() not in _NEAR]
    if asked.source is not None and remote.words:
        return SOME
    return SOME if far else NO


_NEAR = ("localsubnet", "localsubnet4", "localsubnet6", "dns", "dhcp", "wins", "defaultgateway", "ply2renders")
"""Words for who is near a host or serves it: no stranger is."""


def _program(shape: RuleShape, asked: WindowsConnection) -> str:
    """Of a program that listens in svchost.exe it is not known which service it is."""
    if not shape.program and not shape.service:
        return YES
    if shape.service == "*" and not shape.program:
        return SOME
    if shape.program:
        named, program = _expanded(shape.program), _expanded(asked.program)
        if named != program and not ("%" in named and program):
            return NO
        if named != program:
            return SOME
    if not shape.service or shape.service.lower() == asked.service.lower():
        return YES
    return SOME if asked.program and not asked.service and asked.program.lower() != "system" else NO


def _expanded(path: str) -> str:
    """Returns a path in lower case, with the folders that its variables stand for."""
    return _VARIABLE.sub(lambda found: _FOLDERS.get(found.group(1).lower(), found.group()), path).lower()


def _rest(shape: RuleShape) -> str:
    """What is known of no connection makes a rule hold for some; some of it for none that is asked about."""
    answer = YES
    for key, value in shape.rest:
        name = key.lower()
        if name.startswith("ttk") or name in _OTHERS:
            return NO
        if shape.action == "block" and name == "luauth" and _NAMED_USERS.fullmatch(value):
            return NO
        if shape.action != "block" and name.startswith("security"):
            return NO  # who is let in then has to be known by IPsec
        if name not in _KNOWN:
            answer = SOME
    return answer

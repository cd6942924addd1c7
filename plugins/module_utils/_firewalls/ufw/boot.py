# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders all that ufw loads when it starts as one text for iptables-restore, to be rehearsed.

The order of chains, jumps and files is that of /lib/ufw/ufw-init-functions of ufw 0.36.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import UfwSettings
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import PATHS

HOOKS = ("INPUT", "OUTPUT", "FORWARD")
BUILTIN = ("PREROUTING", "POSTROUTING", *HOOKS)
FRAMES = {
    4: ("/etc/ufw/before.rules", "/etc/ufw/after.rules"),
    6: ("/etc/ufw/before6.rules", "/etc/ufw/after6.rules"),
}
_PRIMARY = ("before-logging", "before", "after", "after-logging", "reject", "track")  # in the order of their jumps
_SECONDARY = ("logging-deny", "logging-allow", "user-limit", "user-limit-accept")
_IPV6_OFF = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n"
_IPV6_OFF += "-A INPUT -i lo -j ACCEPT\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n"


def boot_text(settings: UfwSettings, family: int, files: Dict[str, str]) -> str:
    """Returns the text for an IP version; ``files`` are before, user and after rules by path.

    An empty text is one that ufw does not load at all: it is off.
    """
    if family == 6 and not settings.ipv6:
        return _IPV6_OFF
    name = "ufw6" if family == 6 else "ufw"
    before, after = (_sections(files.get(path, "")) for path in FRAMES[family])
    user = _sections(files.get(PATHS[family], ""))
    chains = _chains(name)
    for section in (before, after, user):
        chains += [chain for chain in section.get("filter", ([], []))[0] if chain not in chains]
    lines = ["*filter", *(f":{hook} {_builtin(settings.policy(hook))} [0:0]" for hook in HOOKS)]
    lines += [f":{chain} - [0:0]" for chain in chains if chain not in HOOKS]
    lines += [f"-A {hook} -j {name}-{part}-{hook.lower()}" for hook in HOOKS for part in _PRIMARY]
    for hook in HOOKS:
        lines += _policy_rules(name, hook, settings.policy(hook))
    for section in (before, after, user):
        lines += section.get("filter", ([], []))[1]
    lines += [f"-A {name}-before-{hook.lower()} -j {name}-user-{hook.lower()}" for hook in HOOKS]
    lines.append("COMMIT")
    for section in (before, after):
        for table in sorted(section):
            lines += _whole(section, table) if table != "filter" else []
    return "\n".join([*lines, ""])


def _chains(name: str) -> List[str]:
    hooks = [hook.lower() for hook in HOOKS]
    parts = (*_PRIMARY, "skip-to-policy", "user", "user-logging")
    return [f"{name}-{part}-{hook}" for part in parts for hook in hooks] + [f"{name}-{part}" for part in _SECONDARY]


def _builtin(policy: str) -> str:
    return "DROP" if policy == "REJECT" else policy


def _policy_rules(name: str, hook: str, policy: str) -> List[str]:
    lines = [f"-A {name}-skip-to-policy-{hook.lower()} -j {policy}"]
    if policy == "REJECT":
        lines.append(f"-A {name}-reject-{hook.lower()} -j REJECT")
    if policy == "ACCEPT":
        track = f"-A {name}-track-{hook.lower()}"
        lines += [f"{track} -p {protocol} -m conntrack --ctstate NEW -j ACCEPT" for protocol in ("tcp", "udp")]
    return lines


Section = Tuple[List[str], List[str]]
"""Chains that a table of a file declares, and its other lines."""


def _sections(text: str) -> Dict[str, Section]:
    """The tables of a file."""
    tables: Dict[str, Section] = {}
    section: Section = ([], [])
    for line in text.split("\n"):
        bare = line.strip()
        if bare.startswith("*"):
            section = tables.setdefault(bare[1:], ([], []))
        elif bare.startswith(":"):
            section[0].append(bare[1:].split()[0])
        elif bare and not bare.startswith("#") and bare != "COMMIT":
            section[1].append(line)
    return tables


def _whole(section: Dict[str, Section], table: str) -> List[str]:
    """A table other than filter, as the file has it."""
    chains, rules = section[table]
    declared = [f":{chain} {'ACCEPT' if chain in BUILTIN else '-'} [0:0]" for chain in chains]
    return [f"*{table}", *declared, *rules, "COMMIT"]

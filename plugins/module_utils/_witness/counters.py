# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads how often rules of a Linux host were taken, and how many connections its kernel dropped."""

from __future__ import annotations

import re
from typing import Dict, Iterator, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, find_frontends
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import command_of

_POLICY = re.compile(r":(\S+) \S+ \[(\d+):\d+\]")
_RULE = re.compile(r"\[(\d+):\d+\] (-A (\S+).*)")
_HANDLE = re.compile(r"\bcounter packets (\d+) bytes \d+.* # handle (\d+)$")
_BEGINS = re.compile(r"\s*(table|chain) ((?:\S+ )?\S+) \{")
_DROPPED = ("ListenOverflows", "ListenDrops")


def read_rule_counters(host: FirewallHost) -> Dict[str, int]:
    """Returns how many packets each rule that counts has seen, by ``rule_key``; what cannot be read is left out."""
    found: Dict[str, int] = {}
    try:
        commands, _default = find_frontends(host)
        for frontend, prefix in commands.items():
            for family, name in FAMILIES.items():
                found.update(_read_save(host, command_of(prefix, family) + "-save", f"{frontend} {name}"))
        if host.find("nft"):
            found.update(_read_nft(host))
    except HostError:  # they explain, and are not needed to say where a connection ends
        pass
    return found


def rule_key(table: str, chain: str, rule: str, handle: int) -> str:
    """Returns the name of a rule among the counters: by handle with nft, by its text elsewhere, empty for a policy."""
    return f"{table}|{chain}|{handle if table.startswith('nft ') else rule}"


def _read_save(host: FirewallHost, tool: str, place: str) -> Dict[str, int]:
    ended = host.run((tool, "-c"))
    return dict(parse_save_counters(ended.out, place)) if ended.returncode == 0 else {}


def parse_save_counters(text: str, place: str) -> Iterator[Tuple[str, int]]:
    """Yields the counters of what iptables-save -c prints; ``place`` is frontend and family."""
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = f"{place} {line[1:].strip()}"
        policy, rule = _POLICY.match(line), _RULE.match(line)
        if policy:
            yield rule_key(table, policy.group(1), "", 0), int(policy.group(2))
        elif rule:
            yield rule_key(table, rule.group(3), rule.group(2), 0), int(rule.group(1))


def _read_nft(host: FirewallHost) -> Dict[str, int]:
    ended = host.run(("nft", "-a", "list", "ruleset"))
    return dict(parse_nft_counters(ended.out)) if ended.returncode == 0 else {}


def parse_nft_counters(text: str) -> Iterator[Tuple[str, int]]:
    """Yields the counters of what nft -a list ruleset prints: of the rules that have one."""
    table = chain = ""
    for line in text.splitlines():
        begins = _BEGINS.match(line)
        if begins and begins.group(1) == "table":
            table = f"nft {begins.group(2)}"
        elif begins:
            chain = begins.group(2)
        counted = _HANDLE.search(line)
        if counted:
            yield rule_key(table, chain, "", int(counted.group(2))), int(counted.group(1))


def read_dropped(host: FirewallHost) -> Dict[str, int]:
    """Returns ListenOverflows and ListenDrops of /proc/net/netstat, those of this network namespace."""
    text = (host.read("/proc/net/netstat") or b"").decode("ascii", "replace")
    return parse_dropped(text)


def parse_dropped(text: str) -> Dict[str, int]:
    """Returns them from two lines: names, and their numbers."""
    lines = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")]
    numbers = dict(zip(*lines)) if len(lines) == 2 else {}
    return {name: int(numbers[name]) for name in _DROPPED if numbers.get(name, "").isdigit()}

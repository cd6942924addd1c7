# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pfctl has against a rule that the grammar takes (filter_consistent() and rule_consistent() in parse.y)."""

from __future__ import annotations

from typing import List

from fake_pf.rules import Rule

STATE_ON_BLOCK = {
    True: "keep state is great, but only for pass rules",
    False: "keep state on block rules doesn't make sense",
}


def complaints(rule: Rule, system: str) -> List[str]:
    """Returns what pfctl says against a rule, in its order."""
    openbsd = system == "OpenBSD"
    asked = 58 if rule.icmp.startswith("icmp6-type") else 1
    version = {1: ("inet6", "icmp"), 58: ("inet", "icmp6")}.get(rule.protocol, ("", ""))
    ported = bool(rule.source_port or rule.destination_port)
    checks = (
        (bool(rule.icmp) and rule.protocol != asked, "icmp-type mismatch"),
        (bool(rule.os) and rule.protocol not in (0, 6), "os only applies to tcp"),
        (ported and rule.protocol not in (6, 17), "port only applies to tcp/udp"),
        (bool(rule.icmp) and rule.protocol not in (1, 58), "icmp-type/code only applies to icmp"),
        (openbsd and bool(rule.user) and rule.protocol not in (6, 17), "user only applies to tcp/udp"),
        (openbsd and bool(rule.group) and rule.protocol not in (6, 17), "group only applies to tcp/udp"),
        (rule.family == version[0] != "", f"proto {version[1]} doesn't match address family {rule.family}"),
        (rule.returns.startswith("return-rst") and rule.protocol != 6, "return-rst can only be applied to TCP rules"),
        (rule.action == "block" and rule.state not in ("", "no"), STATE_ON_BLOCK[openbsd]),
    )
    return [words for wrong, words in checks if wrong]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule sets of this collection in ufw's files, told by their comments, and the files that hold ufw's rules."""

from __future__ import annotations

from typing import Dict, List

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import encode_comment
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import PATHS, parse_user_rules
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet, describe_set
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

RULES_FILES = tuple(
    (family, f"/etc/ufw/{name}{end}.rules")
    for family, end in ((4, ""), (6, "6"))
    for name in ("before", "user", "after")
)
"""IP version and path; before and after hold what ufw's package and the administrator wrote, user what ufw was told."""


def list_sets(host: FirewallHost) -> List[RuleSet]:
    """Returns the sets that are rules of ufw; raises HostError for a file that cannot be read."""
    prefix = encode_comment(CHAIN_PREFIX)
    sets: Dict[str, RuleSet] = {}
    for family, path in PATHS.items():
        file = parse_user_rules((host.read(path) or b"").decode("utf-8", "surrogateescape"), family)
        for block in file.blocks if file else ():
            if block.rule and block.rule.comment.startswith(prefix):
                name = bytes.fromhex(block.rule.comment).decode("utf-8", "replace")
                found = sets.setdefault(f"{name} {family}", describe_set(name, f"ipv{family}", "ufw", "filter", []))
                found["rules"] += [line for line in block.text.split("\n") if line.startswith("-A ")]
    return list(sets.values())

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where our rules go among the administrator's, and when they stay where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.desired import is_ours, with_set
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import parse_user_rules
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

CASES = yaml.safe_load((Path(__file__).parent / "places.yml").read_text(encoding="utf-8"))
HEAD = """*filter
:ufw-user-input - [0:0]
:ufw-user-output - [0:0]
:ufw-user-forward - [0:0]
:ufw-user-logging-input - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
### RULES ###
"""
TAIL = """
### END RULES ###

### RATE LIMITING ###
-A ufw-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
### END RATE LIMITING ###
COMMIT
"""
ANY = "0.0.0.0/0 any 0.0.0.0/0"
LOG = "-m conntrack --ctstate NEW -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix"
# Tuple, and the rules that ufw writes for it.
RULES = {
    "ssh": (f"allow tcp 22 {ANY} in", "-A ufw-user-input -p tcp --dport 22 -j ACCEPT"),
    "other-port": (f"allow tcp 9999 {ANY} in", "-A ufw-user-input -p tcp --dport 9999 -j ACCEPT"),
    "deny-all": (f"deny any any {ANY} in", "-A ufw-user-input -j DROP"),
    "reject-all": (f"reject any any {ANY} in", "-A ufw-user-input -j REJECT"),
    "deny-tcp": (f"deny tcp any {ANY} in", "-A ufw-user-input -p tcp -j DROP"),
    "deny-443": (f"deny tcp 443 {ANY} in", "-A ufw-user-input -p tcp --dport 443 -j DROP"),
    "deny-eth0": (f"deny any any {ANY} in_eth0", "-A ufw-user-input -i eth0 -j DROP"),
    "deny-eth1": (f"deny any any {ANY} in_eth1", "-A ufw-user-input -i eth1 -j DROP"),
    "deny-out": (f"deny any any {ANY} out", "-A ufw-user-output -j DROP"),
    "reject-443-out": (
        f"reject tcp 443 {ANY} out",
        "-A ufw-user-output -p tcp --dport 443 -j REJECT --reject-with tcp-reset",
    ),
    "ban-out": ("deny any any 203.0.113.0/24 any 0.0.0.0/0 out", "-A ufw-user-output -d 203.0.113.0/24 -j DROP"),
    "deny-own-out": ("deny any any 0.0.0.0/0 any 0.0.0.0/1 out", "-A ufw-user-output -s 0.0.0.0/0 -j DROP"),
    "route": (f"route:deny any any {ANY} in", "-A ufw-user-forward -j DROP"),
    "ban": ("deny any any 0.0.0.0/0 any 203.0.113.0/24 in", "-A ufw-user-input -s 203.0.113.0/24 -j DROP"),
    "ban-logged": (
        "deny_log any any 0.0.0.0/0 any 198.51.100.7 in",
        f'-A ufw-user-logging-input -s 198.51.100.7 {LOG} "[UFW BLOCK] "',
        "-A ufw-user-logging-input -s 198.51.100.7 -j RETURN",
        "-A ufw-user-input -s 198.51.100.7 -j ufw-user-logging-input",
        "-A ufw-user-input -s 198.51.100.7 -j DROP",
    ),
    "deny-all-logged": (
        f"deny_log any any {ANY} in",
        f'-A ufw-user-logging-input {LOG} "[UFW BLOCK] "',
        "-A ufw-user-logging-input -j RETURN",
        "-A ufw-user-input -j ufw-user-logging-input",
        "-A ufw-user-input -j DROP",
    ),
    "limit-ssh": (
        f"limit tcp 22 {ANY} in",
        "-A ufw-user-input -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --set",
        "-A ufw-user-input -p tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6"
        " -j ufw-user-limit",
        "-A ufw-user-input -p tcp --dport 22 -j ufw-user-limit-accept",
    ),
}
TUPLES = {lines[0]: name for name, lines in RULES.items()}


def file_of(names):
    blocks = ("\n### tuple ### " + "\n".join(RULES[name]) + "\n" for name in names)
    return HEAD + "".join(blocks) + TAIL


def order_of(text, asked):
    """The rules of a file by their names."""
    blocks = parse_user_rules(text, 4).blocks
    return [
        "ours" if is_ours(block.rule, asked) else TUPLES[block.text.split("\n")[1].replace("### tuple ### ", "")]
        for block in blocks
    ]


def put(text, **options):
    asked = parse_request({"ports": ["80/tcp", "443/tcp"], **options})
    return with_set(parse_user_rules(text, 4), asked, Link(4, True, "eth0", ())).text, asked


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_our_rule_goes_before_the_barrier_and_behind_the_bans(case):
    options = {name: case[name] for name in ("ports", "position", "direction", "source") if name in case}
    text, asked = put(file_of(case["rules"]), **options)
    assert order_of(text, asked) == case["order"]
    assert put(text, **options)[0] == text


def again(first, then):
    """The order after another run, where an administrator made ``then`` of a file in which ours stood."""
    text, asked = put(file_of(first))
    ours = next(block.text for block in parse_user_rules(text, 4).blocks if is_ours(block.rule, asked))
    edited = file_of([name for name in then if name != "ours"])
    before = parse_user_rules(edited, 4)
    blocks = [block.text for block in before.blocks]
    blocks.insert(then.index("ours"), ours)
    return order_of(put(before.head + "".join(blocks) + before.tail)[0], asked)


def test_what_was_added_behind_ours_moves_nothing():
    assert again(["ssh"], ["ssh", "ours", "other-port"]) == ["ssh", "ours", "other-port"]


def test_a_new_ban_behind_ours_moves_ours_behind_it():
    assert again(["ssh"], ["ssh", "ours", "ban"]) == ["ssh", "ban", "ours"]


def test_a_new_deny_of_our_port_moves_ours_behind_it():
    assert again(["ssh"], ["ssh", "ours", "deny-443"]) == ["ssh", "deny-443", "ours"]


def test_a_barrier_that_came_before_ours_moves_ours_up():
    assert again(["ssh"], ["ssh", "deny-all", "ours"]) == ["ssh", "ours", "deny-all"]


def test_an_edit_of_the_ports_leaves_ours_in_its_place():
    text, _asked = put(file_of(["ssh", "deny-all"]))
    more, asked = put(text, ports=["80/tcp", "443/tcp", "8443/tcp"])
    assert order_of(more, asked) == ["ssh", "ours", "deny-all"]
    assert "tcp 80,443,8443 0.0.0.0/0" in more

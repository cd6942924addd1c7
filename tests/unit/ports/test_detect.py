# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which firewall is in charge, from the rules that are there."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._ports.detect import Evidence, choose
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

BASE = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"


def iptables(*lines, policy="ACCEPT", frontend="iptables-nft", family="ip"):
    declared = {line.split()[1] for line in lines if line.startswith("-A")} - {"INPUT", "FORWARD", "OUTPUT"}
    declared |= {line.split()[-1] for line in lines if line.split()[-2] == "-j" and not line.split()[-1].isupper()}
    chains = "".join(f":{name} - [0:0]\n" for name in sorted(declared))
    save = BASE.replace("INPUT ACCEPT", f"INPUT {policy}") + chains + "\n".join([*lines, "COMMIT", ""])
    return parse_save(save, frontend, family)


def native(name, hook="input", policy="accept", rules=1, kind="filter", family="inet", chain="chain"):
    opaque = tuple(Rule((), "opaque", text="native") for _rule in range(rules))
    return (Table("nft", family, name, (Chain(chain, opaque, policy, hook, 0, kind),)),)


def counting(name, *verdicts):
    """A native table that blocks nothing."""
    rules = tuple(Rule((), verdict, text=verdict) for verdict in (*verdicts, "continue"))
    return (Table("nft", "inet", name, (Chain("chain", rules, "accept", "input"),)),)


NOTHING = [
    ("an empty kernel", ()),
    ("tables without rules", iptables()),
    ("docker's forwarding alone", iptables("-A FORWARD -j DOCKER-USER", "-A DOCKER-USER -j RETURN")),
    ("Debian's empty native table", native("filter", rules=0)),
    ("fail2ban's own native table", native("f2b-table")),
    ("native address translation", native("nat", hook="prerouting", kind="nat")),
    ("what a ufw that was switched off leaves", iptables("-A INPUT -j ufw-before-input")),
    ("a native table on another hook", native("fw", hook="forward", policy="drop")),
    ("a device's ingress", native("ddos", hook="ingress", family="netdev", policy="drop")),
    ("ebtables", native("filter", family="bridge", policy="drop")),
    ("arptables", native("filter", family="arp", policy="drop")),
    ("a table without INPUT", parse_save("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", "iptables-nft", "ip")),
]
PROGRAMS = (  # the tables that they make
    "f2b-table fail2ban crowdsec crowdsec6 sshguard docker-bridges libvirt_network kube-proxy cilium netavark podman "
    "wg-quick-wg0 incus lxd netbird"
)


@pytest.mark.parametrize(("_title", "ruleset"), NOTHING, ids=[title for title, _ruleset in NOTHING])
def test_nothing_in_charge(_title, ruleset):
    assert choose(Evidence(ruleset), "auto") == "none"


@pytest.mark.parametrize("name", PROGRAMS.split())
def test_a_program_that_filters_for_itself_is_not_in_charge(name):
    assert choose(Evidence(native(name, policy="drop")), "auto") == "none"
    assert choose(Evidence(native(name) + iptables(policy="DROP")), "auto") == "iptables"


IPTABLES = [
    ("a policy", iptables(policy="DROP")),
    ("a rule", iptables("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT")),
    ("legacy", iptables("-A INPUT -j DROP", frontend="iptables-legacy")),
    ("IPv6 alone", iptables("-A INPUT -j DROP", family="ip6")),
    ("our set, all else flushed", iptables("-A INPUT -j port443-https", "-A port443-https -j ACCEPT")),
    ("with Debian's empty native table", iptables(policy="DROP") + native("filter", rules=0)),
    ("with a native table that only counts", iptables(policy="DROP") + counting("acct")),
    ("with our own set in a native table", iptables(policy="DROP") + counting("port443", "jump", "accept")),
    ("with fail2ban's native table", iptables(policy="DROP") + native("f2b-table")),
]


@pytest.mark.parametrize(("_title", "ruleset"), IPTABLES, ids=[title for title, _ruleset in IPTABLES])
def test_iptables_in_charge(_title, ruleset):
    assert choose(Evidence(ruleset), "auto") == "iptables"


def banning(name, rule, policy="accept"):
    """A native table with one rule for what comes in."""
    return (Table("nft", "inet", name, (Chain("incoming", (rule,), policy, "input"),)),)


BOTH = {"iptables", "nftables"}
FROM = (Match("source", ((3221225991, 3221225991),)),)
SET = (Match("source", ((3221225984, 3221226239),), ("banned",)),)
ALL = (Match("source", ((0, (1 << 32) - 1),)),)
UFW = iptables("-A INPUT -j ufw-before-input", "-A ufw-before-input -i lo -j ACCEPT", policy="DROP")
FIREWALLD = native("firewalld")


@pytest.mark.parametrize(
    ("ruleset", "name"),
    [
        (UFW, "ufw"),
        (FIREWALLD, "firewalld"),
        (native("filter", policy="drop", rules=0), "nftables"),
        (native("fw", hook="ingress"), "nftables"),
        (counting("acct"), "nftables"),
        (native("firewalld_policy_drop") + FIREWALLD, "firewalld"),
        (FIREWALLD + native("broute", hook="prerouting", family="bridge"), "firewalld"),
        (iptables(policy="DROP") + native("ddos", hook="ingress", family="netdev"), "iptables"),
        (UFW + iptables("-A INPUT -i docker0 -j ACCEPT", family="ip6"), "ufw"),
        (UFW + iptables("-A INPUT -i lo -j ACCEPT", policy="DROP", family="ip6"), "ufw"),
        (iptables("-A INPUT -j ufw-before-input", "-A INPUT -j DROP"), "iptables"),
        (native("fw", policy="drop") + iptables("-A INPUT -j f2b-sshd", "-A f2b-sshd -j RETURN"), "nftables"),
        (native("fw", policy="drop") + iptables("-A INPUT -s 192.0.2.7/32 -j DROP"), "nftables"),
        (FIREWALLD + iptables("-A INPUT -m set --match-set banned src -j DROP"), "firewalld"),
        (FIREWALLD + iptables("-A INPUT -s 192.0.2.7/32 -j REJECT --reject-with icmp-port-unreachable"), "firewalld"),
        (FIREWALLD + iptables("-A INPUT -m conntrack --ctstate INVALID -j DROP"), "firewalld"),
        (FIREWALLD + banning("blocked", Rule(FROM, "drop")), "firewalld"),
        (FIREWALLD + banning("blocked", Rule(SET, "reject")), "firewalld"),
        (UFW + banning("blocked", Rule(SET, "drop")), "ufw"),
        (iptables(policy="DROP") + banning("blocked", Rule(FROM, "drop")), "iptables"),
        (FIREWALLD + native("fw", hook="forward", policy="drop") + counting("acct"), "firewalld"),
        (native("filter", policy="drop", chain="INPUT") + iptables("-A INPUT -j f2b", "-A f2b -j RETURN"), "nftables"),
    ],
)
def test_who_is_in_charge_is_seen_from_the_rules_unless_another_is_insisted_on(ruleset, name):
    assert choose(Evidence(ruleset), "auto") == name
    assert choose(Evidence(ruleset), "iptables") == "iptables"


@pytest.mark.parametrize(
    ("ruleset", "names"),
    [
        (iptables(policy="DROP") + native("fw", policy="drop"), BOTH),
        (UFW + FIREWALLD, {"ufw", "firewalld"}),
        (FIREWALLD + iptables("-A INPUT -j DROP"), {"firewalld", "iptables"}),
        (native("fw", policy="drop") + iptables("-A INPUT -s 192.0.2.7/32 -j DROP", "-A INPUT -j DROP"), BOTH),
        (FIREWALLD + banning("blocked", Rule((), "reject")), {"firewalld", "nftables"}),
        (FIREWALLD + banning("blocked", Rule(FROM, "drop"), policy="drop"), {"firewalld", "nftables"}),
        (FIREWALLD + banning("blocked", Rule(ALL, "drop")), {"firewalld", "nftables"}),
        (FIREWALLD + iptables("-A INPUT ! -s 192.0.2.0/24 -j DROP"), {"firewalld", "iptables"}),
        (FIREWALLD + iptables("-A INPUT -p tcp -m tcp --dport 443 -j DROP"), {"firewalld", "iptables"}),
        (iptables(policy="DROP") + native("fw"), {"nftables", "iptables"}),
        (FIREWALLD + iptables("-A INPUT -i lo -j ACCEPT", "-A INPUT -j DROP"), {"firewalld", "iptables"}),
    ],
)
def test_two_firewalls_are_both_named(ruleset, names):
    assert set(find_managers(ruleset)) == names
    with pytest.raises(HostError) as refusal:
        choose(Evidence(ruleset), "auto")
    assert all(name in refusal.value.message for name in names)
    assert "option backend" in refusal.value.message


def test_a_running_service_is_in_charge_before_it_has_rules():
    assert choose(Evidence((), running=("firewalld",)), "auto") == "firewalld"
    with pytest.raises(HostError, match=r"firewalld .its service runs."):
        choose(Evidence(iptables(policy="DROP"), running=("firewalld",)), "auto")


def test_what_the_next_boot_starts_is_in_charge_where_nothing_filters_now():
    assert choose(Evidence((), at_boot=("nftables",)), "auto") == "nftables"
    assert choose(Evidence(iptables(policy="DROP"), at_boot=("nftables",)), "auto") == "iptables"
    with pytest.raises(HostError, match=r"ufw .starts at boot. and nftables"):
        choose(Evidence((), at_boot=("ufw", "nftables")), "auto")

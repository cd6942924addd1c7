# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of others' a reload would take away, and that firewalld is not reloaded then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import (
    KernelChain,
    KernelRule,
    KernelTable,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from recorded_firewalld import (
    CHECK,
    DEFINED,
    RELOAD,
    RICH,
    SERVICE,
    VERSIONS,
    RecordedHost,
    calls,
    kernel,
    opened,
    plan,
    writes,
)

BAN = "-A f2b-nginx -s 192.0.2.66/32 -j REJECT --reject-with icmp-port-unreachable"
DNAT = "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
OTHERS = "a chain of another program"
DROP = Rule((), "drop", text="ip saddr 192.0.2.3 drop")


def rule(family, table, chain):
    """A rule as the kernel lists it; what it does is of no matter."""
    return KernelRule(family, table, chain, 5, b"")


def view(*parts):
    """What nf_tables holds."""
    chains = tuple(part for part in parts if isinstance(part, KernelChain))
    rules = tuple(part for part in parts if isinstance(part, KernelRule))
    places = sorted({(part.family, part.table) for part in parts})
    return NftView(tuple(KernelTable(*place) for place in places), chains, rules)


def base(family, table, name):
    return KernelChain(family, table, name, name.lower())


def asks(field, *spans):
    return Match(field, spans)


def own(chain, *rules):
    """firewalld's own table with these rules in one of its chains."""
    return Table("nft", "inet", "firewalld", (Chain(chain, rules),))


SAVED = Table("iptables-nft", "ip", "filter", (Chain("f2b-nginx", (Rule((), "reject", text=BAN),)),))
LEGACY = Table(
    "iptables-legacy", "ip", "nat", (Chain("PREROUTING", (Rule((), "jump", "DOCKER", text=DNAT),), "accept"),)
)
UNUSED = Table("iptables-legacy", "ip6", "nat", (Chain("PREROUTING", (), "accept"),))
SSH = Rule((asks("dport", (22, 22)),), "accept", text="tcp dport 22 accept")
PORT = Rule((asks("dport", (8443, 8443)),), "accept", text="tcp dport 8443 accept")
RELATED = Rule((Match("state", names=("ESTABLISHED", "RELATED")),), "accept", text="ct state established accept")
FROM = Rule((asks("source", (3221225987, 3221225987)),), "drop", text="ip saddr 192.0.2.3 drop")

LOST = {
    "a ban of fail2ban": (
        view(base("ip", "filter", "INPUT"), rule("ip", "filter", "f2b-nginx")),
        (SAVED,),
        f"ip filter f2b-nginx: {BAN}",
    ),
    "a rule that iptables-save cannot print": (
        view(base("ip", "raw", "PREROUTING"), rule("ip", "raw", "PREROUTING")),
        (),
        f"ip raw PREROUTING: {OTHERS}",
    ),
    "an empty chain": (view(KernelChain("ip6", "mangle", "KUBE")), (), f"ip6 mangle KUBE: {OTHERS}"),
    "a rule of ebtables": (view(rule("bridge", "nat", "PREROUTING")), (), f"bridge nat PREROUTING: {OTHERS}"),
    "a rule of legacy iptables": (None, (UNUSED, LEGACY), f"iptables-legacy ip nat PREROUTING: {DNAT}"),
    "a chain in firewalld's table": (None, (own("mine"),), f"nft inet firewalld mine: {OTHERS}"),
    "a ban in firewalld's table": (
        None,
        (own("filter_INPUT", RELATED, FROM),),
        "nft inet firewalld filter_INPUT: ip saddr 192.0.2.3 drop",
    ),
    "a port in a zone that does not open it": (
        None,
        (own("filter_IN_public_allow", SSH, PORT),),
        "nft inet firewalld filter_IN_public_allow: tcp dport 8443 accept",
    ),
    "a rule before what a zone denies": (
        None,
        (own("filter_IN_public_pre", PORT),),
        "nft inet firewalld filter_IN_public_pre: tcp dport 8443 accept",
    ),
}


def observed(nft, ruleset):
    """The host as observed, with these rules beside firewalld's."""
    seen = kernel(nft=nft)
    return Firewalld().observe(RecordedHost("1.3.3"), replace(seen, ruleset=seen.ruleset + ruleset))


@pytest.mark.parametrize(("nft", "ruleset", "named"), LOST.values(), ids=list(LOST))
def test_what_another_program_has_is_named_and_firewalld_is_not_reloaded(nft, ruleset, named):
    have = observed(nft, ruleset)
    assert have.daemon.keeps == (named,)
    made = plan(have)
    assert calls(made)[2:] == [f".zone.addRichRule public {one} 0" for one in RICH]
    assert (writes(made)[SERVICE], made.persisted) == (DEFINED, "written")


EMPTY = view(base("ip", "filter", "INPUT"), base("bridge", "filter", "INPUT"), rule("ip", "mine", "INPUT"))
NOT_LOST = {
    "tables without a rule, and native ones": (EMPTY, (UNUSED,)),
    "what firewalld makes": (None, (own("filter_INPUT", RELATED), own("filter_IN_public_allow", SSH))),
    "a policy": (None, (own("filter_IN_policy_allow-host-ipv6_allow", PORT),)),
    "a zone that nothing is known of": (None, (own("filter_IN_unknown_allow", PORT),)),
}


@pytest.mark.parametrize(("nft", "ruleset"), NOT_LOST.values(), ids=list(NOT_LOST))
def test_where_nobody_would_lose_a_rule_firewalld_is_reloaded(nft, ruleset):
    have = observed(nft, ruleset)
    assert have.daemon.keeps == ()
    assert calls(plan(have)) == [CHECK, RELOAD]


CHAINS = {  # of what passes through, where the versions differ
    "0.9.3": "raw_PREROUTING filter_FORWARD_IN_ZONES filter_FORWARD_OUT_ZONES filter_FWDI_public filter_FWDO_public",
    "1.3.3": "filter_PREROUTING filter_FORWARD_ZONES filter_FWD_public nat_POST_policy_out_pre mangle_PRE_public_deny",
}


@pytest.mark.parametrize("names", CHAINS.values(), ids=list(CHAINS))
def test_chains_of_every_version_are_firewallds(names):
    table = Table("nft", "inet", "firewalld", tuple(map(Chain, names.split())))
    assert observed(None, (table,)).daemon.keeps == ()


LISTED = """Bridge table: {table}

Bridge chain: INPUT, entries: {entries}, policy: ACCEPT
{more}"""


class Bridged(RecordedHost):
    """A host with the legacy ebtables, and some rules in one of its tables."""

    def __init__(self, entries, more=""):
        super().__init__("1.3.3")
        self._nat = {"entries": entries, "more": more}

    def find(self, name):
        return "/usr/sbin/ebtables" if name == "ebtables" else super().find(name)

    def real_path(self, path):
        return "/usr/sbin/ebtables-legacy" if path == "/usr/sbin/ebtables" else super().real_path(path)

    def run(self, argv):
        tool, option, table, listing = argv
        assert (tool, option, listing) == ("ebtables", "-t", "-L")
        said = self._nat if table == "nat" else {"entries": 0, "more": ""}
        return Completed(argv, 0, LISTED.format(table=table, **said), "")


@pytest.mark.parametrize(
    ("host", "keeps"),
    [
        (Bridged(0), ()),
        (Bridged(2), ("ebtables nat INPUT",)),
        (Bridged(0, "Bridge chain: mine, entries: 0, policy: ACCEPT\n"), ("ebtables nat mine",)),
    ],
)
def test_rules_of_the_legacy_ebtables_are_seen(host, keeps):
    assert Firewalld().observe(host, kernel()).daemon.keeps == keeps


@pytest.mark.parametrize("version", VERSIONS)
def test_no_version_is_taken_to_spare_them(version):
    have = Firewalld().observe(RecordedHost(version), replace(kernel(), ruleset=(*kernel().ruleset, LEGACY)))
    assert RELOAD not in calls(plan(have))


def test_removing_takes_no_reload_either():
    have = opened(observed(None, (LEGACY,)))
    assert calls(plan(have, state="absent")) == [
        ".config.zone.removeService port443-https",
        ".zone.removeService public port443-https",
    ]

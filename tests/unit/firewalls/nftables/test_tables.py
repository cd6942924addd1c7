# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tables a request is for, where the jumps go there, and what nft is told."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.script import change
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import plan_tables
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.transaction import deletions
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, NamedSet
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelRule
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from tables import BANNED, LINKS, TCP, UDP, accept_neighbours, dport, rule, table


def request_of(**options):
    return parse_request({"ports": ["80/tcp", "443/tcp"], **options})


def script_of(*tables, **options):
    """What nft is told, a line each."""
    request = request_of(**options)
    planned = plan_tables(tables, request, LINKS)
    steps = change(request.chain, planned.changes) if planned.changes else ()
    return steps[0].script.splitlines() if steps else []


def settled(*tables, **options):
    """The tables after a run."""
    request = request_of(**options)
    changed = {one.name: one.after(request.chain) for one in plan_tables(tables, request, LINKS).changes}
    kept = tuple(changed.pop((one.family, one.name), one) for one in tables)
    return kept + tuple(changed.values())


CHAIN = "add chain inet filter port443-https"
ACCEPT = "add rule inet filter port443-https tcp dport { 80, 443 } accept"
ND = "add rule inet filter port443-https icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"


def test_the_policy_is_a_barrier_like_a_rule():
    shut = table(accept_neighbours(3), rule(4, "accept", *dport(22)), policy="drop")
    assert script_of(shut) == [CHAIN, ACCEPT, "add rule inet filter input jump port443-https"]
    refused = table(accept_neighbours(3), rule(4, "accept", *dport(22)), rule(5, "reject"))
    assert script_of(refused) == [CHAIN, ACCEPT, "insert rule inet filter input position 5 jump port443-https"]


def test_bans_come_first_and_logs_of_the_barrier_come_behind():
    log = rule(5, "continue", target="log", text='log prefix "in: "')
    assert script_of(table(accept_neighbours(3), rule(4, "drop", *BANNED), log, rule(6, "drop"))) == [
        CHAIN,
        ACCEPT,
        "insert rule inet filter input position 5 jump port443-https",
    ]


def test_neighbours_are_let_in_where_they_are_shut_out():
    assert script_of(table(policy="drop")) == [CHAIN, ACCEPT, ND, "add rule inet filter input jump port443-https"]
    assert ND not in script_of(table(policy="drop", family="ip"))
    assert ND in script_of(table(accept_neighbours(3), policy="drop", chains=(Chain("late", (), "drop", "input", 9),)))


def test_a_rule_that_is_several_here_is_one_for_nft():
    parts = [rule(7, "accept", TCP, Match("dport", ((22, 22),)), text="tcp dport vmap { 22 : accept, 0-65535 : drop }")]
    parts.append(rule(7, "drop", TCP, text=parts[0].text))
    shut = table(accept_neighbours(3), *parts, rule(8, "accept", UDP))
    assert script_of(shut)[-1] == "insert rule inet filter input position 7 jump port443-https"
    (after,) = settled(shut)
    assert [one.text for one in after.chain("input").rules] == [
        "rule 3",
        "jump port443-https",
        parts[0].text,
        parts[0].text,
        "rule 8",
    ]
    assert script_of(after) == []
    assert settled(table(*parts, family="ip"))[0].chain("input").rules[0].target == "port443-https"


def test_each_table_that_blocks_gets_the_set_in_one_transaction():
    tables = (
        table(accept_neighbours(3), policy="drop"),
        table(rule(3, "accept", UDP), name="open"),
        table(accept_neighbours(2), rule(5, "drop"), name="guard", family="ip", chain="in"),
        table(accept_neighbours(2), policy="drop", name="f2b-table"),
        table(accept_neighbours(2), policy="drop", name="firewalld"),
    )
    assert script_of(*tables) == [
        CHAIN,
        ACCEPT,
        "add rule inet filter input jump port443-https",
        "add chain ip guard port443-https",
        "add rule ip guard port443-https tcp dport { 80, 443 } accept",
        "insert rule ip guard in position 5 jump port443-https",
    ]
    assert script_of(*settled(*tables)) == []


def test_a_chain_that_blocks_one_port_alone_gets_the_set_too():
    guard = table(rule(5, "drop", UDP), name="guard")
    lines = script_of(table(rule(3, "accept", TCP)), guard, ports=["443/tcp", "443/udp"])
    assert "insert rule inet guard input position 5 udp dport 443 jump port443-https" in lines


@pytest.mark.parametrize("flags", [{"owned": True}, {"dormant": True, "hook": None}, {"family": "bridge"}])
def test_tables_that_cannot_be_changed_or_decide_nothing_are_left(flags):
    assert script_of(table(policy="drop", **flags)) == []


def test_where_nothing_blocks_it_is_the_first_chain_that_has_rules():
    bans = table(rule(3, "drop", *BANNED))
    assert script_of(table(name="empty"), bans) == [CHAIN, ACCEPT, "add rule inet filter input jump port443-https"]
    assert script_of(table()) == []
    assert script_of(table(), backend="nftables") == [CHAIN, ACCEPT, "add rule inet filter input jump port443-https"]


def test_a_set_stays_where_the_others_rules_went():
    (after,) = with_handles(settled(table(policy="drop")))
    emptied = table(after.chain("input").rules[0], chains=(after.chain("port443-https"),))
    assert script_of(emptied) == ["flush chain inet filter port443-https", CHAIN, ACCEPT]


def test_a_table_of_ours_is_made_only_where_it_is_insisted_on():
    assert script_of() == []
    made = settled(backend="nftables")
    assert made[0].frontend == "nft"
    assert script_of(backend="nftables", direction="both") == [
        "add table inet port443",
        "add chain inet port443 input { type filter hook input priority 0; policy accept; }",
        "add chain inet port443 output { type filter hook output priority 0; policy accept; }",
        "add chain inet port443 port443-https",
        "add rule inet port443 port443-https tcp dport { 80, 443 } accept",
        "add rule inet port443 input jump port443-https",
        "add rule inet port443 output jump port443-https",
    ]
    assert script_of(*made) == []
    four = table(policy="drop", family="ip")
    assert "add table inet port443" in script_of(four, backend="nftables")
    assert "add table inet port443" not in script_of(four, backend="nftables", source=["192.0.2.0/24"])


def test_directions_are_chains_of_their_own():
    both = (table(policy="drop", chains=(Chain("out", (rule(9, "drop"),), "accept", "output"),)),)
    assert script_of(*both, direction="out")[-1] == "insert rule inet filter out position 9 jump port443-https"
    assert script_of(*both, direction="both")[-2:] == [
        "add rule inet filter input jump port443-https",
        "insert rule inet filter out position 9 jump port443-https",
    ]
    shut = table(accept_neighbours(3), policy="drop")
    assert script_of(shut, direction="out") == []


def test_who_connects_to_others_is_told_where_they_are():
    deaf = table(policy="drop", chains=(Chain("out", (rule(9, "drop"),), "accept", "output"),))
    assert script_of(deaf, direction="out") == [
        CHAIN,
        ACCEPT,
        ND,
        "add rule inet filter input icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } jump port443-https",
        "insert rule inet filter out position 9 jump port443-https",
    ]
    assert script_of(*with_handles(settled(deaf, direction="out")), direction="out") == []


def test_places_that_differ_are_told_apart():
    shut = table(accept_neighbours(3), rule(4, "drop", UDP), rule(5, "drop"))
    assert script_of(shut, ports=["443/udp", "443/tcp"])[-2:] == [
        "insert rule inet filter input position 4 udp dport 443 jump port443-https",
        "insert rule inet filter input position 5 tcp dport 443 jump port443-https",
    ]
    assert script_of(*with_handles(settled(shut, ports=["443/udp", "443/tcp"])), ports=["443/udp", "443/tcp"]) == []
    six = rule(4, "drop", Match("ethertype", ((0x86DD, 0x86DD),)))
    lines = script_of(table(accept_neighbours(3), six, rule(5, "drop")), source=["192.0.2.0/24", "2001:db8::/32"])
    assert lines[1:] == [
        "add rule inet filter port443-https ip saddr 192.0.2.0/24 tcp dport { 80, 443 } accept",
        "add rule inet filter port443-https ip6 saddr 2001:db8::/32 tcp dport { 80, 443 } accept",
        "insert rule inet filter input position 4 ip6 saddr 2001:db8::/32 tcp dport { 80, 443 } jump port443-https",
        "insert rule inet filter input position 5 ip saddr 192.0.2.0/24 tcp dport { 80, 443 } jump port443-https",
    ]


def test_positions_are_those_of_the_base_chain():
    shut = table(accept_neighbours(3), rule(4, "drop", *BANNED), rule(5, "drop"))
    assert script_of(shut, position="first")[-1] == "insert rule inet filter input position 3 jump port443-https"
    assert script_of(shut, position="last")[-1] == "add rule inet filter input jump port443-https"


def with_handles(made, first=100):
    """The tables as the kernel has them after a run: our rules got handles."""
    number = iter(range(first, first + 100))
    return tuple(
        table_with(one, [chain_with(chain, [given(each, number) for each in chain.rules]) for chain in one.chains])
        for one in made
    )


def given(one, number):
    return one if one.handle else type(one)(**{**one.__dict__, "handle": next(number)})


def chain_with(chain, rules):
    return type(chain)(**{**chain.__dict__, "rules": tuple(rules)})


def table_with(one, chains):
    return type(one)(**{**one.__dict__, "chains": tuple(chains)})


def test_a_jump_that_has_to_move_leaves_the_chain_alone():
    (after,) = with_handles(settled(table(accept_neighbours(3), rule(5, "drop"))))
    rules = after.chain("input").rules
    moved = table_with(after, [chain_with(after.chains[0], [rules[0], rules[2], rules[1]]), after.chains[1]])
    assert script_of(moved) == [
        "delete rule inet filter input handle 100",
        "insert rule inet filter input position 5 jump port443-https",
    ]


def test_a_removal_names_our_rules_alone_and_can_be_taken_back():
    (after,) = with_handles(settled(table(accept_neighbours(3), rule(5, "drop"))))
    request = request_of(state="absent")
    (step,) = change(request.chain, plan_tables((after,), request, LINKS).changes)
    assert step.script.splitlines() == [
        "delete rule inet filter input handle 100",
        "flush chain inet filter port443-https",
        "delete chain inet filter port443-https",
    ]
    assert (step.tables, step.back.splitlines()) == (
        (),
        [CHAIN, ACCEPT, "insert rule inet filter input position 5 jump port443-https"],
    )


def test_an_addition_is_taken_back_by_what_leads_to_it_then():
    request = request_of()
    (step,) = change(request.chain, plan_tables((table(rule(5, "drop")),), request, LINKS).changes)
    assert (step.chain, step.tables) == ("port443-https", (("inet", "filter"),))
    assert step.back.splitlines() == [
        "flush chain inet filter port443-https",
        "delete chain inet filter port443-https",
    ]
    verdict = b"\x12\x00\x02\x00port443-https\0"
    view = NftView(
        rules=(
            KernelRule("inet", "filter", "input", 7, b"...." + verdict),
            KernelRule("inet", "filter", "input", 8, b"...." + verdict.replace(b"https", b"httpx")),
            KernelRule("ip", "filter", "input", 9, b"...." + verdict),
        )
    )
    assert deletions(view, step.chain, step.tables) == "delete rule inet filter input handle 7\n"


def test_ports_for_a_time_are_in_sets():
    assert script_of(
        table(accept_neighbours(3), policy="drop"), timeout="30m", ports=["443/tcp", "53/udp", "8000-8010/tcp"]
    )[:-1] == [
        CHAIN,
        "add set inet filter port443-https-tcp { type inet_service; flags interval, timeout; }",
        "add element inet filter port443-https-tcp { 443 timeout 1800s, 8000-8010 timeout 1800s }",
        "add set inet filter port443-https-udp { type inet_service; flags timeout; }",
        "add element inet filter port443-https-udp { 53 timeout 1800s }",
        "add rule inet filter port443-https tcp dport @port443-https-tcp accept",
        "add rule inet filter port443-https udp dport @port443-https-udp accept",
    ]


def test_a_time_that_runs_is_not_begun_again_and_one_that_is_over_is():
    (after,) = settled(table(accept_neighbours(3), policy="drop"), timeout="30m")
    assert script_of(after, timeout="2h") == []
    own = after.chain("port443-https").rules[0]
    over = chain_with(after.chain("port443-https"), [type(own)(**{**own.__dict__, "matches": (TCP, Match("dport"))})])
    ended = table_with(after, [after.chain("input"), over])
    ended = type(ended)(**{**ended.__dict__, "sets": (NamedSet("port443-https-tcp"),)})
    assert script_of(ended, timeout="30m")[:2] == [
        "flush chain inet filter port443-https",
        "delete set inet filter port443-https-tcp",
    ]
    assert script_of(ended, state="absent")[-2] == "delete set inet filter port443-https-tcp"


def test_rules_of_others_are_taken_over_and_told():
    mine = rule(4, "accept", *dport(443), text="tcp dport 443 accept")
    more = rule(5, "accept", *dport(80, 8080), text="tcp dport { 80, 8080 } accept")
    limited = rule(6, "accept", *dport(80), Match("unknown", names=("limit rate 3/minute",)))
    shut = table(accept_neighbours(3), mine, more, limited, rule(7, "drop"))
    lines = script_of(shut, adopt=True)
    assert lines == [
        "delete rule inet filter input handle 4",
        CHAIN,
        ACCEPT,
        "insert rule inet filter input position 7 jump port443-https",
    ]
    planned = plan_tables((shut,), request_of(adopt=True), LINKS)
    assert [str(one) for one in planned.kept] == ["tcp dport { 80, 8080 } accept (chain input of table inet filter)"]
    assert script_of(*with_handles(settled(shut, adopt=True)), adopt=True) == []
    (step,) = change("port443-https", planned.changes)
    assert step.back.splitlines()[-1] == "insert rule inet filter input position 5 tcp dport 443 accept"

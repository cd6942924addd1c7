# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every end that a packet may come to in one table, and the rules that lead there."""

from __future__ import annotations

import time

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import ChainEvaluator
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Effect, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

PACKET = Packet(4, 6, dport=(443, 443), in_interface="eth0")


def walk(*lines, chains=("web", "more"), policy="ACCEPT", packet=PACKET):
    """The ends as (verdict, the path as chain.number, the path of the doubt, the mark)."""
    text = "\n".join(
        ["*filter", f":INPUT {policy} [0:0]", *(f":{chain} - [0:0]" for chain in chains), *lines, "COMMIT", ""]
    )
    (table,) = parse_save(text, "iptables-nft", "ip")
    return {
        (outcome.verdict, way(outcome.path), way(outcome.uncertain_at), outcome.packet.mark)
        for outcome in ChainEvaluator(table).evaluate("INPUT", packet)
    }


def way(path):
    return " ".join(f"{step.chain}.{step.index + 1 if step.rule else 'policy'}" for step in path)


def test_first_match_decides():
    assert walk("-A INPUT -p udp -j DROP", "-A INPUT -p tcp -j REJECT", "-A INPUT -j ACCEPT") == {
        ("reject", "INPUT.2", "", 0)
    }


def test_policy_decides_where_no_rule_does():
    assert walk("-A INPUT -p udp -j DROP", policy="DROP") == {("drop", "INPUT.policy", "", 0)}


def test_return_goes_back_to_the_caller_and_in_a_base_chain_to_the_policy():
    assert walk("-A INPUT -j web", "-A INPUT -j RETURN", "-A INPUT -j DROP", "-A web -j RETURN", "-A web -j DROP") == {
        ("accept", "INPUT.policy", "", 0)
    }


def test_goto_does_not_come_back():
    rules = ("-A INPUT -j web", "-A INPUT -j ACCEPT", "-A web -g more", "-A web -j DROP", "-A more -p udp -j DROP")
    assert walk(*rules) == {("accept", "INPUT.2", "", 0)}
    assert walk("-A INPUT -g web", "-A INPUT -j DROP", "-A web -p udp -j DROP") == {("accept", "INPUT.policy", "", 0)}


def test_unknown_match_goes_both_ways_and_is_named():
    assert walk("-A INPUT -m limit --limit 1/sec -j ACCEPT", "-A INPUT -j DROP") == {
        ("accept", "INPUT.1", "INPUT.1", 0),
        ("drop", "INPUT.2", "", 0),
    }


def test_doubt_stays_with_what_comes_back_from_a_chain():
    assert walk(
        "-A INPUT -j web", "-A INPUT -j ACCEPT", "-A web -m limit --limit 1/sec -j RETURN", "-A web -j DROP"
    ) == {("accept", "INPUT.2", "INPUT.1 web.1", 0), ("drop", "INPUT.1 web.2", "", 0)}


def test_doubt_that_makes_no_difference_is_forgotten():
    assert walk("-A INPUT -m limit --limit 1/sec -j LOG", "-A INPUT -j ACCEPT") == {("accept", "INPUT.2", "", 0)}


def test_marks_are_followed():
    rules = ("-A INPUT -p tcp --dport 443 -j MARK --set-xmark 0x1/0x1", "-A INPUT -m mark --mark 0x1/0x1 -j DROP")
    assert walk(*rules) == {("drop", "INPUT.2", "", 1)}
    assert walk(*rules, packet=Packet(4, 6, dport=(80, 80))) == {("accept", "INPUT.policy", "", 0)}


def test_unknown_mark_set_on_the_way_leads_both_ways():
    assert walk(
        "-A INPUT -m limit --limit 1/sec -j MARK --set-xmark 0x1/0x1", "-A INPUT -m mark --mark 0x1 -j DROP"
    ) == {("drop", "INPUT.2", "INPUT.1", 1), ("accept", "INPUT.policy", "", 0)}


def test_opaque_rule_may_end_it_or_not_and_may_change_the_mark():
    assert walk("-A INPUT -j NFQUEUE --queue-num 0", "-A INPUT -m mark --mark 1 -j DROP") == {
        ("opaque", "INPUT.1", "INPUT.1", None),
        ("drop", "INPUT.2", "INPUT.1", None),
        ("accept", "INPUT.policy", "INPUT.1", None),
    }


def test_chain_that_leads_back_to_itself_is_not_followed_for_ever():
    assert ("opaque", "INPUT.1 web.1 more.1", "INPUT.1 web.1 more.1", None) in walk(
        "-A INPUT -j web", "-A web -j more", "-A more -j web"
    )


def test_chains_in_chains_in_chains_end_at_some_depth():
    chains = [f"deep{number}" for number in range(300)]
    lines = [f"-A {chain} -j {following}" for chain, following in zip(chains, chains[1:])]
    ends = walk("-A INPUT -j deep0", *lines, "-A deep299 -j DROP", chains=chains)
    assert {verdict for verdict, *_rest in ends} == {"opaque", "accept"}


def test_many_ways_through_marks_stay_few():
    lines = [f"-A INPUT -m limit --limit 1/sec -j MARK --set-xmark {1 << bit:#x}/{1 << bit:#x}" for bit in range(30)]
    started = time.process_time()
    ends = walk(*lines, "-A INPUT -m mark --mark 0x5 -j DROP")
    assert {verdict for verdict, *_rest in ends} == {"drop", "accept"}
    assert time.process_time() - started < 1


def native(*rules, web=(), policy="accept", packet=PACKET):
    """The same of a table of nft, the marks among the ends."""
    chains = (Chain("INPUT", rules, policy, "input"), Chain("web", tuple(web)))
    outcomes = ChainEvaluator(Table("nft", "inet", "filter", chains)).evaluate("INPUT", packet)
    return {(one.verdict, way(one.path), way(one.uncertain_at), one.packet.mark) for one in outcomes}


MARK_ONE, MARKED_ONE = Effect("mark", (1, 0xFFFFFFFF)), Match("mark", argument=(0xFFFFFFFF, 1))
HTTPS, MAYBE = Match("dport", ((443, 443),)), Match("unknown", names=("limit",))


def test_of_the_rules_of_one_handle_the_first_that_matches_is_taken():
    rules = (
        Rule((HTTPS,), "jump", "web", handle=3),
        Rule((MARKED_ONE,), "drop", handle=3),
        Rule((MARKED_ONE,), "reject", handle=4),
    )
    assert native(*rules, web=(Rule((), "continue", effects=(MARK_ONE,)),)) == {("reject", "INPUT.3", "", 1)}
    assert native(*rules, web=()) == {("accept", "INPUT.policy", "", 0)}


def test_rule_of_several_that_may_match_leaves_the_others_in_doubt():
    rules = (Rule((MAYBE,), "accept", handle=3), Rule((), "drop", handle=3))
    assert native(*rules) == {("accept", "INPUT.1", "INPUT.1", 0), ("drop", "INPUT.2", "", 0)}
    on = (Rule((MAYBE,), "continue", handle=3), Rule((), "drop", handle=3), Rule((), "reject", handle=4))
    assert native(*on) == {("drop", "INPUT.2", "", 0), ("reject", "INPUT.3", "INPUT.1", 0)}


def test_effects_come_before_the_verdict():
    assert native(Rule((), "accept", effects=(MARK_ONE,))) == {("accept", "INPUT.1", "", 1)}
    assert native(Rule((), "continue", effects=(Effect("mark"),)), Rule((MARKED_ONE,), "drop")) == {
        ("drop", "INPUT.2", "INPUT.2", None),
        ("accept", "INPUT.policy", "", None),
    }


def test_what_a_rule_put_into_a_set_may_be_in_it():
    add_to_set = Rule((), "continue", effects=(Effect("add_to_set", name="seen"),))
    drop = Rule((Match("source", (), ("seen",)),), "drop")
    assert native(drop, add_to_set) == {("accept", "INPUT.policy", "", 0)}
    assert native(add_to_set, drop) == {("drop", "INPUT.2", "INPUT.2", 0), ("accept", "INPUT.policy", "", 0)}


def test_many_rows_of_a_set_are_left_out_once_and_for_all():
    rows = tuple((Match("source", ((n, n),)), HTTPS) for n in range(50_000))
    drop = Rule((Match("either", rows=rows, names=("bad",)),), "drop")
    started = time.process_time()
    walker = ChainEvaluator(Table("nft", "ip", "filter", (Chain("INPUT", (drop,), "accept", "input"),)))
    for port in range(100, 200):
        ends = walker.evaluate("INPUT", Packet(4, 6, dport=(port, port), source=((60_000, 60_000),)))
        assert [end.verdict for end in ends] == ["accept"]
    assert [end.verdict for end in walker.evaluate("INPUT", Packet(4, 6, (443, 443), source=((7, 7),)))] == ["drop"]
    assert time.process_time() - started < 3  # 0.2 s when nothing else runs

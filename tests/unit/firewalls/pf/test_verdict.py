# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf's evaluation, case by case."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.verdict import judge
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import Filter
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._pf.rule import PfTable
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

CASES = yaml.safe_load((Path(__file__).parent / "verdicts.yml").read_text(encoding="utf-8"))
OWN = {4: ["192.0.2.10"], 6: ["fe80::10", "2001:db8::10"]}


def link_of(family):
    addresses = tuple(int(ipaddress.ip_address(text)) for text in OWN[family])
    return Link(family, True, "em0", tuple((address, address) for address in addresses))


def table_of(texts):
    networks = {
        sign: [ipaddress.ip_network(text.lstrip("!")) for text in texts if (text[0] == "!") == sign] for sign in (0, 1)
    }
    return PfTable(tuple(networks[0]), tuple(networks[1]))


def filter_of(case):
    return Filter(
        True,
        parse_rules(case["rules"]),
        {path: parse_rules(text) for path, text in case.get("anchors", {}).items()},
        parse_rules(case.get("translations", "")),
        tables={("", name): table_of(texts) for name, texts in case.get("tables", {}).items()},
        groups={name: frozenset(groups) for name, groups in case.get("groups", {}).items()},
    )


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_verdict_and_the_rule_that_decides(case):
    given = {"ports": [case.get("port", "443/tcp")], "direction": case.get("direction", "in")}
    given["source"] = [case["source"]] if "source" in case else []
    (line,) = judge(filter_of(case), [link_of(case.get("family", 4))], parse_request(given))
    assert line.verdict == case["verdict"], line
    assert case.get("because", "") in line.because


def test_an_unknown_interface_leaves_rules_for_one_open():
    state = Filter(True, parse_rules("block drop in on em0 all\n"))
    (line,) = judge(state, [Link(4, True, None, ())], parse_request({"ports": ["443/tcp"]}))
    assert line.verdict == "depends"


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("", "open"),
        ("block drop in on em1 all\n", "blocked"),
        ("block drop in on em1 all probability 50%\n", "depends"),
    ],
)
def test_the_worst_of_several_interfaces_counts(rules, verdict):
    request = parse_request({"ports": ["443/tcp"], "interface": ["em0", "em1", "em2"]})
    (line,) = judge(Filter(True, parse_rules(rules)), [link_of(4)], request)
    assert line.verdict == verdict


def test_a_foreign_label_cannot_write_to_a_terminal():
    state = Filter(True, parse_rules('block drop in quick all label "\x1b[2J"\n'))
    (line,) = judge(state, [link_of(4)], parse_request({"ports": ["443/tcp"]}))
    assert "\x1b" not in line.because

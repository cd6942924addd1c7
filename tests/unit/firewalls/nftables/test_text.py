# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our statements in nft files: put in where they belong, found again, taken out to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.text import (
    JumpText,
    TableText,
    count_rules,
    with_ours,
    without_ours,
    without_rules,
)

CASES = yaml.safe_load((Path(__file__).parent / "texts.yml").read_text(encoding="utf-8"))
TITLES = [case["title"] for case in CASES]
CHAIN, PATH = "port443-https", "/etc/nftables.conf"
RULES = ("tcp dport { 80, 443 } accept",)


def sources_of(text):
    return NftSources(PATH, {PATH: text.encode("utf-8", "surrogateescape")})


def put(text, jumps, table=("inet", "filter"), chain=CHAIN):
    wanted = TableText(tuple(table), RULES, tuple(JumpText(*jump) for jump in jumps))
    return with_ours(sources_of(text), chain, [wanted])


def put_case(case):
    return put(case["file"], case["jumps"], case.get("table", ("inet", "filter")))


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_our_statements_come_where_the_layout_says(case):
    assert put_case(case).text(PATH) == case["want"]


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_what_was_put_in_comes_out_to_the_byte(case):
    written = put_case(case)
    assert written.text(PATH) != case["file"]
    assert without_ours(written, CHAIN).text(PATH) == case["file"]
    assert without_ours(sources_of(case["file"]), CHAIN).text(PATH) == case["file"]


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_two_sets_come_out_in_either_order(case):
    table = tuple(case.get("table", ("inet", "filter")))
    jumps = [JumpText(chain, ordinal, text.replace("https", "web")) for chain, ordinal, text in case["jumps"]]
    both = with_ours(put_case(case), "port443-web", [TableText(table, RULES, tuple(jumps))])
    for first, second in ((CHAIN, "port443-web"), ("port443-web", CHAIN)):
        assert without_ours(without_ours(both, first), second).text(PATH) == case["file"]


INPUT = (
    "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0\n"
    "\t\ttcp dport 22 accept\n\t\tdrop\n\t}\n}\n"
)


def test_an_edit_of_the_administrator_stays():
    written = put(INPUT, [("input", 1, "jump port443-https")]).text(PATH)
    edited = written.replace("\t\tdrop\n", "\t\tudp dport 53 accept # mine\n\t\tdrop\n").replace(
        "priority 0", "priority 5"
    )
    want = INPUT.replace("\t\tdrop\n", "\t\tudp dport 53 accept # mine\n\t\tdrop\n").replace("priority 0", "priority 5")
    assert without_ours(sources_of(edited), CHAIN).text(PATH) == want


# What an administrator may make of our statements, and what is left when they go.
EDITED = [
    ("jump port443-https # mine", "# mine"),
    ("counter jump port443-https", None),
    ("tcp dport 443 goto port443-https;", None),
    ("udp dport 53 accept; jump port443-https", "udp dport 53 accept;"),
]


@pytest.mark.parametrize(("line", "left"), EDITED)
def test_a_statement_that_was_edited_is_still_ours(line, left):
    written = put(INPUT, [("input", 1, "jump port443-https")]).text(PATH).replace("jump port443-https", line)
    after = without_ours(sources_of(written), CHAIN).text(PATH)
    assert CHAIN not in after
    kept = [each.strip() for each in after.splitlines() if each.strip() and each not in INPUT.splitlines()]
    assert kept == ([left] if left else [])


ALONE = [
    ("table inet filter { chain input { jump port443-https } }", "table inet filter { chain input {  } }"),
    ("table inet filter { chain input { jump port443-https; } }", "table inet filter { chain input { } }"),
]


@pytest.mark.parametrize(("text", "left"), ALONE)
def test_what_stands_alone_in_braces_leaves_them(text, left):
    assert without_ours(sources_of(text), CHAIN).text(PATH) == left


def test_a_chain_that_is_made_nowhere_is_said_to_be_so():
    with pytest.raises(HostError, match="chain output of table inet filter is made in a way that is not understood"):
        put(INPUT, [("output", 0, "jump port443-https")])


def test_what_only_looks_like_ours_stays():
    text = INPUT.replace("drop", 'drop comment "jump port443-https" # jump port443-https')
    text = text.replace("tcp dport 22 accept", "jump port443-https-2").replace(
        "\tchain input", "\tchain port443-https-2 { }\n\tchain input"
    )
    assert without_ours(sources_of(text), CHAIN).text(PATH) == text


def test_a_set_that_was_saved_by_listing_the_ruleset_comes_out():
    saved = (
        "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n"
        "\t\tct state established,related accept\n\t\tjump port443-https\n\t}\n\n"
        "\tchain port443-https {\n\t\ttcp dport { 80, 443 } accept\n\t}\n}\n"
    )
    assert without_ours(sources_of(saved), CHAIN).text(PATH) == (
        "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n"
        "\t\tct state established,related accept\n\t}\n\n}\n"
    )


def test_only_the_tables_that_are_named_are_looked_at():
    both = put(INPUT + INPUT.replace("inet", "ip"), [("input", 1, "jump port443-https")])
    assert without_ours(both, CHAIN, [("ip", "filter")]).text(PATH) == both.text(PATH)


def test_rules_that_are_taken_over_go_alone():
    assert without_rules(sources_of(INPUT), ("inet", "filter"), {"input": [0]}).text(PATH) == INPUT.replace(
        "\t\ttcp dport 22 accept\n", ""
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (INPUT + "}\n", "braces do not match"),
        (INPUT[:-2], "braces do not match"),
        (INPUT + "delete rule inet filter input handle 4\n", "delete rule inet filter input handle 4"),
        (INPUT + "add rule inet filter input index 0 drop\n", "add rule inet filter input index 0 drop"),
        (INPUT + "replace rule inet filter input handle 4 drop\n", "replace rule"),
        (INPUT + "rename chain inet filter input in\n", "rename chain"),
    ],
)
def test_a_file_whose_order_cannot_be_told_is_said_to_be_so(text, words):
    with pytest.raises(HostError, match=words):
        count_rules(sources_of(text), ("inet", "filter", "input"))


@pytest.mark.parametrize("chain", ["input", "elsewhere"])
def test_rules_are_counted_as_the_kernel_gets_them(chain):
    text = INPUT + "add rule inet filter input accept\nadd rule filter input accept\nadd element inet filter s { 1 }\n"
    assert count_rules(sources_of(text), ("inet", "filter", chain)) == (3 if chain == "input" else 0)
    assert count_rules(sources_of(text + "flush chain inet filter input\n"), ("inet", "filter", "input")) == 0
    assert count_rules(sources_of(text + "flush ruleset\n" + INPUT), ("inet", "filter", "input")) == 2

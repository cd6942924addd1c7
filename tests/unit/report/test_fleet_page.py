# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of a report: its structure, the drawn ways, and what foreign rules cannot do to it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import fleet
import pytest
from ansible_collections.port443.https.plugins.plugin_utils._packet_drawing import draw_way

VOID = {"meta", "col", "input", "rect", "line", "path", "use", "br"}


class Outline(HTMLParser):
    """The elements of a page with their attributes and texts; fails where one is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def tags(self, *names):
        return [(tag, attributes) for tag, attributes in self.found if tag in names]


def outline(hosts):
    return Outline(fleet.page(fleet.report(hosts)))


def test_the_page_has_its_parts():
    page = outline(fleet.fleet(10))
    heads = [text for tag, text in page.texts if tag == "h2"]
    assert heads == ["Hosts by check", "What blocks what", "Certificates by days left", "Hosts"]
    # What needs attention is first, then those that give no answer.
    assert [text for tag, text in page.texts if tag == "a"] == [
        f"web{number:04}" for number in (0, 1, 3, 4, 7, 2, 5, 6, 8, 9)
    ]
    anchors = {attributes["id"] for _tag, attributes in page.tags("details", "symbol")}
    asked = {attributes["href"].lstrip("#") for _tag, attributes in page.tags("a", "use")}
    assert asked == anchors


def test_nothing_is_loaded_from_anywhere():
    page = outline(fleet.fleet(10))
    sources = [attributes for _tag, attributes in page.found if {"src", "href", "action", "data"} & set(attributes)]
    assert [one for one in sources if not one.get("href", "").startswith("#")] == []
    assert page.tags("link", "img", "iframe", "object", "embed", "base") == []
    assert "url(" not in fleet.read("report.css")
    assert not re.search(r"fetch|XMLHttp|innerHTML|eval|import", fleet.read("report.js"))


def test_no_script_but_its_own_may_run():
    text = fleet.page(fleet.report(fleet.fleet(2)))
    script = re.search("<script>(.*)</script>", text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (attributes["content"] for _tag, attributes in Outline(text).tags("meta") if "http-equiv" in attributes)
    expected = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    assert policy == expected


def test_the_same_way_is_drawn_once():
    page = outline(fleet.fleet(10, shared=10))
    drawn, shown = page.tags("symbol"), page.tags("use")
    assert (len(drawn), len(shown)) == (3, 18)  # 80 open, 443 open and 443 blocked; two on each of nine hosts


EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)> {{ 7*7 }} "
    "\x00\x1b[2J\u202e\n&lt;"
)


def hostile():
    """A host all of whose texts are meant to break out."""
    way = [{**chain, "chain": EVIL, "table": EVIL, "hook": EVIL} for chain in fleet.ports(0)["effective"][0]["way"]]
    way = [{**chain, "steps": [{**step, "rule": EVIL, "chain": EVIL} for step in chain["steps"]]} for chain in way]
    port = dict.fromkeys(("port", "protocol", "family", "verdict", "because", "table", "chain", "rule", "file"), EVIL)
    finding = dict.fromkeys(("check", "name", "address", "port", "outcome", "detail"), EVIL)
    installed = dict.fromkeys(("issuer", "not_after", "not_before", "fingerprint"), EVIL)
    site = {"name": EVIL, "served": EVIL, "served_because": EVIL, "installed": {**installed, "days_left": 3}}
    return {
        "__report_https_ports": {"backend": EVIL, "effective": [{**port, "way": way}]},
        "__report_https_certificates": {"sites": [site]},
        "verify_https_found": {"checks": {EVIL: EVIL}, "results": [finding], "ends": [{**port, "ends": EVIL}]},
    }


def test_what_foreign_rules_hold_stays_text():
    text = fleet.page(fleet.report({EVIL: hostile(), "told": {"__report_https_ports": {"msg": EVIL}}}))
    page, plain = Outline(text), outline({"web": fleet.host(2)})
    known = {tag for tag, _attributes in plain.found} | {"code", "ul", "li", "option", "title"}
    assert {tag for tag, _attributes in page.found} <= known
    assert len(page.tags("script")) == 1
    assert not any(name.startswith("on") for _tag, attributes in page.found for name in attributes)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert "{{ 7*7 }}" in text


def test_the_way_of_a_packet_is_drawn_from_top_to_bottom():
    (line,) = (one for one in fleet.ports(0, target="DROP")["effective"][:2] if one["port"] == "443")
    drawn, height = draw_way(line["way"], "blocked")
    found = Outline(drawn)
    assert [text for _tag, text in found.texts] == [
        *("prerouting", "iptables-nft ip raw PREROUTING", "priority -300"),
        *("prerouting", "iptables-nft ip nat PREROUTING", "priority -100, nat"),
        *("input", "iptables-nft ip filter INPUT", "priority 0"),
        "↳ INPUT rule 2: -A INPUT -p tcp -j shop0",
        "▶ shop0 rule 3: -A shop0 -p tcp --dport 443 -j DROP (blocked here)",
        "it ends there",
    ]
    assert [one["class"] for _tag, one in found.tags("g")] == ["passed", "passed", "decides blocked"]
    bottoms = [int(one["y"]) + int(one["height"]) for _tag, one in found.tags("rect")]
    assert max(bottoms) < height


@pytest.mark.parametrize(
    ("verdict", "behind", "end"),
    [("blocked", "unreached", "it ends there"), ("open", "passed", "it gets through")],
)
def test_what_stands_behind_the_decision_is_reached_unless_it_blocks(verdict, behind, end):
    first = {"hook": "input", "table": "nft inet a", "chain": "in", "kind": "filter", "priority": -5, "policy": "drop"}
    steps = [{"chain": "in", "number": 0, "rule": "", "handle": 0}]
    drawn, _height = draw_way([{**first, "steps": steps}, {**first, "table": "nft inet b", "steps": []}], verdict)
    found = Outline(drawn)
    assert [one["class"] for _tag, one in found.tags("g")] == [f"decides {verdict}", behind]
    said = [text for _tag, text in found.texts]
    assert (said[3][:13], said[-1]) == ("▶ policy DROP", end)


def test_a_long_rule_is_cut_and_can_be_read_whole():
    rule = "-A INPUT " + "-s 192.0.2.1 " * 20 + "-j DROP"
    chain = {"hook": "input", "table": "t", "chain": "INPUT", "kind": "filter", "priority": 0, "policy": "accept"}
    steps = [{"chain": "INPUT", "number": 1, "rule": rule, "handle": 7}]
    found = Outline(draw_way([{**chain, "steps": steps}], "blocked")[0])
    ((_title, whole),) = (text for text in found.texts if text[0] == "title")
    assert whole == f"▶ INPUT handle 7: {rule}"
    assert max(len(text) for tag, text in found.texts if tag == "text") <= 84


def test_a_host_without_ways_has_sentences():
    ports = {"backend": "pf", "effective": [{"port": "443", "protocol": "tcp", "family": "ipv4", "verdict": "open"}]}
    page = outline({"bsd": {"__report_https_ports": ports}})
    assert page.tags("use") == []
    assert ("b", "443/tcp over IPv4: open") in page.texts

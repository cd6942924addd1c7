# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report on a fleet as data: states, what blocks what, and hosts that return anything."""

from __future__ import annotations

import fleet
import jsonschema
import pytest

TEXT, NUMBER, TEXTS = {"type": "string"}, {"type": ["integer", "null"]}, {"type": "array", "items": {"type": "string"}}


def exactly(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(**properties):
    return {"type": "array", "items": exactly(**properties)}


PLACE = {"table": TEXT, "chain": TEXT, "rule": TEXT}
STEPS = many(chain=TEXT, number=NUMBER, rule=TEXT, handle=NUMBER)
CERTIFICATE = {"not_after": TEXT, "days_left": NUMBER, "fingerprint": TEXT}
HOST = {
    "name": TEXT,
    "state": {"enum": ["well", "attention", "no answer"]},
    "firewall": TEXT,
    "problems": TEXTS,
    "checks": {"type": "object", "additionalProperties": TEXT},
    "findings": many(**dict.fromkeys(("check", "name", "address", "port", "outcome", "detail"), TEXT)),
    "ends": many(**dict.fromkeys(("address", "family", "port", "protocol", "ends", "because"), TEXT)),
    "ports": many(
        **dict.fromkeys(("port", "protocol", "family", "verdict", "because", "file"), TEXT),
        **PLACE,
        handle=NUMBER,
        way=many(hook=TEXT, table=TEXT, chain=TEXT, kind=TEXT, priority=NUMBER, policy=TEXT, steps=STEPS),
    ),
    "certificates": many(
        name=TEXT, names=TEXTS, issuer=TEXT, not_before=TEXT, **CERTIFICATE, served=TEXT, served_because=TEXT
    ),
    "shown": many(name=TEXT, address=TEXT, port=TEXT, protocol=TEXT, **CERTIFICATE),
}
COUNTS = ("hosts", "well", "attention", "no_answer", "certificates", "fewest_days_left")
SCHEMA = exactly(
    format={"const": 1},
    title=TEXT,
    made=TEXT,
    least_days={"type": "integer"},
    summary=exactly(**dict.fromkeys(COUNTS, NUMBER)),
    hosts=many(**HOST),
    blocks=many(verdict=TEXT, **PLACE, file=TEXT, because=TEXT, ports=TEXTS, hosts=TEXTS),
)


def one(**found):
    """The report's entry of a host of which this was found."""
    report = fleet.report({"web": found})
    jsonschema.validate(report, SCHEMA)
    return report["hosts"][0]


def test_a_fleet_has_the_form_that_is_documented():
    report = fleet.report(fleet.fleet(20))
    jsonschema.validate(report, SCHEMA)
    assert report["summary"] == {
        "hosts": 20,
        "well": 11,
        "attention": 7,
        "no_answer": 2,
        "certificates": 18,
        "fewest_days_left": 5,
    }


WELL = fleet.host(2)
WRONG = {
    "a check that fails": {"verify_https_found": fleet.probed("a", chain="untrusted")},
    "a port that is blocked": {"__report_https_ports": fleet.ports(0, target="DROP")},
    "few days": {"__report_https_certificates": {"sites": [fleet.certificate("a", 20)]}},
    "one that is not served": {"__report_https_certificates": {"sites": [fleet.certificate("a", 80, "other")]}},
    "one that cannot be read": {"__report_https_certificates": {"sites": [{"name": "a", "installed": None}]}},
    "a look that failed": {"__report_https_certificates": {"msg": "no such folder"}},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_host_needs_attention_for(wrong):
    assert one(**WELL)["state"] == "well"
    assert one(**{**WELL, **wrong})["state"] == "attention"


@pytest.mark.parametrize("found", [{}, {"__report_https_ports": {"unreachable": True, "msg": "no route"}}])
def test_a_host_of_which_nothing_is_known_gives_no_answer_and_is_not_well(found):
    assert one(**found)["state"] == "no answer"


def test_a_host_that_is_seen_from_outside_alone_gives_no_answer_with_what_was_seen():
    unreachable = {"unreachable": True, "msg": "no route"}
    host = one(__report_https_ports=unreachable, verify_https_found=fleet.probed("a"))
    assert (host["state"], host["problems"], host["checks"]["tls"]) == ("no answer", ["ports_info: no route"], "ok")


def test_the_same_rule_on_many_hosts_is_one_row_and_the_most_frequent_is_first():
    few, many_hosts = fleet.ports(1, target="REJECT"), fleet.ports(0, target="DROP")
    hosts = {
        name: {"__report_https_ports": found} for name, found in (("a", few), ("b", many_hosts), ("c", many_hosts))
    }
    first, second = fleet.report(hosts)["blocks"]
    assert first == {
        "verdict": "blocked",
        "table": "iptables-nft ip filter",
        "chain": "shop0",
        "rule": "-A shop0 -p tcp --dport 443 -j DROP",
        "file": "/etc/iptables/rules.v4 line 14",
        "because": "iptables-nft ip filter shop0 rule 3: -A shop0 -p tcp --dport 443 -j DROP",
        "ports": ["443/tcp ipv4", "443/tcp ipv6"],
        "hosts": ["b", "c"],
    }
    assert second["hosts"] == ["a"]


@pytest.mark.parametrize("strange", [None, 7, "text", [], [None], {"a": 1}, "x" * 5000, "\ud800\x1b[2J\u202e", True])
def test_whatever_a_host_returns_is_told_in_that_form(strange):
    for name in ("effective", "sites", "checks", "results", "certificates", "ends", "backend", "msg", "unreachable"):
        one(__report_https_ports={name: strange}, verify_https_found={name: strange})
    for row in (dict.fromkeys(("port", "way", "installed", "outcome", "name", "days_left", "handle"), strange),):
        found = {"effective": [row], "sites": [row], "results": [row], "checks": {"tcp": strange}, "ends": [row]}
        host = one(__report_https_ports=found, __report_https_certificates=found, verify_https_found=found)
        assert all(len(text) < 2100 and text.isprintable() for text in texts(host))


def texts(found):
    if isinstance(found, str):
        return [found]
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return [text for part in parts for text in texts(part)]

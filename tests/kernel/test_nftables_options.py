# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What else can be asked of a set in native tables: ways out, for a time, taking over what is there."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from nft_host import ALL_OPEN, CONF, FIREWALL, lines_of, listed, nft, verdicts
from rooted import tool

OUTBOUND = """table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
\t}
\tchain output {
\t\ttype filter hook output priority filter; policy drop;
\t\tct state established,related accept
\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
\t\tip daddr 203.0.113.5 drop
\t\tudp dport 53 accept
\t\tcounter reject
\t}
}
"""


def directions(result):
    return {(line.port, line.protocol, line.family, line.direction): line.verdict for line in result.effective}


@pytest.mark.parametrize(("direction", "chains"), [("out", ["output"]), ("both", ["input", "output"])])
def test_ways_out_are_opened_where_the_host_blocks_them(host, direction, chains):
    nft(OUTBOUND)
    before = listed()
    done = host.ensure(direction=direction)
    ways = ("in", "out") if direction == "both" else ("out",)
    assert directions(done) == {(*line, way): "open" for line in ALL_OPEN for way in ways}
    for chain in ("input", "output"):
        assert ("jump port443-https" in lines_of(chain)) == (chain in chains)
    assert lines_of("output")[4:] == ["jump port443-https", "counter reject"]
    assert host.ensure(direction=direction).steps == ()
    assert len(host.ensure().steps) == 1
    host.ensure(state="absent")
    assert listed() == before


def test_neighbours_may_be_asked_where_they_could_not(host):
    nft(OUTBOUND.replace("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept", "continue"))
    done = host.ensure(direction="both")
    assert set(directions(done).values()) == {"open"}
    assert lines_of("port443-https") == [
        "tcp dport { 80, 443 } accept",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
    ]


def test_a_direction_that_nothing_filters_gets_nothing(host):
    nft(FIREWALL)
    before = listed()
    done = host.ensure(direction="out")
    assert set(directions(done).values()) == {"open"}
    assert (done.steps, listed()) == ((), before)


def elements():
    """The elements of our sets as nft lists them."""
    text = tool("nft", "list", "ruleset")
    return [line.strip() for line in text.splitlines() if "expires" in line]


@pytest.mark.parametrize("ports", [["80/tcp", "443/tcp"], ["443/udp", "443/tcp", "8000-8010/tcp"]])
def test_a_set_that_is_open_for_a_time(host, ports):
    nft(FIREWALL)
    host.put(CONF, FIREWALL)
    host.enable("nftables")
    before, files = listed(), host.files()
    predicted = host.ensure(ports=ports, timeout="30m", check=True)
    done = host.ensure(ports=ports, timeout="30m")
    assert [str(step) for step in predicted.steps] == [str(step) for step in done.steps]
    assert predicted.effective == done.effective
    assert {line.verdict for line in done.effective} == {"open"}
    assert (done.persisted, host.files()) == ("no", files)
    assert "timeout 30m expires" in " ".join(elements())
    made = tool("nft", "--stateless", "--handle", "list", "ruleset")
    assert host.ensure(ports=ports, timeout="1h").steps == ()
    assert tool("nft", "--stateless", "--handle", "list", "ruleset") == made
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


def test_a_time_that_is_over_closes_and_the_next_run_opens_anew(host):
    nft(FIREWALL)
    host.ensure(timeout="1s")
    time.sleep(1.3)
    assert set(verdicts(host.ensure(check=True, timeout="1s")).values()) == {"open"}
    assert elements() == []
    done = host.ensure(timeout="30m")
    assert len(done.steps) == 1
    assert verdicts(done) == ALL_OPEN
    assert "30m" in " ".join(elements())


def test_neighbours_too_are_let_in_for_the_time_alone(host):
    nft(FIREWALL.replace("nd-neighbor-solicit, nd-neighbor-advert, ", ""))
    before = listed()
    assert verdicts(host.ensure(timeout="30m")) == ALL_OPEN
    assert "icmpv6 type @port443-https-icmpv6 accept" in lines_of("port443-https")
    assert host.ensure(timeout="30m").steps == ()
    host.ensure(state="absent")
    assert listed() == before


def test_a_set_for_a_time_becomes_one_for_good_and_back(host):
    nft(FIREWALL)
    before = listed()
    host.ensure(timeout="30m")
    host.ensure()
    assert (elements(), lines_of("port443-https")) == ([], ["tcp dport { 80, 443 } accept"])
    host.ensure(timeout="30m")
    assert len(elements()) > 0
    assert len(host.ensure(timeout="30m", ports=["443/tcp"]).steps) == 1
    host.ensure(state="absent")
    assert listed() == before


def listed_without_times():
    return re.sub(r"timeout \w+", "timeout", tool("nft", "--stateless", "list", "ruleset"))


def test_a_failure_gives_a_set_for_a_time_back_with_the_time_that_was_left(host):
    nft(FIREWALL.replace("tcp dport 22 accept # ssh", "tcp dport 8443 drop"))
    host.ensure(timeout="30m")
    made = listed_without_times()
    with pytest.raises(HostError, match="All was taken back"):
        host.ensure(ports=["8443/tcp"], require_effective=True)
    assert listed_without_times() == made
    assert "timeout 29m" in " ".join(elements())
    assert host.ensure(timeout="30m").steps == ()


BY_HAND = FIREWALL.replace(
    "tcp dport 22 accept # ssh",
    """tcp dport 22 accept
\t\ttcp dport 443 counter accept comment "by hand"
\t\tip6 saddr 2001:db8::/32 tcp dport 80 accept
\t\ttcp dport { 80, 8080 } accept # others too
\t\tip saddr 192.0.2.1 tcp dport 443 drop""",
)


def test_what_somebody_else_opened_becomes_part_of_the_set(host):
    nft(BY_HAND)
    host.put(CONF, BY_HAND)
    host.enable("nftables")
    predicted = host.ensure(adopt=True, check=True)
    done = host.ensure(adopt=True)
    assert (predicted.changes, predicted.effective, predicted.warnings) == (done.changes, done.effective, done.warnings)
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert lines_of("input")[4:8] == [
        "tcp dport 22 accept",
        "tcp dport { 80, 8080 } accept",
        "ip saddr 192.0.2.1 tcp dport 443 drop",
        "jump port443-https",
    ]
    assert [text for text in done.warnings if text.startswith("taken over")] == [
        'taken over into the set: tcp dport 443 counter accept comment "by hand" (chain input of table inet filter)',
        "taken over into the set: ip6 saddr 2001:db8::/32 tcp dport 80 accept (chain input of table inet filter)",
    ]
    left = "left as it is, because it lets in more than was asked for: tcp dport { 80, 8080 } accept"
    assert f"{left} (chain input of table inet filter)" in done.warnings
    text = (host.root / CONF.lstrip("/")).read_text(encoding="utf-8")
    assert "by hand" not in text
    assert "2001:db8::/32" not in text
    assert text.count("tcp dport { 80, 8080 } accept # others too") == 1
    assert any("-\t\ttcp dport 443" in "-" + line for change in done.changes for line in change.before.splitlines())
    assert host.ensure(adopt=True).steps == ()
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert "443-https" not in listed()


def test_without_being_asked_nothing_is_taken_over(host):
    nft(BY_HAND)
    before = lines_of("input")
    host.ensure()
    assert [line for line in lines_of("input") if "port443" not in line] == before


def test_taking_over_can_be_taken_back(host):
    nft(BY_HAND.replace("tcp dport { 80, 8080 }", "tcp dport 80 drop\n\t\ttcp dport { 80, 8080 }"))
    before = tool("nft", "--stateless", "list", "ruleset")
    with pytest.raises(HostError, match="All was taken back"):
        host.ensure(adopt=True, ports=["80/tcp", "443/tcp"], require_effective=True)
    assert tool("nft", "--stateless", "list", "ruleset") == before


def test_rules_with_other_conditions_are_not_equivalents(host):
    for rule in (
        "tcp dport 443 limit rate 9/second accept",
        "tcp dport 443 ct state new accept",
        "tcp dport 443 ip daddr 192.0.2.2 accept",
        "tcp dport != 22 accept",
        "tcp dport vmap { 443 : accept, 80 : accept }",
        "meta mark set 1 tcp dport 443 accept",
    ):
        nft("flush ruleset\n" + FIREWALL.replace("tcp dport 22 accept # ssh", rule))
        host.ensure(adopt=True)
        assert lines_of("input")[4].split()[0] == rule.split()[0], rule
        host.ensure(state="absent")


def test_a_host_that_hears_no_neighbours_can_still_connect_to_others(host):
    nft(OUTBOUND.replace("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept", "continue"))
    before = listed()
    done = host.ensure(direction="out")
    assert set(directions(done).values()) == {"open"}
    assert lines_of("input")[-1] == ("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } jump port443-https")
    assert host.ensure(direction="out").steps == ()
    host.ensure(state="absent")
    assert listed() == before

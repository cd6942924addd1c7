# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A strict reverse path filter is part of the verdict where the way back to strangers leads elsewhere."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._ports.registry import platform_of
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from nft_host import filter_of, nft
from rooted import tool


@pytest.fixture
def second(host):
    """Another interface, with an address of its own and no default route."""
    for line in (
        "ip link add eth1 type veth peer name far1",
        "ip addr add 203.0.113.2/24 dev eth1",
        "ip link set eth1 up",
        "ip link set far1 up",
        "sysctl -qw net.ipv4.conf.all.rp_filter=0",
        "sysctl -qw net.ipv4.conf.eth1.rp_filter=0",
    ):
        tool(*line.split())
    return host


def verdicts(host, **options):
    done = host.ensure(check=True, ports=["443/tcp"], **options)
    return {line.family: (line.verdict, line.because) for line in done.effective}


@pytest.mark.parametrize(
    ("name", "file", "text", "place"),
    [
        ("eth1", "", "", "(net.ipv4.conf.eth1.rp_filter)"),
        (
            "all",
            "/etc/ufw/sysctl.conf",
            "# ufw\nnet/ipv4/conf/all/rp_filter=1\n",
            ", from /etc/ufw/sysctl.conf line 2)",
        ),
        ("eth1", "/etc/sysctl.d/9.conf", "net.ipv4.conf.default.rp_filter = 1", ", from /etc/sysctl.d/9.conf line 1)"),
    ],
)
def test_what_strangers_send_by_an_interface_without_the_way_back_is_blocked(second, name, file, text, place):
    tool("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=1")
    if file:
        second.put(file, text)
    found = verdicts(second, interface=["eth1"])
    assert found["ipv4"][0] == "blocked"
    assert f"net.ipv4.conf.{name}.rp_filter" in found["ipv4"][1]
    assert place in found["ipv4"][1]
    assert "the way back to strangers leads to eth0: what they send by eth1 is dropped" in found["ipv4"][1]
    assert verdicts(second)["ipv4"][0] == "open"
    assert verdicts(second, interface=["eth1"], source=["203.0.113.9"])["ipv4"][0] == "open"


def test_where_answers_leave_as_they_came_strangers_get_in(second):
    tool("sysctl", "-qw", "net.ipv4.conf.eth1.rp_filter=1")
    tool("ip", "route", "add", "default", "via", "203.0.113.1", "dev", "eth1", "table", "7")
    tool("ip", "rule", "add", "from", "203.0.113.2", "table", "7")
    assert verdicts(second, interface=["eth1"])["ipv4"][0] == "open"


@pytest.mark.parametrize("value", [0, 2])
def test_a_filter_that_is_off_or_loose_keeps_nobody_out(second, value):
    tool("sysctl", "-qw", f"net.ipv4.conf.eth1.rp_filter={value}")
    assert verdicts(second, interface=["eth1"])["ipv4"][0] == "open"


def test_a_rule_that_blocks_is_named_before_the_filter(second):
    tool("sysctl", "-qw", "net.ipv4.conf.eth1.rp_filter=1")
    nft(filter_of("inet t", policy="accept", rules=["tcp dport 443 drop"]))
    asked = parse_request({"ports": ["443/tcp"], "interface": ["eth1"]})
    told = {line["family"]: line for line in platform_of(second).report(second, asked)["effective"]}
    assert (told["ipv4"]["verdict"], told["ipv4"]["rule"]) == ("blocked", "tcp dport 443 drop")

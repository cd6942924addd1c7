# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set in native tables, and real connections: shut before, open with it, shut again; the banned stay banned."""

from __future__ import annotations

import time
from itertools import product

import pytest
from lab import TCP, UDP, Case
from nft_host import FIREWALL
from rooted import RootedHost

LATE = """table inet late {
  chain guard {
    type filter hook input priority 20; policy drop;
    ct state established,related accept
    icmpv6 type { 135, 136 } accept
  }
}
"""
COLD = "nd-neighbor-solicit, nd-neighbor-advert, "
FIREWALLS = {
    "one table": FIREWALL,
    "two tables that block": FIREWALL + LATE,
    "one table for each IP version": (
        "table ip fw {\n chain incoming {\n  type filter hook input priority 0; policy drop;\n"
        "  ip saddr 203.0.113.5 drop\n  ct state established accept\n }\n}\n"
        "table ip6 fw {\n chain incoming {\n  type filter hook input priority 0; policy drop;\n"
        "  ip6 saddr 2001:db8:bad::5 drop\n  ct state established accept\n }\n}\n"
    ),
    "no neighbours": FIREWALL.replace(COLD, ""),
}
WEB = [Case(family, *port) for family, port in product((4, 6), ((TCP, 443), (TCP, 80), (UDP, 443)))]
OTHERS = [Case(family, TCP, 8443) for family in (4, 6)] + [Case(4, TCP, 443, "banned")]
ASKED = {"ports": ["80/tcp", "443/tcp", "443/udp"]}


@pytest.mark.parametrize("rules", FIREWALLS.values(), ids=FIREWALLS)
def test_ports_open_and_close(lab, tmp_path, rules):
    host = RootedHost(tmp_path)
    lab.load({"nft": rules})
    assert lab.try_all(WEB + OTHERS) == [False] * len(WEB + OTHERS)
    host.ensure(**ASKED)
    assert lab.try_all(WEB, 3.0) == [True] * len(WEB)
    assert lab.try_all(OTHERS) == [False] * len(OTHERS)
    host.ensure(state="absent")
    assert lab.try_all(WEB) == [False] * len(WEB)
    lab.clear()


def test_sources_are_told_apart(lab, tmp_path):
    host = RootedHost(tmp_path)
    lab.load({"nft": FIREWALL})
    host.ensure(ports=["443/tcp"], source=["198.51.100.0/24", "2001:db8:f::/48"])
    cases = [Case(family, TCP, 443, source) for family in (4, 6) for source in ("friend", "stranger")]
    assert lab.try_all(cases, 1.0) == [True, False, True, False]
    host.ensure(ports=["443/tcp"], interface=["eth9"])
    assert lab.try_all(cases) == [False] * 4
    host.ensure(ports=["443/tcp"], interface=["eth0", "eth9"])
    assert lab.try_all(cases, 3.0) == [True] * 4
    lab.clear()


def test_a_set_for_a_time_closes_by_itself(lab, tmp_path):
    host = RootedHost(tmp_path)
    lab.load({"nft": FIREWALL})
    host.ensure(timeout="2s", **ASKED)
    assert lab.try_all(WEB[:1], 1.5) == [True]
    deadline = time.monotonic() + 10
    while lab.try_all(WEB[:1]) == [True]:
        assert time.monotonic() < deadline, "it never closed"
        time.sleep(0.2)
    assert lab.try_all(WEB) == [False] * len(WEB)
    host.ensure(state="absent")
    lab.clear()

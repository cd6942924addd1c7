# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files made by hand in the manner of those that distributions ship and guides teach, loaded by the real nft.

What the files of other systems than Debian hold is known from their packages and documentation alone.
"""

from __future__ import annotations

import pytest
from nft_host import ALL_OPEN, listed, nft, saved, text_of, verdicts

# Accepts are gathered in a chain of their own, a final reject follows the jump to it (RHEL family).
RHEL = """# a sample for the service
flush ruleset

table inet nftables_svc {

\tset allowed_protocols {
\t\ttype inet_proto
\t\telements = { icmp, icmpv6 }
\t}

\tset allowed_interfaces {
\t\ttype ifname
\t\telements = { "lo" }
\t}

\tset allowed_tcp_dports {
\t\ttype inet_service
\t\telements = { ssh, 9090 }
\t}

\t# all that may come in
\tchain allow {
\t\tct state established,related accept

\t\tmeta l4proto @allowed_protocols accept
\t\tiifname @allowed_interfaces accept
\t\ttcp dport @allowed_tcp_dports accept
\t}

\tchain INPUT {
\t\ttype filter hook input priority filter + 20
\t\tpolicy accept

\t\tjump allow
\t\treject with icmpx type port-unreachable
\t}
}

#include "/etc/nftables/router.nft"
"""
# Statements that go on in the next line, comments as part of rules, files for the rest (Alpine).
ALPINE = """#!/usr/sbin/nft -f
# vim: set ts=4 sw=4:
flush ruleset
include "/var/lib/nftables/*.nft"

table inet filter {
\tchain input {
\t\ttype filter hook input priority 0; policy drop;

\t\tiifname lo accept \\
\t\tcomment "Loopback"

\t\tct state { established, related } accept \\
\t\tcomment "Answers"

\t\tct state invalid drop \\
\t\tcomment "Nonsense"

\t\ttcp dport 113 reject with icmpx type port-unreachable \\
\t\tcomment "No ident"

\t\tip6 nexthdr icmpv6 icmpv6 type {
\t\t\tdestination-unreachable, packet-too-big, time-exceeded, parameter-problem,
\t\t\techo-reply, echo-request, nd-router-solicit, nd-router-advert,
\t\t\tnd-neighbor-solicit, nd-neighbor-advert, mld-listener-query
\t\t} accept \\
\t\tcomment "ICMPv6"
\t}

\tchain output {
\t\ttype filter hook output priority 0; policy accept;
\t}
}

include "/etc/nftables.d/*.nft"
"""
# Its own table is taken away first; a limit and a counter at the end (Arch).
ARCH = """#!/usr/bin/nft -f
# vim:set ts=2 sw=2 et:

table inet filter
delete table inet filter
table inet filter {
  chain input {
    type filter hook input priority filter
    policy drop

    ct state invalid drop comment "early"
    ct state {established, related} accept comment "tracked"
    iif lo accept comment "loopback"
    ip protocol icmp accept comment "icmp"
    meta l4proto ipv6-icmp accept comment "icmp v6"
    tcp dport ssh accept comment "sshd"
    pkttype host limit rate 5/second counter reject with icmpx type admin-prohibited
    counter comment "the rest"
  }
  chain forward {
    type filter hook forward priority filter
    policy drop
  }
}
"""
# Variables, a map that leads to a chain for each interface, inner braces (the guides for routers).
ROUTER = """#!/usr/sbin/nft -f
flush ruleset
define DEV_WAN = eth0
define DEV_LAN = { "eth1", "eth2" }
define PORTS = { 22,
                 2222 }

table inet global {
    chain inbound_world {
        # a ping now and then
        icmp type echo-request limit rate 5/second accept
        ip protocol . th dport vmap { tcp . 22 : accept, udp . 51820 : accept }
    }

    chain inbound {
        type filter hook input priority 0; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
        iifname vmap { lo : accept, $DEV_WAN : jump inbound_world }
        iifname $DEV_LAN tcp dport $PORTS accept
    }

    chain postrouting {
        type nat hook postrouting priority 100; policy accept;
        oifname $DEV_WAN masquerade
    }
}
"""
# A script of nft: one statement a line, each with its table.
FLAT = """#!/usr/sbin/nft -f
flush ruleset
add table ip filter
add table ip6 filter
add chain ip filter input { type filter hook input priority 0; policy drop; }
add chain ip6 filter input { type filter hook input priority 0; policy drop; }
add rule ip filter input iif lo accept
add rule ip filter input ct state established,related counter accept
add rule ip filter input ip saddr 203.0.113.0/24 counter drop
add rule ip filter input tcp dport { 22 } ct state new accept
add rule ip6 filter input ct state established,related accept
add rule ip6 filter input icmpv6 type { echo-request, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
add rule ip6 filter input counter reject
"""
# Where our jump has to be: what stands behind it in the file.
STYLES = {
    "RHEL": (RHEL, "\t\treject with icmpx type port-unreachable\n"),
    "Alpine": (ALPINE, "\t}\n\n\tchain output {"),
    "Arch": (ARCH, "    pkttype host limit rate"),
    "a router": (ROUTER, "    }\n\n    chain postrouting {"),
    "flat": (FLAT, "add rule ip6 filter input counter reject\n"),
}


@pytest.mark.parametrize(("text", "behind"), STYLES.values(), ids=STYLES)
def test_a_set_comes_and_goes_in_every_style(host, text, behind):
    files = saved(host, text)
    before = listed()
    done = host.ensure()
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert f"jump port443-https\n{behind}" in text_of(host)
    assert host.ensure().steps == ()
    nft(text_of(host))
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    nft(text_of(host))
    assert (len(listed()), host.files()) == (len(before), files)


def test_rules_that_a_further_file_adds_to_a_chain_come_before_the_jump(host):
    host.put("/etc/nftables.d/web.nft", "table inet filter { chain input { tcp dport 8080 accept; }; }\n")
    saved(host, ALPINE)
    nft("add rule inet filter input tcp dport 8080 accept\n")
    done = host.ensure()
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert "tcp dport 8080 accept; jump port443-https; }; }" in text_of(host, "/etc/nftables.d/web.nft")
    assert "port443" not in text_of(host)

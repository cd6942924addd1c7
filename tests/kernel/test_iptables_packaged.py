# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Beside a firewall of a package: no jump in its chains, and nothing said to last that it takes away."""

from __future__ import annotations

import pytest
from rooted import SAVED, V4, V6, WANTS, load, rules, tool

# As pve-firewall 5 makes them, in a row and cut to what comes in.
PVE = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:PVEFW-Drop - [0:0]
:PVEFW-HOST-IN - [0:0]
:PVEFW-INPUT - [0:0]
-A INPUT -j PVEFW-INPUT
-A PVEFW-Drop -p udp -m multiport --dports 135,445 -j DROP
-A PVEFW-HOST-IN -i lo -j ACCEPT
-A PVEFW-HOST-IN -m conntrack --ctstate INVALID -j DROP
-A PVEFW-HOST-IN -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A PVEFW-HOST-IN -p igmp -j RETURN
{management}-A PVEFW-HOST-IN -j PVEFW-Drop
-A PVEFW-HOST-IN -j DROP
-A PVEFW-INPUT -j PVEFW-HOST-IN
COMMIT
"""
MANAGEMENT = "-A PVEFW-HOST-IN -s 192.0.2.0/24 -p tcp -m tcp --dport 8006 -j RETURN\n"
# As shorewall 5 makes them, cut to what comes in.
SHOREWALL = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:net-fw - [0:0]
:reject - [0:0]
:shorewall - [0:0]
-A INPUT -i eth0 -j net-fw
-A INPUT -i lo -j ACCEPT
-A INPUT -g reject
-A net-fw -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A net-fw -p tcp -m tcp --dport 22 -j ACCEPT
-A net-fw -j DROP
-A reject -m addrtype --src-type BROADCAST -j DROP
-A reject -p tcp -j REJECT --reject-with tcp-reset
-A reject -j DROP
COMMIT
"""


def jumps():
    """The places of our jumps."""
    return [
        line.split(" ")[1] for line in rules() if "port443" in line and line.startswith("-A") and "-j port443" in line
    ]


CASES = {
    "pve-firewall, with a rule about who comes": (
        PVE.format(management=MANAGEMENT),
        "pve-firewall",
        "/etc/pve/firewall",
        "blocked",
    ),
    "pve-firewall": (PVE.format(management=""), "pve-firewall", "/etc/pve/firewall", "open"),
    "shorewall": (SHOREWALL, "shorewall", "/etc/shorewall/rules", "open"),
}


@pytest.mark.parametrize(("saved", "name", "settings", "verdict"), CASES.values(), ids=list(CASES))
def test_nothing_is_put_into_its_chains_and_it_is_named(host, saved, name, settings, verdict):
    load(saved, families=(4,))
    before = rules()
    done = host.ensure_as_predicted(rules)
    assert (done.backend, done.persisted, set(jumps())) == ("iptables", "no", {"INPUT"})
    assert {line.verdict for line in done.effective if "IPv4" in line.title} == {verdict}
    assert [
        text for text in done.warnings if f"rules of this host are made by {name}, which" in text and settings in text
    ]
    again = host.ensure()
    assert (again.steps, again.persisted) == ((), "no")
    host.ensure(state="absent")
    assert rules() == before


def test_one_that_starts_at_boot_takes_what_the_rules_file_brings(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.enable(WANTS)
    assert host.ensure().persisted == "rehearsed"
    host.enable("ferm")
    done = host.ensure()
    assert done.persisted == "no"
    assert done.warnings[0] == (
        "the IPv4 and IPv6 rules of this host are made by ferm, which makes all of them anew whenever it starts, so "
        "that what is opened here may be gone then: open the ports in /etc/ferm/ferm.conf, or run this again afterwards"
    )


def test_one_that_fills_its_own_chains_leaves_what_the_rules_file_brings(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.enable(WANTS)
    tool("iptables", "-N", "cali-INPUT")
    tool("iptables", "-I", "INPUT", "1", "-j", "cali-INPUT")
    done = host.ensure()
    assert (done.persisted, [text for text in done.warnings if "Calico" in text]) == ("rehearsed", [])

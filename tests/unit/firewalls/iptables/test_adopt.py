# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules of others let in nothing but what is asked for."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.adopt import Adoption
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule

WEB = {"ports": ["80/tcp", "443/tcp", "8000-8010/tcp", "8011/tcp", "443/udp"], "adopt": True}
OFFICE = {**WEB, "source": ["192.0.2.0/24", "198.51.100.7"]}
LAN = {**WEB, "interface": ["eth0", "eth1"]}

# The request, a rule as iptables-save 1.8.9 prints it, and whether it is taken over.
CASES = [
    (WEB, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", True),
    (WEB, '-A INPUT -p tcp -m tcp --dport 443 -m comment --comment "web" -j ACCEPT', True),
    (WEB, "-A INPUT -p udp -m udp --dport 443 -j ACCEPT", True),
    (WEB, "-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT", True),
    (WEB, "-A INPUT -p tcp -m tcp --dport 8005:8011 -j ACCEPT", True),
    (WEB, "-A INPUT -p tcp -m state --state NEW -m tcp --dport 443 -j ACCEPT", True),
    (WEB, "-A INPUT -p tcp -m conntrack --ctstate NEW,ESTABLISHED -m tcp --dport 443 -j ACCEPT", True),
    (WEB, "-A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -m tcp --dport 8005:8012 -j ACCEPT", False),
    (WEB, "-A INPUT -p udp -m udp --dport 80 -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -m tcp ! --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT ! -p udp -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -j ACCEPT", False),
    (WEB, "-A INPUT -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -m tcp --dport 443 -j DROP", False),
    (WEB, "-A INPUT -p tcp -m tcp --dport 443 -j f2b-nginx", False),
    (WEB, "-A INPUT -p tcp -m tcp --dport 443 -m limit --limit 5/min -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -m tcp --sport 443 --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT -d 192.0.2.2/32 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A INPUT -i eth0 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (WEB, "-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
    ({**WEB, "adopt": False}, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
    ({**WEB, "direction": "out"}, "-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT", True),
    ({**WEB, "direction": "out"}, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
    ({**WEB, "direction": "both"}, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", True),
    (OFFICE, "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT", True),
    (OFFICE, "-A INPUT -s 198.51.100.7/32 -p tcp -m tcp --dport 443 -j ACCEPT", True),
    (OFFICE, "-A INPUT -s 192.0.2.0/25 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (OFFICE, "-A INPUT ! -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (OFFICE, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (LAN, "-A INPUT -i eth1 -p tcp -m tcp --dport 443 -j ACCEPT", True),
    (LAN, "-A INPUT -i eth2 -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (LAN, "-A INPUT -i eth+ -p tcp -m tcp --dport 443 -j ACCEPT", False),
    (LAN, "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", False),
]


@pytest.mark.parametrize(("options", "line", "taken"), CASES)
def test_what_lets_in_nothing_else_is_taken_over(options, line, taken):
    rule = parse_rule(line, "ip", ("f2b-nginx",))
    assert Adoption(parse_request(options), 4).takes(line.split()[1], rule) is taken


def test_nothing_is_taken_over_for_a_version_that_stays_shut():
    rule = parse_rule("-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", "ip6")
    assert not Adoption(parse_request(OFFICE), 6).takes("INPUT", rule)

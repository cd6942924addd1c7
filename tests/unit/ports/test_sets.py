# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule sets that ports_info lists."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._ports.platform_linux import list_sets
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

SAVE = """*filter
:INPUT DROP [0:0]
:port443-https - [0:0]
-A INPUT -j port443-https
-A port443-https -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
"""
NATIVE = Table(
    "nft",
    "inet",
    "fw",
    (
        Chain("in", (Rule((), "jump", "port443-web", (), "jump port443-web", 7),), "drop", "input"),
        Chain("port443-web", (Rule((), "accept", text="tcp dport 443 accept", handle=6),)),
    ),
)
USER_RULES = b"""*filter
:ufw-user-input - [0:0]
### RULES ###

### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=737368
-A ufw-user-input -p tcp --dport 22 -j ACCEPT

### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=706f72743434332d6874747073
-A ufw-user-input -p tcp --dport 443 -j ACCEPT

### END RULES ###
COMMIT
"""
SERVICE = b"""<?xml version="1.0"?>
<service><port protocol="tcp" port="443"/><port protocol="udp" port="443"/></service>
"""
FILES = {"/etc/ufw/user.rules": USER_RULES, "/etc/firewalld/services/port443-quic.xml": SERVICE}


class PlayedHost:
    """A host of a few files."""

    def read(self, path):
        return FILES.get(path)

    def list_folder(self, folder):
        return tuple(path.rpartition("/")[2] for path in FILES if path.rpartition("/")[0] == folder)


def test_sets_are_found_in_every_firewall():
    kernel = Kernel((*parse_save(SAVE, "iptables-nft", "ip"), NATIVE), (), {}, None, NftView())
    jump, accept = "-A INPUT -j port443-https", "-A port443-https -p tcp -m tcp --dport 443 -j ACCEPT"
    found = [tuple(one.values()) for one in list_sets(PlayedHost(), kernel)]
    assert found == [
        ("https", "ipv4", "iptables-nft", "filter", [jump, accept]),
        ("web", "both", "nft", "fw", ["jump port443-web", "tcp dport 443 accept"]),
        ("https", "ipv4", "ufw", "filter", ["-A ufw-user-input -p tcp --dport 443 -j ACCEPT"]),
        ("quic", "both", "firewalld", "services", ["443/tcp", "443/udp"]),
    ]

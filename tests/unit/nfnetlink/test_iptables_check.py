# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No rule that iptables-save prints wrongly passes for what it is not."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.iptables_check import printed_right


@pytest.mark.parametrize(
    ("tokens", "text", "right"),
    [
        ("counter, immediate verdict", "-A INPUT -j ACCEPT", True),
        ("immediate verdict", "-A INPUT -j ACCEPT", False),
        (
            "meta 16, cmp 0, payload 2 2, range, counter, immediate verdict",
            "-A INPUT -p tcp ! --dport 5:9 -j DROP",
            True,
        ),
        ("payload 1 12, cmp 5, cmp 3, counter, immediate verdict", "-A INPUT -s 6.6.6.6/32 -j DROP", False),
        ("meta 16, cmp 0, payload 2 2, bitwise, cmp 0, counter", "-A INPUT -p tcp --dport 1", False),
        ("meta 16, cmp 0, payload 2 13, bitwise, cmp 0, counter", "-A INPUT -p tcp --tcp-flags SYN SYN", True),
        ("meta 3, cmp 0, meta 3, cmp 0, counter", "-A INPUT -m mark --mark 0x1 -m mark --mark 0x2", True),
        ("meta 3, cmp 0, meta 3, cmp 0, counter", "-A INPUT -m mark --mark 0x1", False),
        ("meta 16, cmp 0, payload 2 4, cmp 0, counter", "-A INPUT -p udp", False),
        ("payload 1 8, cmp 0, counter", "-A INPUT -m ttl --ttl-eq 5", True),
        ("payload 1 2, cmp 0, counter", "-A INPUT -j ACCEPT", False),
        ("meta 10, cmp 0, counter", "-A INPUT -j ACCEPT", False),
        ("ct, bitwise, cmp 1, counter", "-A INPUT -j ACCEPT", False),
        ("meta 16, lookup, counter", "-A INPUT -j ACCEPT", False),
        ("counter, log", "-A INPUT -j NFLOG --nflog-prefix hi", True),
        ("counter, log, immediate verdict", "-A INPUT -j DROP", False),
        ("immediate value, counter", "-A INPUT -j MARK --set-xmark 0x1/0xffffffff", False),
        ("counter, immediate value, meta set 3", "-A INPUT -j MARK --set-xmark 0x1/0xffffffff", True),
        ("counter, immediate value, payload set 2 2", "-A INPUT -j ACCEPT", False),
    ],
)
def test_expressions_and_printed_line_agree(tokens, text, right):
    assert printed_right(tuple(tokens.split(", ")), text) is right

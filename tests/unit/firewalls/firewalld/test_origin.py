# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file of firewalld a chain comes from."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict

FILES = {
    "/etc/firewalld/zones/public.xml",
    "/usr/lib/firewalld/zones/public.xml",
    "/usr/lib/firewalld/zones/drop.xml",
    "/usr/lib/firewalld/policies/allow-host-ipv6.xml",
}


@pytest.mark.parametrize(
    ("chain", "origin"),
    [
        ("filter_IN_public_deny", "/etc/firewalld/zones/public.xml"),
        ("filter_IN_public", "/etc/firewalld/zones/public.xml"),
        ("IN_drop", "/usr/lib/firewalld/zones/drop.xml"),
        ("filter_IN_policy_allow-host-ipv6_allow", "/usr/lib/firewalld/policies/allow-host-ipv6.xml"),
        ("filter_IN_made-at-runtime_allow", ""),
        ("filter_INPUT", ""),
        ("INPUT", ""),
    ],
)
def test_the_file_of_the_zone_is_told(chain, origin):
    answer = Verdict("blocked", "", "nft", "inet", "firewalld", chain, 1, "reject")
    assert find_origin(answer, FILES.__contains__) == origin

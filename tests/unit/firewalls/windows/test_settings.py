# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which store's value counts for a profile."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.settings import (
    ProfileSettings,
    settings_of,
)
from windows_facts import facts

CASES = [
    ({}, "Domain", {}),
    ({"local:DomainProfile": {"EnableFirewall": 0}}, "Domain", {"enabled": False}),
    ({"local:DomainProfile": {"EnableFirewall": 0}, "gpo:DomainProfile": {"EnableFirewall": 1}}, "Domain", {}),
    ({"local:StandardProfile": {"EnableFirewall": 0}}, "Private", {"enabled": False}),
    ({"local:StandardProfile": {"EnableFirewall": 0}}, "Public", {}),
    ({"local:DomainProfile": {"AllowLocalPolicyMerge": 0}}, "Domain", {}),
    ({"gpo:DomainProfile": {"AllowLocalPolicyMerge": 0}}, "Domain", {"merges_local": False}),
    ({"mdm:PublicProfile": {"AllowLocalPolicyMerge": 0}}, "Public", {"merges_local": False}),
    (
        {"local:DomainProfile": {"DoNotAllowExceptions": 1}, "gpo:DomainProfile": {"DoNotAllowExceptions": 0}},
        "Domain",
        {"shielded": True},
    ),
    (
        {"gpo:DomainProfile": {"DoNotAllowExceptions": 1}, "local:DomainProfile": {"DoNotAllowExceptions": 0}},
        "Domain",
        {"shielded": True},
    ),
    ({"gpo:DomainProfile": {"DefaultInboundAction": 0}}, "Domain", {"blocks_in": False}),
    (
        {"local:DomainProfile": {"DefaultInboundAction": 0}, "mdm:DomainProfile": {"DefaultInboundAction": 1}},
        "Domain",
        {},
    ),
    ({"gpo:PublicProfile": {"DefaultOutboundAction": 1}}, "Public", {"blocks_out": True}),
    ({"gpo:StandardProfile": {"EnableFirewall": 0}}, "Private", {"enabled": False}),
    ({"gpo:StandardProfile": {"EnableFirewall": 0}}, "Public", {"enabled": False}),
    ({"gpo:StandardProfile": {"EnableFirewall": 0}}, "Domain", {}),
    ({"gpo:StandardProfile": {"EnableFirewall": 0}, "gpo:PublicProfile": {}}, "Private", {}),
    ({"gpo:StandardProfile": {"EnableFirewall": 0}, "gpo:PrivateProfile": {}}, "Public", {}),
    ({"mdm:DomainProfile": {"EnableFirewall": 0}, "gpo:DomainProfile": {"EnableFirewall": 1}}, "Domain", {}),
]


@pytest.mark.parametrize(("policy", "profile", "different"), CASES)
def test_the_store_that_counts_does(policy, profile, different):
    found = settings_of(policy, profile)
    names = ("enabled", "shielded", "merges_local", "blocks_in", "blocks_out")
    default = ProfileSettings(profile)
    assert {name: getattr(found, name) for name in names} == {
        name: getattr(default, name) for name in names
    } | different


MASKS = [
    (1, ("Domain",), False),
    (6, ("Private", "Public"), False),
    (0, ("Public",), True),
    (0x7FFFFFFF, ("Public",), True),
]


@pytest.mark.parametrize(("mask", "active", "unclear"), MASKS)
def test_no_network_and_all_networks_are_taken_for_a_public_one(mask, active, unclear):
    found = facts(active=mask)
    assert (found.active, found.active_unclear) == (active, unclear)

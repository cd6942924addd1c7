# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules the script is to send where there are thousands: none that could decide is left out."""

from __future__ import annotations

import re

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.match import NO, WindowsConnection, meets
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.question import (
    allow_pattern,
    question_of,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import shape_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import parse_rule
from ansible_collections.port443.https.plugins.module_utils._spec.ports import parse_ports
from hypothesis import given
from hypothesis import strategies as st
from windows_facts import request

PARTS = st.lists(
    st.one_of(
        st.sampled_from(["LPort=RPC", "LPort2_24=mDNS", "LPort2_10=IPHTTPSIn", "RPort=443", "App=x", "Name=LPort=80"]),
        st.integers(1, 500).map(lambda port: f"LPort={port}"),
        st.tuples(st.integers(1, 400), st.integers(1, 99)).map(lambda one: f"LPort2_10={one[0]}-{sum(one)}"),
    ),
    max_size=4,
)


@given(PARTS, st.sampled_from(["Allow", "ByPass", "allow"]))
def test_each_rule_that_may_allow_a_port_is_sent(parts, action):
    text = "|".join(["v2.31", "Active=TRUE", "Dir=In", *parts, f"Action={action}", ""])
    asked = WindowsConnection(direction="in", protocol=6, ports=(443, 443), family=4, profile="Domain", program="x")
    pattern = re.compile(allow_pattern(parse_ports(["443/tcp"])), re.IGNORECASE)
    if meets(shape_of(parse_rule("local", "x", text)), asked) != NO:
        assert pattern.search(text)


SENT = [
    ("v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=443|", True),
    ("v2.31|Active=TRUE|Dir=In|LPort=80|LPort=443|Action=Allow|", True),
    ("v2.31|Action=Allow|Active=TRUE|Dir=In|App=x|", True),
    ("v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=Newer|", True),
    ("v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=4430|LPort=44|", False),
    ("v2.31|Action=Block|Active=TRUE|Dir=In|LPort=443|", False),  # these are sent for another reason
]


@pytest.mark.parametrize(("text", "sent"), SENT)
def test_a_rule_for_other_numbers_stays_on_the_host(text, sent):
    assert bool(re.search(allow_pattern(parse_ports(["443/tcp", "8443/tcp"])), text)) is sent


def test_of_thousands_of_ports_each_number_may_be_one():
    pattern = allow_pattern(parse_ports(["1-65535/tcp"]))
    assert len(pattern) < 200
    assert re.search(pattern, "v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=9|")


def test_the_script_is_told_the_ports_as_pairs():
    asked = question_of(request(ports=["443/tcp", "8000-8010/udp"]))
    assert asked["ports"] == [443, 443, 8000, 8010]
    assert asked["prefix"] == "port443-"
    assert question_of(request(state="absent"))["ports"] == []

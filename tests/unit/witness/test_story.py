# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A packet that interfaces above one another have is one packet, as the interface had it that rules and routes know."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._witness.story import tell_story
from endings import AGREED, ASKED, DOOR

TINY = 0.00001  # seconds from one interface to the next


def stacked(packet, *interfaces):
    """A packet as these interfaces have it, in their order."""
    return [replace(packet, interface=name, at=packet.at + place * TINY) for place, name in enumerate(interfaces)]


@pytest.mark.parametrize(
    "below", [("eth0",), ("eth0", "eth0.5"), ("eth0", "bond0", "bond0.5", "br5"), ("veth1", "docker0")]
)
def test_the_interface_is_the_uppermost_where_it_comes_in_and_goes_out(below):
    packets = [*stacked(ASKED, *below), *stacked(AGREED, *reversed(below))]
    story = tell_story(DOOR, packets)
    assert [(one.interface, one.outgoing) for one in (*story.came, *story.answered)] == [
        (below[-1], False),
        (below[-1], True),
    ]


def test_what_is_sent_again_is_another_packet_also_by_another_link():
    again = replace(ASKED, at=ASKED.at + 1.0)
    story = tell_story(DOOR, [*stacked(ASKED, "eth0", "br0"), *stacked(again, "eth1", "br0")])
    assert [one.interface for one in story.came] == ["br0", "br0"]
    by_two_links = tell_story(DOOR, [*stacked(ASKED, "eth0"), *stacked(again, "eth1")])
    assert [one.interface for one in by_two_links.came] == ["eth0", "eth1"]


def test_two_of_a_kind_that_are_read_one_interface_after_the_other_are_two():
    read = [
        replace(ASKED, interface=name, at=ASKED.at + place * 0.1)
        for place, name in enumerate(["eth0"] * 2 + ["br0"] * 2)
    ]
    assert [one.interface for one in tell_story(DOOR, read).came] == ["br0", "br0"]


def test_what_the_host_sends_to_itself_is_seen_twice_on_loopback_and_counts_once():
    outgoing = replace(ASKED, outgoing=True, interface="lo")
    story = tell_story(DOOR, [outgoing, *stacked(ASKED, "lo")])
    assert [(one.interface, one.outgoing) for one in story.came] == [("lo", False)]

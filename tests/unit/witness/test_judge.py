# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every way in which a connection ends, as packets and facts, and the sentence that is said of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import (
    read_door,
)
from ansible_collections.port443.https.plugins.module_utils._witness.headers import SeenPacket
from ansible_collections.port443.https.plugins.module_utils._witness.judge import judge_ending
from ansible_collections.port443.https.plugins.module_utils._witness.story import tell_story
from endings import AGREED, ASKED, BLIND, CONFIRMED, DOOR, FACTS, HERE, LARGE, LATE, LOOKER, ROWS, SHUT
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import ACK, RST, SYN


@pytest.mark.parametrize("row", ROWS)
def test_it_is_said_where_a_connection_ends(row):
    packets, facts, door, ends, because = ROWS[row]
    ending = judge_ending(door, tell_story(door, packets), facts)
    assert (ending.ends, because in ending.because) == (ends, True), ending
    assert ending.because.isprintable()


@pytest.mark.parametrize("case", BLIND)
def test_without_packets_it_is_said_what_rules_and_sockets_say(case):
    facts, ends, because = BLIND[case]
    ending = judge_ending(DOOR, None, replace(facts, blind="no rights"))
    assert (ending.ends, because in ending.because) == (ends, True), ending


def test_nothing_is_said_of_what_may_be_missing():
    ending = judge_ending(DOOR, tell_story(DOOR, []), replace(FACTS, whole=False))
    assert (ending.ends, "packets are missing" in ending.because) == ("not known", True)


def test_another_port_of_the_same_address_shows_how_it_is_translated():
    other = replace(ASKED, destination="10.0.0.5", dport=80)
    facts = replace(FACTS, addresses=("10.0.0.5",))
    ending = judge_ending(DOOR, tell_story(DOOR, []), facts, other)
    assert "203.0.113.2 is translated to 10.0.0.5 on the way, as port 80 shows, which arrives" in ending.because


def test_who_comes_from_another_address_and_port_is_known_by_the_segment_size_that_he_asked_for():
    came = replace(ASKED, source="192.0.2.77", sport=5, segment=1241)
    after = replace(came, sport=6, segment=1460, at=2.0)
    stranger = replace(came, source="192.0.2.78", segment=1460)
    story = tell_story(DOOR, [came, after, stranger])
    assert (story.came, story.certain) == ((came, after), True)


def test_who_is_known_by_his_port_alone_is_known_less_certainly():
    came = replace(ASKED, source="192.0.2.77", segment=1300)
    ending = judge_ending(DOOR, tell_story(DOOR, [came]), replace(FACTS, rule=SHUT))
    assert ending.because.startswith("most likely: the host drops it")


def test_on_loopback_each_packet_counts_once():
    both = [replace(one, interface="lo", outgoing=way) for one in (ASKED, AGREED, CONFIRMED) for way in (True, False)]
    door = replace(DOOR, outcome="ok")
    story = tell_story(door, both)
    assert (len(story.came), len(story.answered), story.passed, story.returned) == (2, 1, (), ())
    assert judge_ending(door, story, FACTS).ends == "reached"


def test_a_door_is_read_as_the_looker_sends_it():
    given = {**DOOR.__dict__, "sources": [[LOOKER, 40000]], "named": [HERE]}
    assert read_door(given) == DOOR


OTHERS = st.lists(
    st.builds(
        lambda at, outgoing, peer, port, flags, interface: SeenPacket(
            at,
            outgoing,
            interface,
            4,
            6,
            *((HERE, peer, 443, port) if outgoing else (peer, HERE, port, 443)),
            flags=flags,
            segment=1460,
        ),
        st.floats(0, 20),
        st.booleans(),
        st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        st.integers(1024, 65535),
        st.sampled_from([SYN, SYN | ACK, ACK, RST]),
        st.sampled_from(["eth0", "eth1"]),
    ),
    max_size=30,
)


@pytest.mark.parametrize("row", ROWS)
@settings(max_examples=20)
@given(others=OTHERS, seed=st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_nor_other_people_change_what_is_said(row, others, seed: random.Random):
    packets, facts, door, *_said = ROWS[row]
    if door.protocol == "udp" and not packets:
        return
    again = [replace(one, at=one.at + 0.01) for one in packets if not one.length]
    mixed = [*packets, *again, *others]
    seed.shuffle(mixed)
    plain = judge_ending(door, tell_story(door, packets), facts)
    assert judge_ending(door, tell_story(door, mixed), facts) == plain


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_of_what_is_lost_on_the_wire_the_first_of_it_says_where(there):
    """Each packet comes only where the one before it did; asked again, the host answers as often."""
    asked, agreed, confirmed, said = there
    packets = [ASKED] * asked + [AGREED] * (asked and agreed) + [CONFIRMED] * (asked and agreed and confirmed)
    if all((asked, agreed, confirmed, said)):
        packets += [replace(LARGE[0], length=80)]
    ends = "before the host" if not asked else "in the host" if not agreed else "on the way back"
    ends = "reached" if asked and agreed and confirmed else ends
    assert judge_ending(LATE, tell_story(LATE, packets * 3), FACTS).ends == ends

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges where a connection ends, and why, from the packets of a look and what the host says of itself."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._witness.evidence import (
    BACK,
    BEFORE,
    BEYOND,
    IN,
    REACHED,
    UNKNOWN,
    Door,
    Ending,
    HostFacts,
)
from ansible_collections.port443.https.plugins.module_utils._witness.headers import ACK, RST, SYN, SeenPacket
from ansible_collections.port443.https.plugins.module_utils._witness.reasons import (
    name_error,
    say_arrived_as,
    say_before,
    say_listeners,
    say_rule,
    say_silent,
    serves,
    tell_blind,
)
from ansible_collections.port443.https.plugins.module_utils._witness.story import Story

_LARGE = 600  # bytes; what is sent again and again and is smaller is not kept back for its size
_TIMES = 3  # the same bytes sent so often without an answer


def judge_ending(door: Door, story: Optional[Story], facts: HostFacts, other: Optional[SeenPacket] = None) -> Ending:
    """Returns where a look at a door ended.

    ``story`` is None where no packets were recorded; ``other`` is a packet that came in through another door at the
    same address, if one did: it tells how that address is translated on the way.
    """
    if story is None or (not story.came and not facts.whole):
        return tell_blind(door, facts)
    if not story.came:
        return _judge_unseen(door, facts, other)
    ending = next(found for found in (judge(door, story, facts) for judge in _JUDGES) if found)
    because = ending.because + say_arrived_as(door, story.came[0])
    doubt = "" if story.certain and door.protocol == "tcp" else "most likely: "
    return Ending(ending.ends, doubt + because)


def _judge_unseen(door: Door, facts: HostFacts, other: Optional[SeenPacket]) -> Ending:
    if door.outcome == "ok":
        return Ending(REACHED, f"{door.title} answers, but not from this host: nothing of the look arrived at it")
    if facts.early:
        there = " and ".join(facts.early)
        return Ending(
            UNKNOWN,
            f"nothing is seen to arrive, but {there} has an XDP program, which comes before all that can be seen: look "
            f"at it first (ip link show, bpftool net)",
        )
    return Ending(BEFORE, say_before(door, facts, other))


def _judge_passed(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    """Sent on by the host, as to a container."""
    if not story.passed:
        return None
    last = story.passed[0]
    there = f"[{last.destination}]:{last.dport}" if last.family == 6 else f"{last.destination}:{last.dport}"
    way = f" by way of {facts.rule.because}" if facts.rule else ""
    if not story.returned:
        told = f"; {name_error(story.refused[0])}" if story.refused else ""
        return Ending(
            BEYOND,
            f"the host hands it on to {there} out of {last.interface}, and nothing comes back{told}: look whether "
            f"the container or machine there runs and listens{way}",
        )
    if story.returned[0].flags & RST:
        return Ending(BEYOND, f"the host hands it on to {there}, which refuses it: nothing listens there{way}")
    return None


def _judge_refused(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    if not story.refused or any(_is_agreement(one) for one in story.answered):
        return None
    error = name_error(story.refused[0])
    if facts.rule and facts.rule.verdict != "open":
        return Ending(IN, f"the host rejects it with {error}: {say_rule(facts.rule)}")
    if door.protocol == "udp" and not serves(facts, door.protocol, story.came[0]):
        return Ending(IN, f"nothing listens at {_place(story.came[0])}/udp: the host says {error}")
    return Ending(IN, f"the host rejects it with {error}{_open_by_rules(facts)}")


def _judge_reset(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    resets = [one for one in story.answered if one.flags & RST]
    if not resets or any(_is_agreement(one) for one in story.answered):
        return None
    first = story.came[0]
    found = serves(facts, door.protocol, first)
    if facts.waiting is not None and found is None:
        return Ending(IN, f"nothing listens at {_place(first)}{say_listeners(facts, door.protocol, first.dport)}")
    if facts.rule and facts.rule.verdict != "open":
        return Ending(IN, f"a rule of the host resets it: {say_rule(facts.rule)}")
    heard = f" though {found} listens" if found else ""
    return Ending(IN, f"the host resets it{heard}{_open_by_rules(facts)}")


def _judge_way_back(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    """Answered, and nothing shows that the answer arrived."""
    first = story.came[0]
    if door.protocol == "udp":
        if not story.answered or door.outcome == "ok":
            return None
        return Ending(BACK, f"the host answers {first.source}, and the answer does not arrive{_tell_way(story, facts)}")
    if not any(_is_agreement(one) for one in story.answered):
        return None
    if any(one.flags & ACK and not one.flags & SYN for one in story.came):
        return None
    if any(one.flags & RST for one in story.came):
        return Ending(
            BACK,
            f"the host answers {first.source}, and a reset comes back: what lies between, or the looker, knows nothing "
            "of the connection",
        )
    return Ending(BACK, f"the host answers {first.source}, and the answer does not arrive{_tell_way(story, facts)}")


def _tell_way(story: Story, facts: HostFacts) -> str:
    if story.complained:
        one = story.complained[0]
        return f": {one.source} says {name_error(one)}"
    came, left = story.came[0].interface, story.answered[0].interface
    if came != left:
        return (
            f": it came in by {came} and the answer leaves by {left}; an asymmetric route, which what lies between "
            f"mostly drops: have answers leave as they came (ip rule add from {story.came[0].destination} table N)"
        )
    if facts.back and facts.back.interface not in ("", came):
        return f": it came in by {came} and the route back leads to {facts.back.interface}"
    return ": what lies between keeps answers of the host back (a stateless filter or network ACL for what leaves)"


def _judge_large(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    """Connected, and then the same data again and again: what is large does not get through, and nobody says so."""
    if door.protocol == "udp":
        return None
    for packets, confirming in ((story.answered, story.came), (story.came, story.answered)):
        sent = [one for one in packets if one.length >= _LARGE and not one.flags & SYN]
        for one in sent[:50]:
            times = sum(1 for other in sent if other.sequence == one.sequence)
            heard = any(_is_after(other.acknowledged, one.sequence) for other in confirming if other.flags & ACK)
            if times >= _TIMES and not heard:
                whose = "the host's" if packets is story.answered else "the looker's"
                told = f" ({name_error(story.complained[0])})" if story.complained else ""
                return Ending(
                    BACK if packets is story.answered else BEFORE,
                    f"the connection stands, but {whose} large packets do not get through and nobody says so{told}: "
                    "something on the way takes less than its links promise (a path MTU black hole); let ICMP 'too "
                    "big' through, or have the segment size clamped to the path",
                )
    return None


def _judge_quiet(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    """It stands, or did."""
    if door.protocol == "udp" and not story.answered:
        return None
    if door.protocol == "tcp" and not any(_is_agreement(one) for one in story.answered):
        return None
    if door.outcome == "ok":
        return Ending(REACHED, "it arrives and is answered")
    spoke = any(one.length for one in story.answered)
    found = serves(facts, door.protocol, story.came[0])
    who = f"{found.program or 'the program'} at {_place(story.came[0])}" if found else "the program that listens"
    if spoke:
        return Ending(REACHED, f"it arrives and {who} answers: what is wrong is in what it says")
    return Ending(REACHED, f"it arrives and the connection stands, but {who} says nothing: look into its log")


def _judge_silent(door: Door, story: Story, facts: HostFacts) -> Optional[Ending]:
    return Ending(IN, say_silent(door, story.came[0], facts))


def _open_by_rules(facts: HostFacts) -> str:
    return f"; by the rules it is open ({facts.rule.because})" if facts.rule else ""


def _is_agreement(packet: SeenPacket) -> bool:
    return packet.flags & (SYN | ACK) == SYN | ACK


def _is_after(number: int, other: int) -> bool:
    """Sequence numbers go round."""
    return 0 < (number - other) % (1 << 32) < 1 << 31


def _place(packet: SeenPacket) -> str:
    return f"[{packet.destination}]:{packet.dport}" if packet.family == 6 else f"{packet.destination}:{packet.dport}"


_JUDGES: Tuple[Callable[[Door, Story, HostFacts], Optional[Ending]], ...] = (
    _judge_passed,
    _judge_refused,
    _judge_reset,
    _judge_way_back,
    _judge_large,
    _judge_quiet,
    _judge_silent,
)

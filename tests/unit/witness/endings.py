# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every way in which a connection ends: its packets, what the host says of itself, and what has to be said of it."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.port443.https.plugins.module_utils._witness.evidence import (
    Back,
    Door,
    HostFacts,
    Mute,
    RuleFound,
    Waiting,
)
from ansible_collections.port443.https.plugins.module_utils._witness.headers import SeenPacket
from wire import ACK, RST, SYN

HERE, LOOKER, BOX = "203.0.113.2", "198.51.100.1", "172.17.0.2"
DOOR = Door("shop.example", HERE, "ipv4", 443, "tcp", "timed out", ((LOOKER, 40000),), 1241, (HERE,))
NGINX = Waiting("tcp", "::", 443, "nginx")
OPEN = RuleFound("open", "no rule blocks it")
SHUT = RuleFound("blocked", "nft inet t c handle 4: tcp dport 443 drop", "/etc/nftables.conf line 7", (3, 6))
FACTS = HostFacts(addresses=(HERE,), waiting=(NGINX,), rule=OPEN, back=Back("eth0"))


def seen(flags, outgoing=False, interface="eth0", at=0.0, source=None, **more):
    forth = not outgoing if source is None else source
    ends = (LOOKER, HERE, 40000, 443) if forth else (HERE, LOOKER, 443, 40000)
    given = dict(zip(("source", "destination", "sport", "dport"), ends), protocol=6, family=4)
    return SeenPacket(at, outgoing, interface, flags=flags, **{**given, **more})


def about(packet, kind=3, code=13, outgoing=True, source=HERE):
    return SeenPacket(packet.at, outgoing, "eth0", packet.family, 1, source, LOOKER, error=(kind, code), quoted=packet)


ASKED = seen(SYN, at=1, segment=1241)
AGREED = seen(SYN | ACK, True, at=2)
CONFIRMED = seen(ACK, at=3, acknowledged=1)
LARGE = [seen(ACK, True, at=4 + again, length=1400, sequence=1, acknowledged=1) for again in range(4)]
ON = seen(SYN, True, "docker0", at=2, source=LOOKER, destination=BOX, dport=8443)
RETURNED = seen(SYN | ACK, False, "docker0", at=3, source="", sport=8443)
RETURNED = replace(RETURNED, source=BOX, destination=LOOKER, sport=8443, dport=40000)
LATE = replace(DOOR, outcome="closed")
UDP = replace(DOOR, protocol="udp", segment=0)
DATAGRAM = replace(ASKED, protocol=17, flags=0, segment=0)

ROWS = {
    "nothing arrives": ([], FACTS, DOOR, "before the host", "nothing arrives at the host: what lies between drops it"),
    "nothing arrives, and the host would let it in": ([], FACTS, DOOR, "before the host", "would let it in (no rule"),
    "nothing arrives, and the host would block it": (
        [],
        replace(FACTS, rule=SHUT),
        DOOR,
        "before the host",
        "the host itself would block it as well (nft inet t c handle 4: tcp dport 443 drop, from /etc/nftables.conf",
    ),
    "nothing arrives, and somebody answers": (
        [],
        FACTS,
        replace(DOOR, outcome="refused"),
        "before the host",
        "the answer is 'refused': something before the host answers in its place",
    ),
    "nothing arrives, and there is XDP": (
        [],
        replace(FACTS, early=("eth0",)),
        DOOR,
        "not known",
        "eth0 has an XDP program, which comes before all that can be seen",
    ),
    "nothing arrives, and the host may not say that it has the address": (
        [],
        replace(FACTS, mutes=(Mute(HERE, "eth0", "rp_filter", 1, LOOKER, "eth1"),)),
        DOOR,
        "before the host",
        "may be its own doing: nobody on the link may be told that it has 203.0.113.2 (ARP), as rp_filter of eth0 is "
        "strict and the route back to 198.51.100.1 leads to eth1: set net.ipv4.conf.eth0.rp_filter to 2",
    ),
    "nothing arrives, and it answers by its routes alone": (
        [],
        replace(FACTS, mutes=(Mute(HERE, "eth0", "arp_filter", 1, LOOKER, "eth1"),)),
        replace(DOOR, outcome="unreachable"),
        "before the host",
        "arp_filter of eth0 is on and the route back to 198.51.100.1 leads to eth1: set net.ipv4.conf.eth0.arp_filter "
        "to 0, or have answers leave as they came; if that changes nothing, what lies between drops it",
    ),
    "nothing arrives, and it never says that it has the address": (
        [],
        replace(FACTS, mutes=(Mute(HERE, "eth0", "arp_ignore", 8),)),
        DOOR,
        "before the host",
        "as net.ipv4.conf.eth0.arp_ignore is 8: set it to 0",
    ),
    "nothing arrives, and the address is nobody's on the link": (
        [],
        replace(FACTS, mutes=(Mute(HERE, "lo", "arp_ignore", 1),)),
        DOOR,
        "before the host",
        "the address is on lo and net.ipv4.conf.all.arp_ignore is 1: give it to the interface that is to be reached",
    ),
    "the name leads elsewhere": (
        [],
        replace(FACTS, addresses=("10.0.0.5", "fd00::5")),
        DOOR,
        "before the host",
        "shop.example leads to 203.0.113.2 and the host has 10.0.0.5: behind address translation",
    ),
    "another answers": ([], FACTS, replace(DOOR, outcome="ok"), "reached", "but not from this host"),
    "it arrives translated": (
        [replace(ASKED, destination="10.0.0.5", dport=8443)],
        replace(FACTS, addresses=("10.0.0.5",), rule=SHUT),
        DOOR,
        "in the host",
        "line 7, its counter went from 3 to 6 (it arrives as 10.0.0.5:8443: translated on the way)",
    ),
    "a rule drops it": ([ASKED], replace(FACTS, rule=SHUT), DOOR, "in the host", "the host drops it: nft inet t c"),
    "reverse path": (
        [ASKED],
        replace(FACTS, strict=("eth0",), back=Back("eth1")),
        DOOR,
        "in the host",
        "rp_filter of eth0 is strict and the route back to 198.51.100.1 leads to eth1",
    ),
    "no route back": (
        [ASKED],
        replace(FACTS, back=Back(problem="Network is unreachable")),
        DOOR,
        "in the host",
        "there is no route back to 198.51.100.1 (Network is unreachable)",
    ),
    "conntrack is full": (
        [ASKED],
        replace(FACTS, conntrack=(64, 64)),
        DOOR,
        "in the host",
        "the table of connections is full (64 of 64): raise net.netfilter.nf_conntrack_max",
    ),
    "the queue is full": (
        [ASKED],
        replace(FACTS, overflows=(2, 5), drops=(2, 5)),
        DOOR,
        "in the host",
        "nginx at [::]:443 takes its connections too slowly: its queue is full (ListenOverflows went from 2 to 5)",
    ),
    "the kernel drops": ([ASKED], replace(FACTS, drops=(2, 5)), DOOR, "in the host", "ListenDrops went from 2 to 5"),
    "no address of the host": (
        [replace(ASKED, destination="10.0.0.5")],
        FACTS,
        DOOR,
        "in the host",
        "it comes for 10.0.0.5, which is no address of the host (203.0.113.2)",
    ),
    "a program of tc": ([ASKED], replace(FACTS, queueing=("eth0",)), DOOR, "in the host", "eth0 has programs of tc"),
    "what stands still explains nothing": (
        [ASKED],
        replace(FACTS, overflows=(5, 5), drops=(7, 7), conntrack=(3, 64), strict=("eth0",)),
        DOOR,
        "in the host",
        "it arrives, by the rules it is open (no rule blocks it), and it is not answered",
    ),
    "nothing explains it": ([ASKED], FACTS, DOOR, "in the host", "it arrives, by the rules it is open (no rule blocks"),
    "unread": ([ASKED], replace(FACTS, rule=None, unread="no"), DOOR, "in the host", "rules could not be read (no)"),
    "it depends": (
        [ASKED],
        replace(FACTS, rule=RuleFound("depends", "a rule that cannot be foretold")),
        DOOR,
        "in the host",
        "the host does not answer: a rule that cannot be foretold",
    ),
    "nothing listens": (
        [ASKED, seen(RST | ACK, True, at=2)],
        replace(FACTS, waiting=()),
        replace(DOOR, outcome="refused"),
        "in the host",
        "nothing listens at 203.0.113.2:443: start the service",
    ),
    "it listens for the host alone": (
        [ASKED, seen(RST | ACK, True, at=2)],
        replace(FACTS, waiting=(replace(NGINX, address="127.0.0.1"),)),
        replace(DOOR, outcome="refused"),
        "in the host",
        "nothing listens at 203.0.113.2:443; nginx at 127.0.0.1:443 is all that does",
    ),
    "a rule resets": (
        [ASKED, seen(RST | ACK, True, at=2)],
        replace(FACTS, rule=SHUT),
        replace(DOOR, outcome="refused"),
        "in the host",
        "a rule of the host resets it: nft inet t c",
    ),
    "a reset that no rule explains": (
        [ASKED, seen(RST | ACK, True, at=2)],
        FACTS,
        replace(DOOR, outcome="refused"),
        "in the host",
        "the host resets it though nginx at [::]:443 listens; by the rules it is open",
    ),
    "a rule rejects": (
        [ASKED, about(ASKED)],
        replace(FACTS, rule=SHUT),
        replace(DOOR, outcome="prohibited"),
        "in the host",
        "the host rejects it with ICMP administratively prohibited: nft inet t c",
    ),
    "handed on, nothing back": (
        [ASKED, ON],
        replace(FACTS, rule=RuleFound("depends", "iptables-nft ip nat DOCKER rule 2")),
        DOOR,
        "beyond the host",
        "hands it on to 172.17.0.2:8443 out of docker0, and nothing comes back: look whether the container or machine "
        "there runs and listens by way of iptables-nft ip nat DOCKER rule 2",
    ),
    "handed on, refused": (
        [ASKED, ON, replace(RETURNED, flags=RST | ACK), seen(RST | ACK, True, at=4)],
        FACTS,
        replace(DOOR, outcome="refused"),
        "beyond the host",
        "hands it on to 172.17.0.2:8443, which refuses it: nothing listens there",
    ),
    "the answer is lost": ([ASKED, AGREED], FACTS, DOOR, "on the way back", "what lies between keeps answers of the"),
    "the answer leaves elsewhere": (
        [ASKED, replace(AGREED, interface="eth1")],
        FACTS,
        DOOR,
        "on the way back",
        "it came in by eth0 and the answer leaves by eth1; an asymmetric route",
    ),
    "a router complains": (
        [ASKED, AGREED, about(AGREED, outgoing=False, source="203.0.113.1")],
        FACTS,
        DOOR,
        "on the way back",
        "203.0.113.1 says ICMP administratively prohibited",
    ),
    "a reset comes back": (
        [ASKED, AGREED, seen(RST, at=3)],
        FACTS,
        replace(DOOR, outcome="reset"),
        "on the way back",
        "a reset comes back",
    ),
    "large packets are lost": (
        [ASKED, AGREED, CONFIRMED, *LARGE],
        FACTS,
        LATE,
        "on the way back",
        "the host's large packets do not get through and nobody says so",
    ),
    "the program says nothing": (
        [ASKED, AGREED, CONFIRMED],
        FACTS,
        LATE,
        "reached",
        "nginx at 203.0.113.2:443 says nothing: look into its log",
    ),
    "the program says the wrong thing": (
        [ASKED, AGREED, CONFIRMED, replace(LARGE[0], length=80), seen(ACK, at=9, acknowledged=81)],
        FACTS,
        LATE,
        "reached",
        "nginx at 203.0.113.2:443 answers: what is wrong is in what it says",
    ),
    "all is well": (
        [ASKED, AGREED, CONFIRMED],
        FACTS,
        replace(DOOR, outcome="ok"),
        "reached",
        "it arrives and is answered",
    ),
    "datagrams do not arrive": ([], FACTS, UDP, "before the host", "open 443/udp there"),
    "datagrams are not answered": ([DATAGRAM], FACTS, UDP, "in the host", "most likely: it arrives, by the rules"),
    "nobody takes datagrams": (
        [DATAGRAM, about(DATAGRAM, code=3)],
        FACTS,
        replace(UDP, outcome="refused"),
        "in the host",
        "most likely: nothing listens at 203.0.113.2:443/udp: the host says ICMP port unreachable",
    ),
    "the answer of datagrams is lost": (
        [DATAGRAM, replace(AGREED, protocol=17, flags=0)],
        FACTS,
        UDP,
        "on the way back",
        "most likely: the host answers 198.51.100.1, and the answer does not arrive",
    ),
}
BLIND = {
    "a rule blocks": (replace(FACTS, rule=SHUT), "in the host", "sockets alone (no rights): the host blocks"),
    "nothing listens": (replace(FACTS, waiting=()), "in the host", "nothing listens at port 443/tcp"),
    "all is open": (FACTS, "not known", "would let it in (no rule blocks it) and something listens, so look at what"),
    "nothing is known": (HostFacts(), "not known", "nothing more is known of the host"),
}

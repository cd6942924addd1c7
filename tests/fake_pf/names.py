# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of numbers as the played systems have them, whatever the machine has that the tests run on."""

from __future__ import annotations

from typing import Dict, Tuple

PROTOCOLS = {
    1: "icmp",
    2: "igmp",
    4: "ipencap",
    6: "tcp",
    17: "udp",
    41: "ipv6",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "ipv6-icmp",
    89: "ospf",
    112: "carp",
    132: "sctp",
    240: "pfsync",
}
PROTOCOL_NUMBERS = {**{name: number for number, name in PROTOCOLS.items()}, "icmp6": 58}
# Parts of /etc/services of FreeBSD, in its order: where a port or a name stands twice the first one counts.
_BOTH = (
    *((1, "tcpmux"), (2, "compressnet"), (3, "compressnet"), (5, "rje"), (7, "echo"), (9, "discard"), (13, "daytime")),
    *((22, "ssh"), (25, "smtp"), (53, "domain"), (67, "bootps"), (68, "bootpc"), (80, "http"), (81, "hosts2-ns")),
    *((82, "xfer"), (83, "mit-ml-dev"), (84, "ctf"), (85, "mit-ml-dev"), (88, "kerberos-sec"), (110, "pop3")),
    *((123, "ntp"), (143, "imap"), (211, "914c/g"), (256, "rap"), (443, "https"), (444, "snpp"), (445, "microsoft-ds")),
    *((446, "ddm-rdb"), (447, "ddm-dfm"), (587, "submission"), (993, "imaps"), (1471, "csdmbase"), (1472, "csdm")),
)
SERVICES: Dict[Tuple[str, str], int] = {}
SERVICE_NAMES: Dict[Tuple[int, str], str] = {}
for _number, _name in (*_BOTH, (514, "shell"), (1467, "csdmbase"), (1468, "csdm"), (20, "ftp-data"), (21, "ftp")):
    SERVICES.setdefault((_name, "tcp"), _number)
    SERVICE_NAMES.setdefault((_number, "tcp"), _name)
for _number, _name in (*_BOTH, (514, "syslog"), (500, "isakmp")):
    SERVICES.setdefault((_name, "udp"), _number)
    SERVICE_NAMES.setdefault((_number, "udp"), _name)

ICMP_TYPES = {
    "echoreq": 8,
    "echorep": 0,
    "unreach": 3,
    "squench": 4,
    "redir": 5,
    "althost": 6,
    "routeradv": 9,
    "routersol": 10,
    "timex": 11,
    "paramprob": 12,
    "timereq": 13,
    "timerep": 14,
    "inforeq": 15,
    "inforep": 16,
    "maskreq": 17,
    "maskrep": 18,
}
ICMP6_TYPES = {
    "unreach": 1,
    "toobig": 2,
    "timex": 3,
    "paramprob": 4,
    "echoreq": 128,
    "echorep": 129,
    "groupqry": 130,
    "grouprep": 131,
    "groupterm": 132,
    "routersol": 133,
    "routeradv": 134,
    "neighbrsol": 135,
    "neighbradv": 136,
    "redir": 137,
    "routrrenum": 138,
}
ICMP_CODES = {
    (3, "net-unr"): 0,
    (3, "host-unr"): 1,
    (3, "proto-unr"): 2,
    (3, "port-unr"): 3,
    (3, "needfrag"): 4,
    (3, "srcfail"): 5,
    (3, "filter-prohib"): 13,
    (11, "transit"): 0,
    (11, "reassemb"): 1,
}
ICMP6_CODES = {
    (1, "noroute-unr"): 0,
    (1, "admin-unr"): 1,
    (1, "notnbr-unr"): 2,
    (1, "addr-unr"): 3,
    (1, "port-unr"): 4,
    (3, "transit"): 0,
    (3, "reassemb"): 1,
}
TOS = {
    "lowdelay": 0x10,
    "throughput": 0x08,
    "reliability": 0x04,
    "critical": 0xA0,
    "ef": 0xB8,
    "af11": 0x28,
    "cs1": 0x20,
}
USERS = {"root": 0, "_pbuild": 21, "www": 80, "unknown": -1}
GROUPS = {"wheel": 0, "unknown": -1}
LIMITS = ("states", "frags", "src-nodes", "tables", "table-entries", "pktdelay-pkts", "anchors")
TIMEOUTS = {
    *(f"tcp.{name}" for name in ("first", "opening", "established", "closing", "finwait", "closed", "tsdiff")),
    *(f"{kind}.{name}" for kind in ("udp", "other", "sctp") for name in ("first", "single", "multiple", "opening")),
    *("icmp.first", "icmp.error", "frag", "interval", "adaptive.start", "adaptive.end", "src.track"),
}
_KEYWORDS = """
all allow-opts altq anchor antispoof any bandwidth binat binat-anchor binat-to bitmask block block-policy buckets
cbq code codelq counters crop debug divert-reply divert-to drop drop-ovl dup-to fairq fastroute file fingerprints
flags floating flush for fragment from global group hfsc hogs hostid icmp-type icmp6-type if-bound in include inet
inet6 keep keepcounters label limit linkshare load log loginterface match max max-mss max-src-conn
max-src-conn-rate max-src-nodes max-src-states min-ttl modulate nat nat-anchor nat-to no no-df no-route no-sync on
optimization os out overload pass port prio priority priq probability proto qlimit queue quick random random-id rdr
rdr-anchor rdr-to realtime reassemble reply-to require-order return return-icmp return-icmp6 return-rst round-robin
route route-to rtable rule ruleset-optimization scrub scrub-anchor set set-tos skip sloppy source-hash source-track
state state-defaults state-policy static-port sticky-address synproxy table tag tagged target tbrsize timeout to
tos ttl upperlimit urpf-failed user dummynet dummynet-anchor received-on once af-to divert-packet
"""
KEYWORDS = frozenset(_KEYWORDS.split())

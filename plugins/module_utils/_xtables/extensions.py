# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The extensions of iptables: which targets and matches change a packet's way, which do not.

``read``: its options are read, and what it asks or does is known. ``harmless``: it records something, or changes what
decides neither a packet's way nor a later match that is read. ``unknown``: a match may hold or not, a target may do
anything; so does what is in no list.
"""

from __future__ import annotations

from typing import Dict

READ, HARMLESS, UNKNOWN = "read", "harmless", "unknown"
FEWEST_HOPS = 32  # a packet that starts with fewer may not come to where it goes

TARGETS: Dict[str, str] = {
    **dict.fromkeys(("ACCEPT", "DROP", "REJECT", "RETURN", "NOTRACK", "CT", "SNAT", "MASQUERADE"), READ),
    **dict.fromkeys(("DNAT", "REDIRECT", "MARK", "CONNMARK", "HMARK", "SET", "TTL", "HL"), READ),
    **dict.fromkeys(("LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "LED", "IDLETIMER", "RATEEST"), HARMLESS),
    **dict.fromkeys(("TEE", "CHECKSUM", "CLASSIFY", "TCPMSS", "TCPOPTSTRIP"), HARMLESS),
    **dict.fromkeys(("DSCP", "TOS", "ECN"), HARMLESS),  # all matches about these are unknown
    **dict.fromkeys(("SECMARK", "CONNSECMARK"), HARMLESS),  # labels, of which SELinux alone takes notice
    **dict.fromkeys(("NFQUEUE", "QUEUE", "TPROXY", "SYNPROXY", "CLUSTERIP"), UNKNOWN),
    **dict.fromkeys(("NETMAP", "DNPT", "SNPT"), UNKNOWN),
}

MATCHES: Dict[str, str] = {
    **dict.fromkeys(("tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmp6", "icmpv6", "multiport"), READ),
    **dict.fromkeys(("conntrack", "state", "mark", "connmark", "set", "comment"), READ),
    **dict.fromkeys(("addrtype", "iprange", "pkttype", "ttl", "hl", "rpfilter", "time"), READ),
    # Headers of IPv6 that nothing has which a connection sends.
    **dict.fromkeys(("hbh", "rt", "frag", "dst", "mh"), READ),
    **dict.fromkeys(("ah", "esp", "ipcomp", "policy", "ipv6header", "srh", "eui64", "mac", "realm"), UNKNOWN),
    **dict.fromkeys(("limit", "hashlimit", "quota", "statistic", "rateest", "recent", "nfacct"), UNKNOWN),
    **dict.fromkeys(("connbytes", "connlabel", "connlimit", "cluster", "helper", "ipvs"), UNKNOWN),
    **dict.fromkeys(("owner", "cgroup", "cpu", "devgroup", "physdev", "socket", "osf"), UNKNOWN),
    **dict.fromkeys(("bpf", "u32", "string", "length", "tcpmss", "tos", "dscp", "ecn"), UNKNOWN),
}

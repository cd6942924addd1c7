# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a random rule of nft asks of a packet: most of what the verdict understands."""

from __future__ import annotations

USERS = ("u1", "u2", "u3")
PORTS = (22, 53, 80, 443, 8080, 8443)
ADDRESSES = {
    4: ("203.0.113.5", "203.0.113.0/24", "198.51.100.9", "192.0.2.1", "10.0.0.0/8", "198.51.100.1-203.0.113.4"),
    6: (
        "2001:db8:bad::5",
        "2001:db8:bad::/48",
        "2001:db8:f::9",
        "2001:db8::1",
        "fd00::/8",
        "2001:db8:a::-2001:db8:baf::",
    ),
}
SINGLE = {4: ("203.0.113.5", "198.51.100.9", "192.0.2.1"), 6: ("2001:db8:bad::5", "2001:db8:f::9", "2001:db8::1")}
OWN = {4: "192.0.2.2", 6: "2001:db8::2"}
ELSEWHERE = {4: "10.9.9.9", 6: "fd00::9"}
WORDS = {4: "ip", 6: "ip6"}
STATES = ("new", "established", "invalid", "untracked", "related", "new,established", "established,related")
MASKED = ("syn", "& (fin|syn|rst|ack) == syn", "ack", "& (syn|ack) == syn|ack", "rst")
FLAGS = (
    "syn",
    "== syn",
    "& (fin|syn|rst|ack) == syn",
    "ack",
    "& (syn|ack) == syn|ack",
    "!= ack",
    "rst",
    "{ syn, ack }",
)
FAMILIES = {"inet": (4, 6), "ip": (4,), "ip6": (6,), "netdev": (4, 6)}


class Matches:
    """Conditions in nft's words; ``certain`` ones ask nothing that no one can know beforehand."""

    def __init__(self, chance, family, name, certain):
        self.chance = chance
        self.family = family
        self.name = name
        self.certain = certain
        self.hook = ""
        self.versions = FAMILIES[family]

    def maybe(self, likely):
        return self.chance.random() < likely

    def tracks(self, hook):
        """Connection tracking knows nothing of what has not reached an IP version yet."""
        return self.family != "netdev" and hook != "ingress"

    def no(self, likely=0.2):
        return "!= " if self.maybe(likely) else ""

    def matches(self, version, protocol, outward, hook):
        if protocol == "th":
            yield f"meta l4proto {self.chance.choice(('{ tcp, udp }', 'tcp', 'udp', '6-17'))}"
        elif not protocol and self.maybe(0.3):
            yield f"meta l4proto {self.chance.choice(('{ tcp, udp }', 'tcp', '!= tcp', '6-17'))}"
        for likely, write in (
            (0.22, self.address),
            (0.12, self.interface),
            (0.2, self.state),
            (0.1, self.mark),
            (0.15, self.odd),
            (0.07 if protocol in ("tcp", "udp") and self.knows_ports() else 0, self.pair),
        ):
            if self.maybe(likely) and not (write == self.state and not self.tracks(hook)):
                yield write(version, protocol, outward)
        if protocol in ("tcp", "udp", "th") and self.maybe(0.8) and self.knows_ports():
            yield self.ports(protocol, outward)

    def address(self, version, _protocol, outward):
        side = "daddr" if outward != self.maybe(0.1) else "saddr"
        word, named = f"{WORDS[version]} {side}", f"@{self.chance.choice(('bad', 'one'))}{version}"
        addresses = [*ADDRESSES[version][:5], OWN[version]]
        listed = ", ".join(self.chance.sample((addresses[1], addresses[2], addresses[4]), 2))
        mask = {4: "& 255.255.0.0 == 203.0.0.0", 6: "& ffff:ffff:ffff:: == 2001:db8:bad::"}[version]
        return self.chance.choice(
            (
                f"{word} {self.no()}{self.chance.choice(addresses)}",
                f"{word} {self.no()}{self.chance.choice(ADDRESSES[version])}",
                f"{word} {self.no()}{named}",
                f"{word} {self.no()}{{ {listed} }}",
                f"{word} {mask}",
            )
        )

    def interface(self, _version, _protocol, outward):
        word = "o" if outward else "i"
        names = ('"eth0"', '"eth*"', '"lo"', '"eth1"', '{ "eth0", "eth1" }', '{ "lo", "eth7" }')
        return self.chance.choice(
            (
                f"{word}ifname {self.no()}{self.chance.choice(names)}",
                f"{word}if {self.no()}{self.chance.choice(('lo', 'eth0'))}",
            )
        )

    def state(self, _version, _protocol, _outward):
        return self.chance.choice(
            (
                f"ct state {self.chance.choice(STATES)}",
                f"ct state {self.chance.choice(STATES)}",
                f"ct state {self.no()}{{ established, new }}",
                f"ct state != {self.chance.choice(STATES[:5])}",
                f"ct direction {self.chance.choice(('original', 'reply'))}",
                f"ct status {self.no() if not self.certain else ''}dnat",
            )
        )

    def mark(self, _version, _protocol, _outward):
        key = self.chance.choice(("meta", "meta", "ct")) if self.family != "netdev" else "meta"
        value = self.chance.choice(("0", "1", "2", "& 1 == 1", "& 2 == 0", "3", "1-3", "{ 0, 2 }", "> 1", "& 0x3 != 0"))
        return f"{key} mark {self.no() if value[0] not in '&>' else ''}{value}"

    def odd(self, version, protocol, outward):
        known = [
            "meta mark < 99"
            if outward and self.certain
            else f"meta pkttype {self.no()}{self.chance.choice(('host', 'multicast', '{ host, broadcast }'))}",
            f"meta nfproto ipv{version}" if self.family == "inet" else "meta mark >= 0",
            f"meta protocol {WORDS[version]}" if self.family == "netdev" else "meta mark < 77",
            f"tcp flags {self.chance.choice(MASKED if self.certain else FLAGS)}"
            if protocol == "tcp"
            else "meta mark != 77",
            "ip frag-off & 0x1fff != 0" if version == 4 else "meta mark != 78",
        ]
        if not protocol:
            known.append(f"ip protocol {self.no()}tcp" if version == 4 else f"ip6 nexthdr {self.no()}{{ tcp, udp }}")
        if self.family != "netdev" and self.hook == "input":
            known.append(
                f"fib daddr type {self.no()}{self.chance.choice(('local', 'broadcast', '{ local, multicast }'))}"
            )
        hops = self.chance.choice(("> 3", "< 2", "1", "2-255"))
        unknown = [
            f"{'ip ttl' if version == 4 else 'ip6 hoplimit'} {hops}",
            "limit rate 1000/second burst 1000 packets",
            "numgen inc mod 2 0",
            "meta length > 60",
            "quota over 1 mbytes",
        ]
        return self.chance.choice(known if self.certain or self.maybe(0.7) else unknown)

    def pair(self, version, protocol, outward):
        side = "daddr" if outward else "saddr"
        port = "sport" if outward else "dport"
        protocol = "udp" if protocol == "udp" else "tcp"
        key = f"{WORDS[version]} {side} . {protocol} {port}"
        listed = ", ".join(f"{address} . {self.chance.choice(PORTS)}" for address in SINGLE[version])
        return f"{key} {self.no()}{self.chance.choice((f'@pair{version}', f'@span{version}', f'{{ {listed} }}'))}"

    def knows_ports(self):
        """Whether the port of a packet is known; packets of both directions pass the chains that others jump to."""
        return bool(self.hook) or not self.certain

    def ports(self, protocol, outward):
        side = "sport" if outward else "dport"
        if not self.certain and self.maybe(0.1):
            side = self.chance.choice(("sport", "dport"))
        port = self.chance.choice(PORTS)
        several = ", ".join(str(one) for one in sorted(self.chance.sample(PORTS, 3)))
        return f"{protocol} {side} " + self.chance.choice(
            (
                f"{self.no(0.1)}{port}",
                f"{self.no(0.1)}{port}",
                f"{self.no(0.1)}{port}-{port + self.chance.choice((1, 400, 8000))}",
                f"{self.no(0.1)}{{ {several}, 9000-9100 }}",
                f"{self.no(0.1)}@ports",
                self.chance.choice((f"> {port}", f"<= {port}", "& 1 == 1" if not self.certain else f">= {port}")),
            )
        )

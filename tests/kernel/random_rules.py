# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rulesets that nobody would write: every match and target that the verdict understands, in any order.

What stands for iptables is made here, what stands for nft in ``random_native``.
"""

from __future__ import annotations

import random

from random_native import make_script, make_unprintable
from random_sets import make_sets

MIXTURES = (
    ("nft",),
    ("iptables-nft",),
    ("nft", "iptables-nft"),
    ("nft",),
    ("iptables-legacy",),
    ("nft", "iptables-legacy"),
    ("iptables-nft", "iptables-legacy"),
    ("nft", "iptables-nft", "iptables-legacy"),
)
USERS = ("u1", "u2", "u3")
PORTS = (22, 53, 80, 443, 8080, 8443)
BLOCKS = {
    4: ("203.0.113.5/32", "203.0.113.0/24", "198.51.100.9", "192.0.2.1", "10.0.0.0/8", "0.0.0.0/0"),
    6: ("2001:db8:bad::5/128", "2001:db8:bad::/48", "2001:db8:f::9", "2001:db8::1", "fd00::/8", "::/0"),
}
RANGES = {4: "198.51.100.1-203.0.113.4", 6: "2001:db8:a::-2001:db8:baf::"}
ELSEWHERE = {4: "10.9.9.9:443", 6: "[fd00::9]:443"}
OWN = {4: "192.0.2.2", 6: "2001:db8::2"}
STATES = (
    "NEW",
    "ESTABLISHED",
    "INVALID",
    "UNTRACKED",
    "NEW,ESTABLISHED",
    "RELATED,ESTABLISHED",
    "DNAT",
    "INVALID,UNTRACKED",
)
FLAGS = ("SYN,ACK SYN", "FIN,SYN,RST,ACK SYN", "ACK ACK", "SYN,ACK SYN,ACK", "FIN,SYN,RST,PSH,ACK,URG NONE", "RST RST")
CHAINS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING",),
    "filter": ("INPUT", "OUTPUT", *USERS),
    "security": ("INPUT", "OUTPUT"),
}
CT = ("CT --notrack", "CT --ctevents new", "CT --zone 7")
DEAD = 9  # nobody listens there
LIKELY = {"raw": 0.3, "mangle": 0.35, "nat": 0.35, "filter": 1.0, "security": 0.1}


def make_ruleset(seed):
    """Returns restore texts by (frontend, family) and a script for nft by that name, the same for the same seed.

    Rules of iptables name sets, which come first. Sets that rules fill are keyed by source and port, as one connection
    would else decide about another; NAT would change that key.
    """
    chance = random.Random(seed)
    rules = {}
    mixture = MIXTURES[seed % len(MIXTURES)]
    script, sets = make_sets(random.Random(f"sets {seed}"))
    if mixture != ("nft",):
        rules["ipset"] = script
    fills = "nft" not in mixture and seed % 5 < 2
    for frontend in chance.sample(mixture, len(mixture)):
        if frontend == "nft":
            rules["nft"] = make_script(chance, is_certain(seed))
        else:
            rules.update({(frontend, family): _Text(chance, family, sets[family], fills).write() for family in (4, 6)})
    return rules


def make_hidden(seed):
    """Returns input of nft that hides a table from iptables-save; empty for most, and for rulesets without such."""
    has_tables = "iptables-nft" in MIXTURES[seed % len(MIXTURES)]
    return make_unprintable(random.Random(-1 - seed)) if has_tables and seed % 3 == 0 else ""


def is_certain(seed):
    """Tells whether all that the ruleset asks can be known beforehand."""
    return seed % len(MIXTURES) == 0


class _Text:
    """One family's tables for one frontend."""

    def __init__(self, chance, family, sets, fills):
        self.chance = chance
        self.family = family
        self.sets = sets
        self.fills = fills

    def maybe(self, likely):
        return self.chance.random() < likely

    def no(self, likely=0.2):
        return "! " if self.maybe(likely) else ""

    def write(self):
        lines = []
        for table, chains in CHAINS.items():
            if self.maybe(LIKELY[table]) and not (table == "nat" and self.fills):
                lines += [f"*{table}", *self.declare(table, chains)]
                for chain in chains:
                    lines += self.rules(table, chain)
                lines.append("COMMIT")
        return "\n".join(lines) + "\n"

    def declare(self, table, chains):
        drop = {("filter", "INPUT"): 0.4, ("filter", "OUTPUT"): 0.15}
        return [
            f":{chain} -"
            if chain in USERS
            else f":{chain} {'DROP' if self.maybe(drop.get((table, chain), 0)) else 'ACCEPT'}"
            for chain in chains
        ]

    def rules(self, table, chain):
        if table == "filter" and chain in ("INPUT", "OUTPUT"):
            if self.family == 6 and self.maybe(0.85):
                yield f"-A {chain} -p ipv6-icmp -j ACCEPT"
            if self.maybe(0.6):
                yield f"-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        for _rule in range(self.chance.randint(1, 6 if chain == "INPUT" else 3)):
            protocol = self.chance.choice(("tcp", "tcp", "tcp", "udp", "udp", "", "! tcp"))
            target = self.target(table, chain, protocol)
            yield " ".join(("-A", chain, *self.matches(chain, protocol), *target))

    def matches(self, chain, protocol):
        outward = chain in ("OUTPUT", "POSTROUTING")
        if protocol:
            yield "! -p tcp" if protocol == "! tcp" else f"-p {protocol}"
        for likely, write in (
            (0.2, self.address),
            (0.15, self.interface),
            (0.25, self.state),
            (0.1, self.mark),
            (0.1, self.odd),
            (0.2, self.set),
        ):
            if self.maybe(likely):
                yield write(outward)

    def address(self, outward):
        side, blocks = ("-d", "dst") if outward else ("-s", "src"), BLOCKS[self.family]
        kind = self.chance.random()
        if kind < 0.15:
            return f"-m iprange {self.no()}--{side[1]}-range {RANGES[self.family]}"
        option, block = side[0], self.chance.choice(blocks)
        if kind < 0.3:
            option, block = "-s" if outward else "-d", self.chance.choice((OWN[self.family], *blocks))
        return f"{'' if block.endswith('/0') else self.no()}{option} {block}"  # iptables refuses none at all

    def interface(self, outward):
        return f"{self.no()}{'-o' if outward else '-i'} {self.chance.choice(('eth0', 'eth+', 'lo', 'eth1', 'e+'))}"

    def state(self, _outward):
        return f"-m conntrack {self.no()}--ctstate {self.chance.choice(STATES)}"

    def mark(self, _outward):
        kind = self.chance.choice(("mark", "mark", "connmark"))
        return f"-m {kind} {self.no()}--mark {self.chance.choice(('0', '1', '2', '0x1/0x1', '0x0/0x2', '0x3'))}"

    def odd(self, outward):
        hops = "-m ttl --ttl" if self.family == 4 else "-m hl --hl"
        side = "dst" if outward else "src"
        return self.chance.choice(
            (
                f"{hops}-gt 3",
                f"{hops}-lt 2",
                "-m pkttype --pkt-type multicast",
                f"-m pkttype {self.no()}--pkt-type unicast",
                f"-m addrtype --{side}-type UNICAST",
                f"-m addrtype {self.no()}--dst-type LOCAL",
                "-m limit --limit 1000/sec --limit-burst 1000",
                "-m statistic --mode nth --every 2 --packet 0",
                '-m comment --comment "a \\" -j DROP \\\\ b"',
            )
        )

    def set(self, outward):
        """Mostly with the directions that make sense; with too few, nobody is in a set."""
        name, inward = self.chance.choice(self.sets)
        turned = ",".join("src" if one == "dst" else "dst" for one in inward.split(","))
        directions = turned if outward != self.maybe(0.1) else inward
        if self.maybe(0.05):
            directions = directions.split(",")[0]
        more = self.chance.choice((" --return-nomatch", " ! --update-counters", "", "", "", "", ""))
        return f"-m set {self.no()}--match-set {name} {directions}{more}"

    def ports(self, chain, protocol):
        side = self.chance.choice(("--sport", "--dport")) if self.maybe(0.1) else ""
        side = side or ("--sport" if chain in ("OUTPUT", "POSTROUTING") else "--dport")
        port = self.chance.choice(PORTS)
        kind = self.chance.random()
        if kind < 0.55:
            return f"{self.no(0.1)}{side} {port}"
        if kind < 0.7:
            return f"{self.no(0.1)}{side} {port}:{port + self.chance.choice((1, 400, 8000))}"
        if kind < 0.9:
            several = ",".join(str(one) for one in sorted(self.chance.sample(PORTS, 3)))
            option = self.chance.choice((side + "s", side + "s", "--ports"))
            return f"-m multiport {self.no(0.1)}{option} {several},9000:9100"
        return f"{self.no()}--tcp-flags {self.chance.choice(FLAGS)}" if protocol == "tcp" else f"{side} {port}"

    def target(self, table, chain, protocol):
        """The rest of a rule: ports where there is a protocol, then what happens."""
        words = [self.ports(chain, protocol)] if protocol in ("tcp", "udp") and self.maybe(0.8) else []
        if protocol == "tcp" and self.maybe(0.06) and "--tcp-flags" not in " ".join(words):
            words.append("--syn")
        return (*words, "-j", self.verdict(table, chain, protocol)) if self.maybe(0.97) else tuple(words)

    def verdict(self, table, chain, protocol):
        choices = {
            "raw": ["NOTRACK", "ACCEPT", "DROP", "TRACE", *CT, *self.filling(chain)],
            "mangle": ["ACCEPT", "RETURN", "DROP", *self.marks(), *self.marks(), *self.changes(), *self.filling(chain)],
            "nat": ["ACCEPT", "RETURN", *self.translations(protocol), *self.marks()],
            "security": ["ACCEPT", "ACCEPT", "DROP"],
            "filter": ["ACCEPT"] * 8
            + ["DROP"] * 4
            + ["REJECT", "RETURN", "LOG", self.chance.choice(self.marks()), *self.filling(chain), *self.jumps(chain)],
        }
        return self.chance.choice(choices[table])

    def marks(self):
        return (
            f"MARK --set-xmark {self.chance.choice(('0x1/0x1', '0x3/0xffffffff', '0x0/0x1', '0x2/0xff'))}",
            f"CONNMARK --set-xmark {self.chance.choice(('0x1/0xffffffff', '0x2/0x2'))}",
            "CONNMARK --save-mark",
            "CONNMARK --restore-mark",
        )

    def changes(self):
        hops = self.chance.choice(("TTL --ttl-set 64", "TTL --ttl-inc 1")) if self.family == 4 else "HL --hl-set 255"
        return (
            hops,
            "DSCP --set-dscp 0x05",
            "TOS --set-tos 0x10",
            "HMARK --hmark-tuple src --hmark-mod 2 --hmark-rnd 1",
        )

    def filling(self, chain):
        if not self.fills or chain in USERS:
            return ()
        ends = "dst,src" if chain in ("OUTPUT", "POSTROUTING") else "src,dst"
        return tuple(f"SET --{what}-set seen{self.family} {ends}" for what in ("add", "del", "add"))

    def translations(self, protocol):
        if protocol not in ("tcp", "udp"):
            return ["REDIRECT"]
        own = OWN[self.family]
        own = f"[{own}]:8443" if self.family == 6 else f"{own}:8443"
        return ["REDIRECT --to-ports 8443", "REDIRECT --to-ports 8080", f"DNAT --to-destination {own}"] * 2 + [
            f"DNAT --to-destination {ELSEWHERE[self.family]}",
            f"REDIRECT --to-ports {DEAD}",
        ]

    def jumps(self, chain):
        below = USERS[USERS.index(chain) + 1 :] if chain in USERS else USERS
        return [user for user in below for _weight in range(3)]

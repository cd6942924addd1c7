# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random sets of ipset, and packets that are in them or not: of MAC addresses and lists in rulesets alone."""

from __future__ import annotations

import functools
import ipaddress
import subprocess

from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet

KINDS = (
    "bitmap:ip",
    "bitmap:port",
    "hash:ip",
    "hash:net",
    "hash:ip,port",
    "hash:net,port",
    "hash:ip,port,ip",
    "hash:ip,port,net",
    "hash:net,iface",
    "hash:net,net",
    "hash:net,port,net",
    "hash:ip,mark",
)
# For the laboratory: sets of each type that hold nobody, some of the peers, or an eighth of all addresses and more.
PEERS = {4: ("203.0.113.5", "198.51.100.9", "192.0.2.1"), 6: ("2001:db8:bad::5", "2001:db8:f::9", "2001:db8::1")}
BLOCKS = {
    4: ("203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8", "192.0.2.0/24"),
    6: ("2001:db8:bad::/48", "2001:db8:f::/48", "fd00::/8", "2001:db8::/64"),
}
WIDE = {
    4: ("0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "96.0.0.0/3"),
    6: ("::/1", "8000::/1", "2000::/3"),
}
OWN = {4: "192.0.2.2", 6: "2001:db8::2"}
MAC = "02:00:00:00:00:99"
SERVED = ("tcp:443", "tcp:80", "tcp:22", "udp:443", "udp:53", "tcp:8443")
SOURCES = {4: "10.1.0.0", 6: "2001:db8:1::"}
TARGETS = {4: "10.2.0.0", 6: "2001:db8:2::"}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
ECHO = {"icmp": (8, 0), "icmpv6": (128, 0)}
DIRECTIONS = {"port": "dst", "iface": "src", "mark": "src"}
FULL = {4: 32, 6: 128}


class RandomSet:
    """A set by the name of its type; ``directions`` are those that a rule gives, ``script`` makes it."""

    def __init__(self, chance, kind, family):
        self.chance = chance
        self.family = 4 if kind.startswith("bitmap") else family
        self.parts = kind.partition(":")[2].split(",")
        self.name = kind.replace(":", "-").replace(",", "-")
        self.prefix = FULL[self.family]
        chosen = [
            DIRECTIONS.get(part, "dst" if place == len(self.parts) - 1 and place else "src")
            for place, part in enumerate(self.parts)
        ]
        self.directions = ",".join(chosen)
        self.header = self._header(kind)
        self.made = [self._element() for _number in range(chance.choice((0, 3, 12, 40)))]
        self.vague = any(line.endswith("nomatch") for line in self.made) and (
            self.parts.count("net") > 1 or "iface" in self.parts
        )

    @property
    def script(self):
        """What ``ipset restore`` is given."""
        return f"create {self.name} {self.header}\n" + "".join(f"add -exist {self.name} {line}\n" for line in self.made)

    def _header(self, kind):
        options = self.chance.choice(("", " counters", " timeout 600", " comment"))
        if kind.startswith("bitmap"):
            return kind + {"ip": " range 10.1.0.0-10.1.0.255", "port": " range 0-1023"}[self.parts[0]] + options
        if kind == "hash:ip" and self.chance.random() < 0.4:
            self.prefix -= 3
            options += f" netmask {self.prefix}"
        if kind == "hash:ip,mark" and self.chance.random() < 0.4:
            options += " markmask 0x3"
        return f"{kind} family inet{6 if self.family == 6 else ''}{options}"

    def _address(self, place):
        """One of 32, those of the second dimension others than those of the first."""
        base = (TARGETS if place else SOURCES)[self.family]
        return ipaddress.ip_address(int(ipaddress.ip_address(base)) + 1 + self.chance.randrange(31))

    def _network(self, place):
        length = FULL[self.family] - self.chance.choice((0, 0, 1, 2, 3, 4, 8))
        return ipaddress.ip_network((self._address(place), length), strict=False)

    def _port(self):
        if self.parts == ["port"]:
            return str(self.chance.choice((22, 80, 443)))
        echo = {4: "icmp", 6: "icmpv6"}[self.family]
        protocol = self.chance.choice(("tcp", "tcp", "udp", echo))
        return f"{protocol}:{'echo-request' if protocol == echo else self.chance.choice((80, 443, 444))}"

    def _element(self):
        words, after = [], ""
        for place, part in enumerate(self.parts):
            words.append(self._part(place, part))
            wild = part == "iface" and self.chance.random() < 0.2
            words[-1], after = ("et", " wildcard") if wild else (words[-1], after)
        if "net" in self.parts and not after and self.chance.random() < 0.25:
            after = " nomatch"
        return ",".join(words) + after

    def _part(self, place, part):
        if part == "net":
            return str(self._network(place))
        makes = {
            "ip": lambda: str(self._address(place)),
            "port": self._port,
            "iface": self._interface,
            "mark": self._mark,
        }
        return makes[part]()

    def _interface(self):
        return self.chance.choice(("eth0", "eth1", "wg0"))

    def _mark(self):
        return hex(self.chance.randrange(8))

    def probes(self, count):
        """Yields words for ``ipset test``, and the packets that they stand for."""
        for _number in range(count):
            words, fields = [], {"protocol": 6}
            for place, part in enumerate(self.parts):
                word = self._part(place, "ip" if part == "net" else part)
                words.append(word)
                fields.update(self._fields(place, part, word))
            yield ",".join(words), Packet(self.family, **fields)

    def _fields(self, place, part, word):
        if part in ("ip", "net"):
            number = int(ipaddress.ip_address(word))
            return {"destination" if place else "source": ((number, number),)}
        if part == "port":
            protocol, _colon, port = word.rpartition(":")
            if protocol in ECHO:
                return {"protocol": NUMBERS[protocol], "icmp": ECHO[protocol]}
            return {"protocol": NUMBERS.get(protocol, 6), "dport": (int(port), int(port))}
        return {"in_interface": word} if part == "iface" else {"mark": int(word, 16)}


def make_sets(chance):
    """Returns what ``ipset restore`` is given, and by IP version names and the directions of what comes in.

    ``seen4`` and ``seen6`` are empty: rules fill them. Types that this kernel lacks are left out.
    """
    lines, names = [], {4: [], 6: []}
    for family in (4, 6):
        for kind, directions, write in _WRITERS:
            name = f"{kind.partition(':')[2].replace(',', '')}{family}"
            if family == 6 and kind.startswith("bitmap:ip"):
                continue
            elements = dict.fromkeys(write(chance, family))
            ranges = {"bitmap:port": " range 0-65535", "bitmap:ip": " range 203.0.113.0/24"}
            extra = ranges.get(kind.partition(",")[0], "")
            if not has_kind(kind, extra):
                continue
            has_family = not kind.startswith(("bitmap", "list", "hash:mac"))
            inet = f" family inet{'6' if family == 6 else ''}" if has_family else ""
            name = f"b{name}" if kind.startswith("bitmap") else name
            option = chance.choice(("", " counters", " timeout 900")) if not kind.startswith("list") else ""
            lines.append(f"create {name} {kind}{inet}{extra}{option}")
            lines += [f"add -exist {name} {element}" for element in elements]
            names[family].append((name, directions))
        lines.append(f"create seen{family} hash:ip,port family inet{'6' if family == 6 else ''}")
        names[family] += [(f"seen{family}", "src,dst")] * 2
    return "\n".join(lines) + "\n", names


@functools.lru_cache(maxsize=None)
def has_kind(kind, extra):
    """Tells whether this kernel has a type of sets: each is a module of its own, and some kernels lack some."""
    made = subprocess.run(("ipset", "create", "tried", kind, *extra.split()), capture_output=True, check=False)
    subprocess.run(("ipset", "destroy", "tried"), capture_output=True, check=False)
    return made.returncode == 0


def _some(chance, things, most=3):
    return chance.sample(things, chance.randint(0, min(most, len(things))))


def _nets(chance, family):
    """Prefixes of peers, and of all addresses; some are exceptions."""
    wide = _some(chance, WIDE[family], 2) if chance.random() < 0.3 else []
    inner = [*_some(chance, BLOCKS[family]), *_some(chance, PEERS[family], 1)]
    return [*wide, *(one + chance.choice(("", "", "", " nomatch")) for one in inner)]


def _with(chance, net, *parts):
    """A prefix with the other dimensions behind it, and its exception behind these."""
    prefix, space, flag = net.partition(" ")
    return ",".join((prefix, *parts)) + space + flag


def _pairs(things):
    def write(chance, family):
        return [f"{one},{chance.choice(SERVED)}" for one in things(chance, family)]

    return write


_WRITERS = (
    ("hash:ip", "src", lambda chance, family: _some(chance, PEERS[family])),
    ("hash:net", "src", _nets),
    ("bitmap:ip", "src", lambda chance, _family: _some(chance, ("203.0.113.5", "203.0.113.8", "203.0.113.0/29"))),
    ("bitmap:port", "dst", lambda chance, _family: _some(chance, ("22", "53", "80-443", "443", "8443", "10000-61000"))),
    ("hash:ip,port", "src,dst", _pairs(lambda chance, family: _some(chance, PEERS[family]))),
    (
        "hash:net,port",
        "src,dst",
        lambda chance, family: [_with(chance, net, chance.choice(SERVED)) for net in _nets(chance, family)],
    ),
    (
        "hash:ip,port,ip",
        "src,dst,dst",
        lambda chance, family: [f"{one},{chance.choice(SERVED)},{OWN[family]}" for one in _some(chance, PEERS[family])],
    ),
    (
        "hash:ip,port,net",
        "dst,dst,src",
        lambda chance, family: [
            _with(chance, f"{OWN[family]},{chance.choice(SERVED)},{net}") for net in _nets(chance, family)
        ],
    ),
    (
        "hash:net,iface",
        "src,src",
        lambda chance, family: [
            _with(chance, net, chance.choice(("eth0", "eth0", "eth1", "lo"))) for net in _nets(chance, family)
        ],
    ),
    (
        "hash:net,net",
        "src,dst",
        lambda chance, family: [_with(chance, net, OWN[family]) for net in _nets(chance, family)],
    ),
    (
        "hash:net,port,net",
        "src,dst,dst",
        lambda chance, family: [
            _with(chance, net, chance.choice(SERVED), OWN[family]) for net in _nets(chance, family)
        ],
    ),
    (
        "hash:ip,mark",
        "src,src",
        lambda chance, family: [f"{one},{chance.choice(('0', '1', '3'))}" for one in _some(chance, PEERS[family])],
    ),
    # Nobody has these addresses of Ethernet; a verdict that knows only IP does not know that.
    ("hash:mac", "src", lambda chance, _family: _some(chance, (MAC,))),
    ("hash:ip,mac", "src,src", lambda chance, family: [f"{one},{MAC}" for one in _some(chance, PEERS[family])]),
    ("bitmap:ip,mac", "src,src", lambda chance, _family: _some(chance, (f"203.0.113.5,{MAC}", f"203.0.113.8,{MAC}"))),
    (
        "list:set",
        "src,dst",
        lambda chance, family: _some(chance, [f"{name}{family}" for name in ("ip", "net", "ipport", "netport")], 2),
    ),
)

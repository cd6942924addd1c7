# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random sets of ipset, of each type but those of MAC addresses and lists, and packets that are in them or not."""

from __future__ import annotations

import ipaddress

from ansible_collections.port443.https.plugins.module_utils._packet import Packet

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

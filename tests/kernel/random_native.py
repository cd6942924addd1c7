# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts for nft that nobody would write: sets, maps, every hook and most of what the verdict understands."""

from __future__ import annotations

from random_matches import ADDRESSES, ELSEWHERE, OWN, PORTS, SINGLE, USERS, WORDS, Matches

# Type, hook, priorities, how likely a table has it, whether it names its device.
BASES = (
    ("filter", "ingress", (-10, 0), 0.12),
    ("filter", "prerouting", (-300, -150, -100, -50, 0), 0.35),
    ("nat", "prerouting", (-100, -90, -5), 0.35),
    ("filter", "input", (-10, 0, 5), 0.8),
    ("filter", "input", (0, 20), 0.3),
    ("filter", "output", (-300, -150, 0, 10), 0.4),
    ("route", "output", (-150,), 0.1),
    ("filter", "postrouting", (0, 300), 0.15),
    ("nat", "postrouting", (100,), 0.1),
)


def make_script(chance, certain):
    """Returns a script for nft; a ``certain`` one asks nothing that no one can know beforehand."""
    families = chance.choice((("inet",), ("inet", "inet"), ("ip", "ip6"), ("inet", "ip"), ("inet", "ip6", "netdev")))
    return "".join(_Table(chance, family, f"t{number}", certain).write() for number, family in enumerate(families))


# Expressions that iptables-save 1.8.7 to 1.8.11 prints nothing of: it leaves the whole table out, or stops amid it.
_UNPRINTABLE = (
    "ct state {state} {end}",
    "fib daddr type local {end}",
    'iifname "eth0" ct state {state} counter {end}',
    "meta l4proto tcp ct mark 1 {end}",
    "tcp dport {port} ct state {state} log {end}",
    "tcp dport {port} reject",
    "meta length 500 counter {end}",
    "{version} version 4 {end}",
)


def make_unprintable(chance):
    """Returns the commands that put a rule which iptables-save cannot print into the table filter of an IP version."""
    family = chance.choice(("ip", "ip6"))
    rule = chance.choice(_UNPRINTABLE).format(
        state=chance.choice(("new", "established", "invalid", "new,established")),
        end=chance.choice(("accept", "drop", "counter", "return")),
        port=chance.choice(PORTS),
        version=family,
    )
    return (
        f"{chance.choice(('insert', 'add'))} rule {family} filter {chance.choice(('INPUT', 'OUTPUT', *USERS))} {rule}\n"
    )


class _Table(Matches):
    """One table: its sets, its chains that others jump to, its base chains."""

    def write(self):
        lines = [f"table {self.family} {self.name} {{", *self.sets()]
        for number, user in enumerate(USERS):
            lines += [f"chain {user} {{", *self.rules("filter", "", USERS[:number], 3), "}"]
        if self.family == "netdev":
            bases = [("filter", "ingress", (-20, 0, 20), 1.0), ("filter", "ingress", (-20, 0, 20), 0.3)]
        else:
            bases = [base for base in BASES if self.family == "inet" or base[1] != "ingress"]
        for number, (kind, hook, priorities, likely) in enumerate(bases):
            if self.maybe(likely):
                if kind == "filter" and self.certain:
                    priorities = tuple(one for one in priorities if one != -100)  # who comes first there cannot be seen
                lines += self.base(f"b{number}", kind, hook, self.chance.choice(priorities))
        return "\n".join([*lines, "}", ""])

    def sets(self):
        for version in self.versions:
            kind = f"ipv{version}_addr"
            yield self.set_of(
                f"bad{version}", kind, "interval", self.some(ADDRESSES[version][:2], ADDRESSES[version][3:5])
            )
            yield self.set_of(f"one{version}", kind, "", self.some(SINGLE[version]))
            pairs = [f"{address} . {port}" for address in self.some(SINGLE[version]) for port in self.some(PORTS[1:4])]
            yield self.set_of(f"pair{version}", f"{kind} . inet_service", "", pairs)
            spans = [
                f"{ADDRESSES[version][number]} . {port}" for number in (1, 3) for port in ("80-443", "22", "8000-9000")
            ]
            yield self.set_of(f"span{version}", f"{kind} . inet_service", "interval", self.some(spans))
        yield self.set_of("ports", "inet_service", "interval", self.some(("22", "53", "80-443", "8443", "8000-8100")))
        verdicts = ["accept", "drop", "return", "continue"]
        mapped = [f"{port} : {self.chance.choice(verdicts)}" for port in self.some(PORTS)]
        yield self.set_of("verdicts", "inet_service : verdict", "", mapped, "map")

    def some(self, *groups):
        return [str(self.chance.choice(group)) for group in groups] if len(groups) > 1 else self.sample(groups[0])

    def sample(self, things):
        return [str(one) for one in self.chance.sample(list(things), self.chance.randint(0, min(3, len(things))))]

    def set_of(self, name, kind, flags, elements, word="set"):
        flags = f"flags {flags};" if flags else ""
        held = f"elements = {{ {', '.join(elements)} }};" if elements else ""
        return f"{word} {name} {{ type {kind}; {flags} {held} }}"

    def base(self, name, kind, hook, priority):
        likely = {"input": 0.4, "output": 0.15, "ingress": 0.1, "prerouting": 0.05}.get(hook, 0)
        policy = "drop" if kind == "filter" and self.maybe(likely) else "accept"
        device = " device eth0" if hook == "ingress" else ""
        yield f"chain {name} {{"
        yield f"type {kind} hook {hook}{device} priority {priority}; policy {policy};"
        if kind == "filter":
            if self.maybe(0.85) and 6 in self.versions:
                yield "meta l4proto ipv6-icmp accept"
            if self.family == "netdev" and self.maybe(0.85):
                yield "meta protocol arp accept"
            if hook in ("input", "output") and self.maybe(0.6):
                yield self.chance.choice(
                    ("ct state established,related accept", "ct state vmap { established : accept, invalid : drop }")
                )
        yield from self.rules(kind, hook, USERS if kind == "filter" and hook != "ingress" else (), 6)
        yield "}"

    def rules(self, kind, hook, users, most):
        for _rule in range(self.chance.randint(1, most)):
            yield self.rule(kind, hook, users)

    def rule(self, kind, hook, users):
        version = self.chance.choice(self.versions)
        protocol = self.chance.choice(("tcp", "tcp", "tcp", "udp", "udp", "", "th"))
        outward = hook in ("output", "postrouting") or (not hook and self.maybe(0.3))
        self.hook = hook
        words = []
        if kind == "nat" and hook == "prerouting":
            needs = f"meta l4proto {protocol}" if protocol in ("tcp", "udp") else ""
            asked = " ".join(self.matches(version, protocol, outward, hook))
            return f"{needs} {asked} {self.translation(version, protocol)}"
        words += self.matches(version, protocol, outward, hook)
        if protocol in ("tcp", "udp", "th") and self.maybe(0.12) and self.knows_ports():
            return " ".join([*words, self.verdict_map(protocol, outward, users)])
        if self.maybe(0.12):
            words.append(self.change(hook))
        if self.maybe(0.1):
            words.append(self.chance.choice(("counter", 'log prefix "x "', "counter packets 3 bytes 4")))
        if hook == "postrouting" and kind == "nat":
            return " ".join([*words, "masquerade" if self.maybe(0.3) else "accept"])
        return " ".join([*words, self.verdict(hook, users)] if self.maybe(0.95) else [*words, "counter"])

    def verdict_map(self, protocol, outward, users):
        side = "sport" if outward else "dport"
        targets = ["accept", "drop", "continue", "return", *(f"jump {user}" for user in users)]
        chosen = sorted(self.chance.sample(PORTS, 3))
        listed = ", ".join(f"{port} : {self.chance.choice(targets)}" for port in chosen)
        catch_all = self.chance.choice(("", "", ", * : accept", ", * : drop"))
        kind = self.chance.random()
        if kind < 0.2:
            return f"{protocol} {side} vmap @verdicts"
        if kind < 0.4:
            return f"meta mark vmap {{ 0 : {self.chance.choice(targets)}, 1 : {self.chance.choice(targets)} }}"
        return f"{protocol} {side} vmap {{ {listed}{catch_all} }}"

    def change(self, hook):
        marks = [
            "meta mark set 1",
            "meta mark set 0x3",
            "meta mark set meta mark | 0x2",
            "meta mark set meta mark & 0x1",
        ]
        if not self.tracks(hook):
            return self.chance.choice(marks)
        of_connection = ["ct mark set 2", "ct mark set meta mark", "meta mark set ct mark", "ct mark set ct mark | 1"]
        notrack = ["notrack"] if hook in ("prerouting", "output") and self.maybe(0.5) else []
        return self.chance.choice([*marks, *of_connection, *notrack])

    def translation(self, version, protocol):
        if protocol not in ("tcp", "udp") or self.maybe(0.2):
            return self.chance.choice(("accept", "return", "meta mark set 1"))
        word = f"dnat {WORDS[version]} to " if self.family == "inet" else "dnat to "
        own = f"{OWN[version]}:8443" if version == 4 else f"[{OWN[version]}]:8443"
        far = f"{ELSEWHERE[version]}:443" if version == 4 else f"[{ELSEWHERE[version]}]:443"
        return self.chance.choice(
            (
                "redirect to :8443",
                "redirect to :8080",
                *(() if self.certain else ("redirect to :9",)),
                f"redirect to :{protocol} dport map {{ 443 : 8443, 80 : 8080 }}",
                word + own,
                word + own,
                word + (own if self.certain else far),
            )
        )

    def verdict(self, hook, users):
        reject = ["reject"] if hook in ("input", "output") else ["drop"]
        return self.chance.choice(
            ["accept"] * 8
            + ["drop"] * 4
            + reject
            + ["return", "continue"]
            + [f"jump {user}" for user in users for _w in "12"]
            + [f"goto {user}" for user in users]
        )

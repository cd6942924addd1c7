# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules a throw-away host has before anybody opens a port."""

from __future__ import annotations

import ipaddress
import random

_ICMP = {4: "icmp", 6: "ipv6-icmp"}
_BLOCKS = {4: int(ipaddress.ip_address("198.18.0.0")), 6: int(ipaddress.ip_address("2001:db8::"))}


def default_drop(version: int) -> str:
    """Returns a filter table that drops all but ssh, as text for the restore tool of that IP version."""
    return _table(version, (), ())


def default_drop_nft() -> str:
    """Returns a file for nft that drops all but ssh over both IP versions."""
    return """\
#!/usr/sbin/nft -f

flush ruleset

table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept
    }
}
"""


def with_blocklists(version: int, count: int) -> str:
    """Returns ``default_drop`` with ``count`` rules of others: bans in a chain and in INPUT, forwarded services.

    Always the same rules for the same arguments.
    """
    chance = random.Random(version)
    listed = count * 6 // 10
    forwarded = count // 10
    chains = (
        *(f"-A blocklist -s {_source(version, chance)} -j DROP" for _rule in range(listed)),
        *(_service(version, chance) for _rule in range(forwarded)),
    )
    direct = [_ban(version, chance) for _rule in range(count - listed - forwarded)]
    return _table(version, direct, chains)


def _table(version: int, bans: tuple[str, ...] | list[str], chains: tuple[str, ...]) -> str:
    declared = (":blocklist - [0:0]", ":services - [0:0]") if chains else ()
    lines = (
        "*filter",
        *(":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"),
        *declared,
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-A INPUT -p {_ICMP[version]} -j ACCEPT",
        *(("-A INPUT -j blocklist", "-A FORWARD -j services") if chains else ()),
        *bans,
        "-A INPUT -p tcp --dport 22 -j ACCEPT",
        *chains,
        "COMMIT",
    )
    return "\n".join(lines) + "\n"


def _source(version: int, chance: random.Random) -> str:
    """Networks kept for benchmarks and documentation (RFC 2544, RFC 3849), single addresses mostly."""
    bits, rest = (32, 17) if version == 4 else (128, 96)
    length = bits if chance.random() < 0.8 else bits - 8
    number = _BLOCKS[version] + (chance.getrandbits(rest) >> (bits - length) << (bits - length))
    return f"{ipaddress.ip_address(number)}/{length}"


def _ban(version: int, chance: random.Random) -> str:
    source = _source(version, chance)
    port = chance.randrange(1024, 65536)
    return chance.choice(
        (
            f"-A INPUT -s {source} -j DROP",
            f"-A INPUT -s {source} -p tcp -m multiport --dports 25,{port} -j REJECT",
            f'-A INPUT -s {source} -p tcp --dport {port} -m comment --comment "monitor {port}" -j ACCEPT',
        )
    )


def _service(version: int, chance: random.Random) -> str:
    port = chance.randrange(1024, 65536)
    return f"-A services -d {_source(version, chance)} -p tcp --dport {port} -m conntrack --ctstate NEW -j ACCEPT"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests of the nftables backend share: a firewall as people write it, and how nft lists what is there."""

from __future__ import annotations

from rooted import tool

CONF = "/etc/nftables.conf"
FIREWALL = """#!/usr/sbin/nft -f

flush ruleset

table inet filter {
\tset banned {
\t\ttype ipv4_addr
\t\telements = { 203.0.113.5 }
\t}

\tchain input {
\t\ttype filter hook input priority filter; policy accept;
\t\tip saddr @banned drop
\t\tct state vmap { established : accept, related : accept, invalid : drop }
\t\tiifname "lo" accept
\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
\t\ttcp dport 22 accept # ssh
\t\t# and nothing else
\t\tlog prefix "in: " counter
\t\tcounter reject with icmpx type admin-prohibited
\t}

\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
"""


def listed():
    """The ruleset with handles, counters left out."""
    return tool("nft", "--stateless", "--handle", "list", "ruleset")


def nft(script):
    """Gives a script to nft."""
    return tool("nft", "-f", "-", stdin=script)


def lines_of(chain, table="inet filter"):
    """The rules of a chain as nft lists them."""
    text = tool("nft", "--stateless", "list", "chain", *table.split(), chain)
    lines = [line.strip() for line in text.splitlines()[2:-2]]
    return [line for line in lines if not line.startswith("type ")]


def verdicts(result):
    """The verdicts of a run by port, protocol and family."""
    return {(line.port, line.protocol, line.family): line.verdict for line in result.effective}


ALL_OPEN = {(port, "tcp", family): "open" for port in ("80", "443") for family in ("ipv4", "ipv6")}


ESTABLISHED = "ct state established,related accept"


def filter_of(table, chain="input", policy="drop", rules=(), priority="0", hook="input"):
    """A table with one base chain."""
    body = "".join(f"\t\t{rule}\n" for rule in rules)
    head = f"type filter hook {hook} priority {priority}; policy {policy};"
    return f"table {table} {{\n\tchain {chain} {{\n\t\t{head}\n{body}\t}}\n}}\n"


WANTS = "nftables"


def text_of(host, path=CONF):
    """A file of the host."""
    return (host.root / path.lstrip("/")).read_text(encoding="utf-8")


def saved(host, text=FIREWALL, path=CONF):
    """A host that has loaded that file, as it does at boot."""
    nft(text)
    host.put(path, text)
    host.enable(WANTS)
    return host.files()

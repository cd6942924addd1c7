# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random nft files that nft loads, in every layout that people use: the same number gives the same file."""

from __future__ import annotations

import random

RULES = (
    "ct state established,related accept",
    "ct state { established,\n    related } accept",
    "ct state invalid counter drop",
    "tcp dport 22 accept",
    "tcp dport { 25, 8000-8010 } drop",
    "tcp dport {80,443} counter accept",
    "tcp dport $web accept",
    "udp dport 53 \\\n   accept",
    "ip saddr 203.0.113.5 drop",
    "ip6 saddr 2001:db8:bad::/48 drop",
    'iifname "lo" accept',
    "iifname eth1 accept",
    "meta l4proto { icmp, ipv6-icmp } accept",
    'log prefix "in: { # "',
    "limit rate 5/second accept",
    "counter",
    'counter comment "a } # b"',
    'tcp dport 113 reject comment "two\nlines"',
    "tcp dport vmap { 21 : drop, 22 : accept }",
    "tcp dport 2222 jump {\n  ip saddr 198.51.100.0/24 accept\n  drop\n}",
    "jump user",
    "counter drop",
    "reject with icmpx type admin-prohibited",
)
COMMENTS = ("# nothing to see", "# } chain input {", '# "', "#", "# jump port443-https")
BASE = "type filter hook {} priority {};"
SEPARATORS = (";", "; ", "\n", "\n\n", " ;\n", " # so }\n", "\t\n")


def make_file(seed):
    """Returns the text of a file with one table ``inet filter`` and some others."""
    chance = random.Random(seed)
    parts = [chance.choice(("#!/usr/sbin/nft -f\n", "", "\n", "# made by hand\n")), "flush ruleset\n"]
    parts.append("define web = { 80, 443 }\n")
    for table in ("inet filter", *chance.sample(("inet other", "ip6 filter"), chance.randint(0, 2))):
        parts.append(chance.choice((block, block, block, alone))(chance, table))
    text = "".join(parts)
    bare = text.rstrip("\n")
    return bare if chance.random() < 0.15 and "#" not in bare.rpartition("\n")[2] else text


def rules_for(chance, table, chain):
    found = [chance.choice(RULES) for _rule in range(chance.randint(0, 6))]
    if table.startswith("ip6"):
        found = [rule for rule in found if "ip saddr" not in rule and "icmpx" not in rule]
    return [rule for rule in found if not (chain == "user" and rule == "jump user")]


def chain_head(chance, name):
    if name == "user":
        return []
    hook = "output" if name == "output" else "input"
    policy = chance.choice(("", " policy accept;", " policy drop;"))
    return [BASE.format(hook, chance.choice(("0", "filter", "-5", "filter + 10"))) + policy]


def block(chance, table):
    """A table in braces; its chains may come in two parts."""
    indent = chance.choice(("\t", "    ", "  ", ""))
    made = [f"table {table} {{" + chance.choice(("\n", "\n\n", " "))]
    names = ["user", *chance.sample(("input", "late", "output"), chance.randint(1, 3))]
    for name in names:
        made += comment(chance, indent)
        made.append(f"{indent}chain {name} {{" + chance.choice(("\n", " ")))
        lines = chain_head(chance, name) + rules_for(chance, table, name)
        for line in lines:
            made += comment(chance, indent * 2)
            made.append(indent * 2 + line + chance.choice(SEPARATORS))
        made.append(chance.choice((indent, "", "\n" + indent)) + "}" + chance.choice(("\n", "\n\n", ";", " ; ")))
    made.append("}" + chance.choice(("\n", "\n\n", ";\n")))
    if chance.random() < 0.3:
        made.append(alone_rules(chance, table, names[1]))
    return "".join(made)


def alone(chance, table):
    """A table whose statements stand alone."""
    made = [f"add table {table}\n"]
    for name in ("user", "input"):
        head = " ".join(chain_head(chance, name))
        made.append(f"add chain {table} {name}" + (f" {{ {head} }}" if head else "") + chance.choice(("\n", "; ")))
    return "".join(made) + alone_rules(chance, table, "input")


def alone_rules(chance, table, name):
    made = []
    for rule in rules_for(chance, table, name):
        made += comment(chance, "") if made and made[-1].endswith("\n") else []
        verb = chance.choice(("add rule", "add rule", "add rule", "insert rule", "rule"))
        made.append(f"{verb} {table} {name} {rule}" + chance.choice(("\n", "\n", ";", "; ", " # so\n")))
    return "".join(made) + "\n"


def comment(chance, indent):
    return [f"{indent}{chance.choice(COMMENTS)}\n"] if chance.random() < 0.15 else []

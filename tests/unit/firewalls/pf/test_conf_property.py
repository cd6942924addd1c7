# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random pf.conf files that pfctl takes: our set comes and goes without a byte left, and comes but once."""

from __future__ import annotations

import random

import pytest
from ansible_collections.port443.https.plugins.module_utils._pf.conf import anchors_of_ours, settled, without_block
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.grammar import Parser
from fake_pf.host import PlayedHost
from fake_pf.machine import Machine

SECTIONS = (
    ['ext = "em0"', 'web = "{ 80, 443 }"', "table <bad> persist { 198.51.100.7, ! 198.51.100.8 }"],
    [
        "set skip on lo0",
        "set block-policy return",
        "set limit states 20000",
        "set timeout { tcp.first 30, \\\n tcp.closed 5 }",
    ],
    ["scrub in all", "scrub out on em0 all random-id"],
    [
        "nat on em0 from 10.0.0.0/8 to any -> (em0)",
        'rdr-anchor "y"',
        "rdr on em0 proto tcp from any to any port 80 -> 10.0.0.2",
    ],
    [
        "block all",
        "block in quick from <bad>",
        "pass out all keep state",
        "pass in on em0 proto tcp from any \\\n  to any port { 22, 25 } flags any",
        'pass in proto tcp from any to any port 22 label "not # a comment { "',
        'anchor "ftp-proxy/*"',
        'anchor "inside" in on em0 {\n  pass in quick proto tcp from any to any port 8080\n\n  block in all # }\n}',
        "antispoof quick for em0",
        "pass in proto { tcp, udp } from { 192.0.2.0/24, \n 2001:db8::/32 } to any port 53",
    ],
)
NOISE = [
    "",
    "",
    "# plain",
    "# ends in a backslash \\",
    "# Gr\xfc\xdfe \xff",
    "   # indented \t",
    '# "quoted',
    "# { [ (",
    "\t",
]
LAST = ["# no end of line", "# no end \\", "# \xe9", ""]


def make_conf(seed, system):
    """A random file that pfctl takes: a comment's backslash may have swallowed the head of a statement."""
    chance = random.Random(seed)
    while True:
        text = make_text(chance, system)
        if not found_by_pfctl(text, system)[0]:
            return text


def make_text(chance, system):
    """Random statements and comments; those that the system does not have are left out."""
    lines = []
    for number, section in enumerate(SECTIONS):
        if system == "OpenBSD" and number in (2, 3):
            continue
        for statement in chance.sample(section, chance.randint(0, min(4, len(section)))):
            lines += [chance.choice(NOISE) for _line in range(chance.randint(0, 2))]
            lines.append(statement + chance.choice(["", "", "  # behind it"]))
    text = "".join(line + "\n" for line in lines)
    last = chance.choice([*LAST, "block in all"] if system == "OpenBSD" else LAST)
    return text + last


def found_by_pfctl(text, system):
    loaded = Parser(system, lambda path: "").parse(text, "pf.conf")
    return (
        loaded.errors,
        [rule.anchor for rule in loaded.rules if rule.action == "anchor" and not rule.body],
        loaded.load,
    )


@pytest.mark.parametrize("seed", range(120))
def test_a_block_comes_once_where_pfctl_sees_it_and_goes_to_the_byte(seed, system):
    text = make_conf(seed, system)
    errors, calls, loads = found_by_pfctl(text, system)
    assert errors == []
    for position in ("auto", "first"):
        after = settled(text, "port443.https", "/etc/pf.anchors/port443.https", position)
        assert found_by_pfctl(after, system) == (
            [],
            ["port443.https", *calls] if position == "first" else [*calls, "port443.https"],
            [("port443.https", "/etc/pf.anchors/port443.https"), *loads]
            if position == "first"
            else [*loads, ("port443.https", "/etc/pf.anchors/port443.https")],
        )
        assert settled(after, "port443.https", "/etc/pf.anchors/port443.https", position) == after
        assert without_block(after, "port443.https") == text


@pytest.mark.parametrize("seed", range(120))
def test_several_blocks_come_and_go_in_any_order(seed, system):
    chance = random.Random(seed)
    text = after = make_conf(seed, system)
    names = [f"port443.{name}" for name in ("https", "mail", "dns", "web")]
    for name in chance.sample(names, 4):
        after = settled(after, name, f"/etc/pf.anchors/{name}", chance.choice(["auto", "first"]))
    assert sorted(anchors_of_ours(after)) == sorted(names)
    for name in chance.sample(names, 4):
        after = without_block(after, name)
    assert after == text


@pytest.mark.parametrize("seed", range(12))
def test_a_set_comes_and_goes_on_a_host_with_such_a_file(seed, system, tmp_path):
    host = PlayedHost(Machine(tmp_path, system).filtering(make_conf(seed, system)))
    before = host.machine.read_bytes("/etc/pf.conf")
    given = {"ports": ["443/tcp", "8000-8010/udp"], "source": ["203.0.113.0/24", "2001:db8:1::/48"]}
    first = ensure(host, parse_request(given), False)
    assert first.steps
    assert ensure(host, parse_request(given), False).steps == ()
    ensure(host, parse_request({"state": "absent"}), False)
    assert host.machine.read_bytes("/etc/pf.conf") == before
    assert not host.machine.path("/etc/pf.anchors").exists()


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
@pytest.mark.parametrize("seed", range(16))
def test_a_set_comes_and_goes_beside_rules_that_somebody_loaded(seed, name, tmp_path):
    text = make_conf(seed, name)
    host = PlayedHost(Machine(tmp_path, name).filtering(text))
    more = "\npass in proto udp from any to any port 500\npass in proto udp from any to any port 4500\n"
    assert host.machine.run(["pfctl", "-f", "-"], text + more)[0] == 0
    listings = [["pfctl", "-s", "rules"], ["pfctl", "-s", "nat"]]
    before = [host.machine.run(argv)[1] for argv in listings]
    for position in ("auto", "first"):
        assert ensure(host, parse_request({"ports": ["443/tcp"], "position": position}), False).steps
        assert ensure(host, parse_request({"ports": ["443/tcp"], "position": position}), False).steps == ()
        assert "port443.https" in host.machine.run(listings[0])[1]
        ensure(host, parse_request({"state": "absent"}), False)
        assert [host.machine.run(argv)[1] for argv in listings] == before
        assert host.machine.read_text("/etc/pf.conf") == text

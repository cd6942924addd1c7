# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The played pfctl takes, prints and refuses what pfctl(8) does: FreeBSD 14, OpenBSD 7.7, macOS 15 (pfctl_parser.c)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_pf.machine import STOCK_DARWIN, Machine

ALL = ("FreeBSD", "OpenBSD", "Darwin")
OTHERS = ("FreeBSD", "Darwin")


@pytest.fixture
def machine(tmp_path):
    return lambda system: Machine(tmp_path / system, system)


def read(machine, text, *options):
    code, out, err = machine.run(["pfctl", *options, "-n", "-v", "-f", "-"], text)
    return code, out, "\n".join(line for line in err.splitlines() if line.startswith(("stdin", "pfctl: S")))


PRINTED = [
    (OTHERS, "pass", "pass all flags S/SA keep state\n"),
    (("OpenBSD",), "pass", "pass all flags S/SA\n"),
    (
        OTHERS,
        "pass in proto tcp to port https",
        "pass in proto tcp from any to any port = https flags S/SA keep state\n",
    ),
    (("OpenBSD",), "pass in proto tcp to port https", "pass in proto tcp from any to any port = 443 flags S/SA\n"),
    (OTHERS, "pass in proto udp to port 53", "pass in proto udp from any to any port = domain keep state\n"),
    (("OpenBSD",), "pass in proto udp to port 53", "pass in proto udp from any to any port = 53\n"),
    (ALL, "pass proto tcp no state", "pass proto tcp all no state\n"),
    (OTHERS, "pass flags any", "pass all flags any keep state\n"),
    (ALL, "block", "block drop all\n"),
    (ALL, "set block-policy return\nblock", "set block-policy return\nblock return all\n"),
    (
        ALL,
        "block return in on ! lo0 proto tcp to port 6000:6010",
        "block return in on ! lo0 proto tcp from any to any port 6000:6010\n",
    ),
    (ALL, 'anchor "x"', 'anchor "x" all\n'),
    (OTHERS, 'a = "em0"\nanchor "x/*" on $a', 'a = "em0"\nanchor "/*" on em0 all\n'),
    (("OpenBSD",), 'a = "em0"\nanchor "x/*" on $a', 'a = "em0"\nanchor "x/*" on em0 all\n'),
    (
        ALL,
        "block from { 192.0.2.1, 2001:db8::/32 } to any",
        "block drop inet from 192.0.2.1 to any\nblock drop inet6 from 2001:db8::/32 to any\n",
    ),
    (("FreeBSD",), "anchor on em0 {\npass no state\n}", "anchor on em0 all {\n  pass all no state\n}\n"),
    (("Darwin",), 'scrub-anchor "x"', 'scrub-anchor "x" all fragment reassemble\n'),
    (("OpenBSD",), "match out on vio0 nat-to (vio0)", "match out on vio0 all nat-to (vio0) round-robin\n"),
    (ALL, "block all\nblock all", "block drop all\n"),
    (ALL, 'block all label "a"\nblock all label "a"', 'block drop all label "a"\nblock drop all label "a"\n'),
]
REFUSED = [
    (ALL, "pas in", "stdin:1: syntax error"),
    (ALL, "pass in frm any", "stdin:1: syntax error"),
    (ALL, "pass\npass in proto tcp to port 70000", "stdin:2: illegal port value 70000"),
    (ALL, "pass in proto tcp to port nosuch", "stdin:1: unknown port nosuch"),
    (ALL, "pass to port 80", "stdin:1: port only applies to tcp/udp"),
    (ALL, "pass on $ext", "stdin:1: macro 'ext' not defined"),
    (ALL, 'anchor "_x"', "stdin:1: anchor names beginning with '_' are reserved for internal use"),
    (ALL, "pass in proto tcp flags S/A", "stdin:1: flags always false"),
    (OTHERS, "pass\nset block-policy return", "stdin:2: Rules must be in order"),
    (OTHERS, "match in all", "stdin:1: syntax error"),
    (OTHERS, "pass in rdr-to 10.0.0.1", "stdin:1: syntax error"),
    (("OpenBSD",), "scrub in all", "stdin:1: syntax error"),
    (("OpenBSD",), "rdr on em0 proto tcp to port 80 -> 10.0.0.1", "stdin:1: syntax error"),
    (("OpenBSD",), "set require-order no", "stdin:1: syntax error"),
    (("FreeBSD", "OpenBSD"), 'dummynet-anchor "x"', "stdin:1: syntax error"),
    (ALL, "block all\r", "stdin:1: syntax error"),
]


@pytest.mark.parametrize(("systems", "text", "printed"), PRINTED)
def test_rules_are_printed_as_that_system_prints_them(machine, systems, text, printed):
    for system in systems:
        assert read(machine(system), text + "\n") == (0, printed, ""), system


@pytest.mark.parametrize(("systems", "text", "words"), REFUSED)
def test_what_the_real_one_refuses_is_refused(machine, systems, text, words):
    for system in systems:
        code, _out, err = read(machine(system), text + "\n")
        assert (code, words in err) == (1, True), (system, err)


def test_the_end_of_the_last_line_is_asked_for_by_all_but_openbsd(machine, system):
    code, _out, err = read(machine(system), "pass\nblock in all")
    assert (code, err) == ((0, "") if system == "OpenBSD" else (1, "stdin:2: syntax error"))


def test_openbsd_takes_statements_in_any_order(machine):
    assert read(machine("OpenBSD"), "pass\nset skip on lo0\n")[0] == 0


def test_a_comment_that_ends_in_a_backslash_goes_on(machine, system):
    assert read(machine(system), "# on \\\nblock all\npass no state\n")[1] == "pass all no state\n"


def test_six_sources_become_a_table(machine, system):
    sources = ", ".join(f"192.0.2.{number}" for number in range(1, 14, 2))
    _code, out, _err = read(machine(system), f"block from {{ {sources} }}\n")
    assert "\nblock drop inet from <__automatic_" in out


def test_a_label_keeps_the_optimiser_away(machine, system):
    sources = ", ".join(f"192.0.2.{number}" for number in range(1, 14, 2))
    assert len(read(machine(system), f'block from {{ {sources} }} label "x"\n')[1].splitlines()) == 7


def test_nothing_is_loaded_by_n(machine, system):
    played = machine(system)
    read(played, "block all\n")
    assert played.run(["pfctl", "-s", "rules"])[1] == ""


def test_macos_as_it_comes(machine):
    played = machine("Darwin").stock()
    assert played.run(["pfctl", "-s", "rules"])[1] == (
        'scrub-anchor "com.apple/*" all fragment reassemble\nanchor "com.apple/*" all\n'
    )
    assert played.run(["pfctl", "-a", "com.apple", "-s", "rules"])[1] == (
        'anchor "200.AirDrop/*" all\nanchor "250.ApplicationFirewall/*" all\n'
    )
    assert read(played, STOCK_DARWIN)[2] == ""


def test_what_is_not_played_is_an_error(machine):
    for arguments in (["-s", "queue"], ["-F", "all"], ["-t", "bad", "-T", "flush"]):
        with pytest.raises(AssertionError):
            machine("FreeBSD").run(["pfctl", *arguments])
    assert machine("FreeBSD").run(["pfctl", "-E"])[0] == 1
    assert machine("OpenBSD").run(["pfctl", "-R", "-f", "-"], "pass\n")[0] == 1


def test_it_runs_as_a_command_of_its_own(tmp_path):
    played = Machine(tmp_path, "OpenBSD").stock()
    program = Path(__file__).resolve().parents[3] / "fake_pf" / "command.py"
    argv = [sys.executable, str(program), str(tmp_path), "OpenBSD", "pfctl", "-s", "info"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()[:2]) == (0, ["Status:", "Enabled"])
    assert played.read_bytes("/var/fake_pf.json") is not None

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What real pfctl said to real texts: the played one says the same, and what it prints is read and is no drift."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.live import difference
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import SYSTEMS as FACTS
from ansible_collections.port443.https.plugins.module_utils._pf.drift import Difference
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.host import PlayedHost
from fake_pf.machine import Machine
from fake_pf.show import is_filter

FOLDER = Path(__file__).parent / "recorded"
SYSTEMS = {"freebsd": "FreeBSD", "macos": "Darwin", "openbsd": "OpenBSD"}


def recorded():
    for name in SYSTEMS:
        content = yaml.safe_load((FOLDER / f"recorded-{name}.yml").read_text(encoding="utf-8"))
        interfaces = {key: tuple(found) for key, found in content["interfaces"].items()}
        for case in content["cases"]:
            yield pytest.param(interfaces, case, id=f"{case['system']}: {case['kind']}: {case['name']}")


CASES = list(recorded())
TAKEN = [case for case in CASES if case.values[1]["accepted"]]


def played(tmp_path, interfaces, case):
    machine = Machine(tmp_path, case["system"])
    machine.interfaces = interfaces
    for path, text in case.get("files", {}).items():
        machine.write_text(path, text)
    return machine


def lines(text):
    """Lines that are not blank; the digits in the name of a table of the optimiser's differ each time."""
    return [re.sub(r"<__automatic_[0-9a-f_]*>", "<__automatic_0>", line) for line in text.splitlines() if line.strip()]


def said(err):
    return [
        line
        for line in lines(err)
        if not line.startswith(("No ALTQ", "ALTQ rel", "pfctl: Use of", "present in", "See /etc"))
    ]


@pytest.mark.parametrize(("interfaces", "case"), CASES)
def test_the_played_pfctl_answers_as_the_real_one(tmp_path, interfaces, case):
    machine = played(tmp_path, interfaces, case)
    code, out, err = machine.run(["pfctl", "-n", "-v", "-f", "-"], case["text"])
    assert (code, lines(out), said(err)) == (case["rc"], lines("\n".join(case["printed"])), case.get("said", []))


TRANSLATES = re.compile(r"(no )?(nat|rdr|binat)\b", re.ASCII)
NO_RULES = re.compile(r"(set |table <|altq |queue |\w+ = \"|(no )?(nat|rdr|binat|dummynet)\b)", re.ASCII)


@pytest.mark.parametrize(("interfaces", "case"), TAKEN)
def test_the_played_pfctl_shows_what_is_in_force_as_the_real_one(tmp_path, interfaces, case):
    machine = played(tmp_path, interfaces, case)
    assert machine.run(["pfctl", "-f", "-"], case["text"])[0] == 0
    inside = [line for found in case.get("anchors", {}).values() for line in found]
    printed = [line for line in case["printed"] if not NO_RULES.match(line)]
    rules = case.get("rules", printed[: len(printed) - len(inside)])
    assert lines(machine.run(["pfctl", "-s", "rules"])[1]) == lines("\n".join(rules))
    for name, found in case.get("anchors", {}).items():
        assert lines(machine.run(["pfctl", "-a", name, "-s", "rules"])[1]) == found
    if case["system"] != "OpenBSD":
        nat = case.get("nat", [line for line in case["printed"] if TRANSLATES.match(line)])
        assert lines(machine.run(["pfctl", "-s", "nat"])[1]) == nat


# Conditions that only the kernel can judge, which the reader is to keep as such, by how they begin.
CONDITIONS = (
    *("os ", "user ", "group ", "tos ", "prio ", "probability ", "tagged ", "! tagged ", "fragment", "received-on "),
    *("on rdomain ", "divert-packet ", "max-pkt-rate ", "once", "code "),
)


def facts_of(rule):
    """What the reader has to find in a rule that the played pfctl holds."""
    family = {"": 0, "inet": 4, "inet6": 6}[rule.family]
    interface = "" if rule.interface.startswith("rdomain") else rule.interface  # which is kept as a condition
    flags = tuple(rule.flags.split("/")) if "/" in rule.flags else None
    return (
        *(rule.action, rule.direction, rule.quick, interface.replace("! ", ""), interface.startswith("!")),
        *(family, rule.protocol or None, flags, rule.state != "no", rule.label, bool(rule.icmp)),
        *(rule.source == "any", rule.source.startswith("!"), rule.destination == "any", bool(rule.destination_port)),
    )


def facts_read(rule):
    return (
        *(rule.action, rule.direction, rule.quick, rule.interface, rule.interface_negated, rule.family, rule.protocol),
        *(rule.flags, rule.stateful, rule.label, rule.icmp_type is not None),
        *(rule.source.kind == "any", rule.source.negated, rule.destination.kind == "any"),
        rule.destination.ports is not None,
    )


@pytest.mark.parametrize(("interfaces", "case"), TAKEN)
def test_what_is_printed_is_read_as_it_is_meant(tmp_path, interfaces, case):
    machine = played(tmp_path, interfaces, case)
    assert machine.run(["pfctl", "-f", "-"], case["text"])[0] == 0
    numeric = FACTS[case["system"]].numeric
    rules = [rule for rule in machine.kernel.rulesets[""] if is_filter(rule)]
    read = [one for one in parse_rules(machine.run(["pfctl", *numeric, "-s", "rules"])[1]) if one.action != "other"]
    assert [facts_read(one) for one in read] == [facts_of(rule) for rule in rules]
    unknown = [word for rule in [*read, *parse_rules("\n".join(case["printed"]))] for word in rule.unknown]
    assert [word for word in unknown if not word.startswith(CONDITIONS)] == []


@pytest.mark.parametrize(("interfaces", "case"), TAKEN)
def test_a_text_that_is_in_force_is_no_drift(tmp_path, interfaces, case):
    machine = played(tmp_path, interfaces, case)
    machine.write_text("/etc/pf.conf", case["text"])
    assert machine.run(["pfctl", "-f", "/etc/pf.conf"])[0] == 0
    have = observe(PlayedHost(machine), FACTS[case["system"]], parse_request({"ports": ["443/tcp"]}))
    assert (have.broken, difference(have, "port443.https")) == ("", Difference((), ()))

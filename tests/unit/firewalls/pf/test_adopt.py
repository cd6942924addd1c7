# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules that somebody pasted into pf.conf become part of a set that asks for the same, and close with it."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

BLOCKING = "block in all\npass out all\n"
PASTED = "pass in inet proto tcp from any to any port 443 no state\n"


def run(host, check=False, **options):
    return ensure(host, parse_request({"ports": ["80/tcp", "443/tcp"], "adopt": True, **options}), check)


def rules_of(host):
    return host.machine.run(["pfctl", "-s", "rules"])[1].splitlines()


def verdicts(result):
    return {(entry.family, entry.port): entry.verdict for entry in result.effective}


@pytest.mark.parametrize("before", [False, True])
def test_a_pasted_rule_is_taken_over_and_closes_with_the_set(system, played, before):
    conf = BLOCKING + PASTED + "# the end\n"
    host = played(system, conf)
    if before:
        run(host, adopt=False)
    there = host.machine.read_text("/etc/pf.conf")
    foreseen = run(host, check=True)
    assert host.machine.read_text("/etc/pf.conf") == there
    made = run(host)
    assert made == foreseen
    assert made.warnings == (
        f"taken over into the set: {PASTED.strip()}, and connections that it let in end, as pf has no state of them",
    )
    assert set(verdicts(made).values()) == {"open"}
    assert [line for line in rules_of(host) if "no state" in line] == []
    assert run(host).steps == ()
    gone = run(host, state="absent", adopt=False)
    assert host.machine.read_text("/etc/pf.conf") == BLOCKING + "# the end\n"
    assert "no state" not in "".join(rules_of(host))
    assert (run(host, state="absent").steps, bool(gone.steps)) == ((), True)


TAKEN = [
    "pass in proto tcp from any to any port { 80, 443 }\n",
    'web = "443"\npass in quick proto tcp to port $web flags S/SA modulate state label "web"\n',
    "pass in proto tcp \\\n  to port 443\n",
    "pass in inet6 proto tcp to port 443 # pasted\n",
]
LEFT = [
    "pass in proto tcp to port { 443, 8443 }\n",
    "pass in proto tcp to any\n",
    "pass proto tcp to port 443\n",
    "pass in proto tcp from 192.0.2.0/24 to any port 443\n",
    "pass in proto tcp to 192.0.2.10 port 443\n",
    "pass in proto tcp from any port 1024:65535 to any port 443\n",
    "pass in proto udp to port 443\n",
    "pass in log proto tcp to port 443\n",
    "pass in proto tcp to port 443 tag WEB\n",
    "pass in proto tcp to port 443 keep state (max 10)\n",
    "pass in on lo0 proto tcp to port 443\n",
    "pass in proto tcp to port 443 user root\n",
    'anchor "own" {\n  pass in proto tcp to port 443\n}\n',
    "block in proto tcp to port 443\n",
]


@pytest.mark.parametrize("statement", TAKEN)
def test_what_lets_in_a_part_of_what_is_asked_for_is_taken_over(system, played, statement):
    host = played(system, BLOCKING + statement)
    made = run(host)
    assert [warning for warning in made.warnings if warning.startswith("taken over into the set: pass in")]
    macro = statement[: statement.index("pass")]
    assert host.machine.read_text("/etc/pf.conf").partition("# BEGIN")[0] == BLOCKING + macro
    assert run(host).steps == ()


@pytest.mark.parametrize("statement", LEFT)
def test_what_lets_in_more_or_does_more_stays(system, played, statement):
    host = played(system, BLOCKING + statement)
    made = run(host)
    assert not [warning for warning in made.warnings if warning.startswith("taken over")]
    assert host.machine.read_text("/etc/pf.conf").startswith(BLOCKING + statement)
    run(host, state="absent")
    assert host.machine.read_text("/etc/pf.conf") == BLOCKING + statement


def test_a_set_that_is_not_saved_takes_over_nothing(system, played):
    host = played(system, BLOCKING + PASTED)
    assert run(host, persistent=False).warnings == ()
    assert host.machine.read_text("/etc/pf.conf") == BLOCKING + PASTED


def test_a_rule_that_was_contained_in_one_taken_over_comes_to_light(system, played):
    inside = "pass in proto tcp from 192.0.2.0/24 to any port 443\n"
    host = played(system, BLOCKING + "pass in proto tcp to port 443\n" + inside)
    assert not [line for line in rules_of(host) if "192.0.2.0/24" in line]
    assert run(host).steps
    assert [line for line in rules_of(host) if "192.0.2.0/24" in line]
    assert host.machine.read_text("/etc/pf.conf").startswith(BLOCKING + inside)


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_a_rule_is_taken_over_beside_those_that_somebody_loaded(played, name):
    host = played(name, BLOCKING + PASTED)
    host.machine.run(["pfctl", "-f", "-"], BLOCKING + PASTED + "pass in proto udp to port 500\n")
    foreseen = run(host, check=True)
    made = run(host)
    assert made == foreseen
    assert [line.split()[:2] for line in rules_of(host)] == [
        ["block", "drop"],
        ["pass", "out"],
        ["pass", "in"],
        ["anchor", '"port443.https"'],
    ]
    assert "port = isakmp" in rules_of(host)[2]
    assert run(host).steps == ()


def test_a_failure_brings_the_rule_back(system, played):
    host = played(system, BLOCKING + PASTED)
    before = rules_of(host)
    host.machine.kernel.failing.append({"command": "pfctl -f /etc/pf.conf", "words": "pfctl: Device busy", "times": 1})
    with pytest.raises(HostError, match="Device busy"):
        run(host)
    assert (host.machine.read_text("/etc/pf.conf"), rules_of(host)) == (BLOCKING + PASTED, before)
    conf = BLOCKING + "block in quick proto tcp to port 80\n" + PASTED
    host.machine.write_text("/etc/pf.conf", conf)
    host.machine.run(["pfctl", "-f", "/etc/pf.conf"])
    before = rules_of(host)
    with pytest.raises(HostError, match="require_effective"):
        run(host, require_effective=True)
    assert (host.machine.read_text("/etc/pf.conf"), rules_of(host)) == (conf, before)

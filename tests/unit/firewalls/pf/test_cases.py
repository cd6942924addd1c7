# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every case of cases.yml on every system it is for: foreseen, done, kept, taken away."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.machine import STOCK_DARWIN

SYSTEMS = ("FreeBSD", "OpenBSD", "Darwin")
CASES = yaml.safe_load((Path(__file__).parent / "cases.yml").read_text(encoding="utf-8"))
RUNS = [
    pytest.param(case, system, id=f"{system}: {case['title']}")
    for case in CASES
    for system in case.get("systems", SYSTEMS)
]


def arrange(played, case, system):
    conf = case.get("conf")
    host = played(system, STOCK_DARWIN if conf == "stock" else conf, case.get("files", {}))
    machine = host.machine
    for path, text in case.get("files", {}).items():
        machine.write_text(path, text)
    if "run" in case:
        assert machine.run(["pfctl", "-f", "-"], case["run"])[0] == 0
        assert machine.kernel.anchors() == []
    machine.kernel.settings.update(case.get("settings", {}))
    for name, value in case.get("kernel", {}).items():
        setattr(machine.kernel, name, value)
    machine.kernel.calls.clear()
    return host


def run(host, case, check=False, **options):
    given = {"ports": ["80/tcp", "443/tcp"], **case.get("options", {}), **options}
    return ensure(host, parse_request(given), check)


def snapshot(host):
    """All bytes and modes of the machine's files, and all that its kernel holds."""
    root = host.machine.root
    files = {
        str(path.relative_to(root)): (path.read_bytes() if path.is_file() else None, path.stat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.name not in ("fake_pf.json", "var", "run", "Library", "LaunchDaemons")
    }
    kernel = host.machine.kernel
    rulesets = {name: [rule.to_json() for rule in rules] for name, rules in kernel.rulesets.items() if rules}
    return files, copy.deepcopy((rulesets, kernel.enabled, kernel.tokens, kernel.skip, kernel.device))


@pytest.mark.parametrize(("case", "system"), [one for one in RUNS if "refused" in one.values[0]])
def test_what_cannot_be_done_is_refused_and_leaves_no_trace(played, case, system):
    host = arrange(played, case, system)
    before = snapshot(host)
    for check in (True, False):
        with pytest.raises(HostError) as refusal:
            run(host, case, check)
        assert case["refused"] in refusal.value.message
        assert snapshot(host) == before


@pytest.mark.parametrize(("case", "system"), [one for one in RUNS if "refused" not in one.values[0]])
def test_a_set_is_foreseen_made_kept_and_taken_away(played, case, system):
    host = arrange(played, case, system)
    before = snapshot(host)
    foreseen = run(host, case, check=True)
    assert (host.changing_calls(), snapshot(host)) == ([], before)

    made = run(host, case)
    assert host.changing_calls() == case["calls"]
    assert made == foreseen
    judge(made, case, host)

    again = run(host, case)
    assert (again.steps, again.changes, host.changing_calls()) == ((), (), [])
    assert (again.effective, again.persisted) == (made.effective, made.persisted)

    gone = run(host, case, check=True, state="absent")
    assert host.changing_calls() == []
    assert run(host, case, state="absent") == gone
    assert bool(gone.steps) == bool(case["calls"])
    assert_as_before(host, before, case.get("stays", ()))
    host.changing_calls()
    assert (run(host, case, state="absent").steps, host.changing_calls()) == ((), [])


def judge(result, case, host):
    assert result.backend == case.get("backend", "pf")
    verdicts = {(entry.family, entry.verdict) for entry in result.effective}
    families = {"ipv4", "ipv6"} if len({entry.family for entry in result.effective}) > 1 else {"ipv4"}
    expected = {
        (family, case.get("v6", case["verdict"]) if family == "ipv6" else case["verdict"]) for family in families
    }
    assert verdicts == expected
    assert case.get("because", "") in result.effective[0].because
    assert any(case.get("warns", "") in warning for warning in result.warnings or ([""] if "warns" not in case else []))
    assert not case.get("quiet") or result.warnings == ()
    assert result.persisted == case.get("persisted", result.persisted)
    if "anchor_rules" in case:
        assert len(host.machine.kernel.rulesets["port443.https"]) == case["anchor_rules"]


def assert_as_before(host, before, stays):
    files, kernel = snapshot(host)
    if not stays:
        assert (files, kernel) == before
        return
    assert {path: held for path, held in files.items() if f"/{path}" not in stays} == before[0]
    assert kernel[0] == before[1][0]

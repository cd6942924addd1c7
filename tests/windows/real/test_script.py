# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scripts do in real PowerShell: all or nothing, one at a time, any culture, thousands of rules."""

from __future__ import annotations

import subprocess
import time

import pytest
from powershell import HERE, PLAYED, PowerShell, find_pwsh, parameter_sets, write_cmdlets
from stock import STOCK

ID = "port443-https-in-tcp"
ASKED = {"format": 1, "prefix": "port443-", "allow": "^no", "ports": [443, 443]}


@pytest.fixture
def step(powershell, host):
    """Makes a played host, and returns a function that has the script do operations there, guarded by nothing."""

    def on(**state):
        windows = host(**state)

        def run(*operations, guard=()):
            arguments = {**ASKED, "operations": list(operations), "guard": list(guard)}
            answer = powershell.call("Invoke-FirewallStep", arguments, PORT443_PLAYED=str(windows.path))
            return answer, windows.local

        return run

    return on


def add(name, **more):
    fields = {"DisplayName": name, "Direction": "Inbound", "Action": "Allow", "Protocol": "TCP", "LocalPort": ["443"]}
    return {"do": "add", "id": name, "fields": {**fields, **more}, "undo": [{"do": "remove", "id": name}]}


def test_an_operation_without_an_id_takes_no_rule_away(step):
    answer, local = step(local=STOCK)({"do": "remove", "id": ""})
    assert local == STOCK
    assert answer["failure"]["message"] == "an operation has no id"


def test_a_name_is_no_pattern(step):
    rules = {"a[bc]*": "v2.31|Name=x|", "ab": "v2.31|Name=y|", "a[bc]*z": "v2.31|Name=z|"}
    answer, local = step(local=rules)({"do": "remove", "id": "a[bc]*"})
    assert answer["applied"] == ["a[bc]*"]
    assert sorted(local) == ["a[bc]*z", "ab"]


def test_a_rule_that_is_gone_is_removed(step):
    answer, _local = step()({"do": "remove", "id": "x"})
    assert (answer["applied"], answer["failure"]) == (["x"], None)


def test_what_is_set_on_a_rule_that_is_gone_is_a_failure_and_those_before_are_taken_back(step):
    answer, local = step()(add("a"), add("b"), {"do": "set", "id": "c", "fields": {"Enabled": "False"}})
    assert (local, answer["applied"], answer["changed"]) == ({}, [], False)
    assert answer["failure"]["category"] == "ObjectNotFound"
    assert (answer["failure"]["do"], answer["failure"]["id"], answer["failure"]["not_undone"]) == ("set", "c", [])


def test_a_guard_that_does_not_hold_means_that_nothing_is_done(step):
    run = step(local={"a": "v2.31|Name=x|"})
    for text in (None, "", "v2.31|Name=X|", "v2.31|Name=x"):
        answer, local = run(add("b"), guard=[{"id": "a", "text": text}])
        assert (answer["guarded"], answer["changed"], list(local)) == (False, False, ["a"])
    answer, local = run(add("b"), guard=[{"id": "a", "text": "v2.31|Name=x|"}, {"id": "c", "text": None}])
    assert (answer["guarded"], sorted(local)) == (True, ["a", "b"])


def test_rules_may_be_called_as_the_properties_of_a_dictionary(step):
    names = dict.fromkeys(("Count", "Keys", "Values", "Item", "SyncRoot"), "v2.31|Action=Allow|Active=TRUE|Dir=In|")
    answer, _local = step(local=names)()
    assert answer["stores"]["local"]["count"] == 5


def test_an_operation_or_a_format_that_nobody_knows_is_refused(step, powershell, host):
    answer, _local = step()({"do": "disable", "id": "x"})
    assert answer["failure"]["message"] == "there is no operation 'disable'"
    told = powershell.call("Invoke-FirewallStep", {**ASKED, "format": 2}, PORT443_PLAYED=str(host().path))
    assert told["failed"] is True
    assert told["msg"].startswith("the controller speaks format 2, this script 1")


def test_values_that_are_no_text_are_told_and_not_read(step):
    answer, _local = step(local={"odd": 7, "a": "v2.31|Name=x|"})()
    assert (answer["stores"]["local"]["count"], answer["stores"]["local"]["skipped"]) == (1, ["odd"])


HOLDER = """
$mutex = [System.Threading.Mutex]::new($false, 'Global\\port443-https')
$null = $mutex.WaitOne(10000)
[System.Console]::Out.WriteLine('held')
$null = [System.Console]::In.ReadLine()
if ($args[0] -eq 'release') { $mutex.ReleaseMutex() }
"""


def test_one_run_waits_for_another_and_takes_over_from_one_that_died(step, tmp_path):
    script = tmp_path / "hold.ps1"
    script.write_text(HOLDER)
    for way in ("release", "die"):
        command = [find_pwsh(), "-NoProfile", "-NonInteractive", "-File", str(script), way]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout.readline() == "held\n"
            pid = subprocess.Popen(["sh", "-c", f"sleep 1; echo >/proc/{holder.pid}/fd/0"])  # lets it end while we wait
            started = time.monotonic()
            answer, local = step()(add("a"))
            waited = time.monotonic() - started
            pid.wait()
            holder.stdin.close()
        assert (list(local), answer["failure"]) == (["a"], None)
        assert waited > 0.5


def test_a_run_that_is_held_up_for_too_long_says_so(powershell):
    answer = powershell.call("Invoke-Late", {})
    assert (
        answer["msg"]
        == "another run of this collection has been changing this host for 0.2 s; run again when it has ended"
    )


@pytest.mark.parametrize("culture", ["tr-TR", "de-DE", ""])
def test_a_task_is_the_same_in_every_culture(powershell, host, monkeypatch, culture):
    monkeypatch.setattr(powershell, "culture", culture)
    local = {"WINRM-HTTPS-IN": STOCK["VPN-In-443"].upper().replace("V2.33", "v2.33"), **many(3000), **STOCK}
    windows = host(local=local, gpo={"İ": "v2.31|Action=Block|Active=TRUE|Dir=In|LPort=9|", "i": "v2.31|Name=\u0131|"})
    foretold = windows.run(check=True)
    made = windows.run()
    assert made["commands"] == foretold["commands"]
    assert (made["changed"], windows.run()["changed"]) == (True, False)
    assert {line["verdict"] for line in made["effective"]} == {"open"}
    assert windows.run(state="absent")["changed"] is True
    assert windows.local == local


def many(number):
    """Returns rules of others: allowing, blocking, of app packages."""
    kinds = (
        "v2.31|ACTION=ALLOW|Active=TRUE|Dir=In|Protocol=6|LPort={port}|Name=İnternet {port}|",
        "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort={port}|Name=straße {port}|",
        "v2.31|Action=Block|Active=TRUE|Dir=In|AppPkgId=S-1-15-2-{port}|Name=app {port}|",
        "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=6|Name=off {port}|",
    )
    return {f"{{F{index}}}": kinds[index % 4].format(port=1000 + index % 60000) for index in range(number)}


def test_twenty_thousand_rules_of_others_cost_little_and_none_that_could_decide_is_left_out(host):
    others = many(20000)
    windows = host(local=others)
    started = time.monotonic()
    made = windows.run()
    took = time.monotonic() - started
    assert made["runs"] == 2
    assert made["windows"]["rules_total"]["local"] == 20001
    assert {line["verdict"] for line in made["effective"]} == {"open"}
    assert took < 30
    windows.change(
        local={**windows.local, "late": "v2.31|Action=Block|Active=TRUE|Dir=In|LPort2_10=400-500|Name=late|"}
    )
    again = windows.run()
    assert again["changed"] is False
    assert again["effective"][-1]["because"] == "rule late of the local store blocks it in the Domain profile"
    windows.change(local={name: text for name, text in windows.local.items() if name not in ("late", ID)})
    windows.change(local={**windows.local, "theirs": "v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=443|Name=theirs|"})
    found = windows.run("ports_info", ports=["443/tcp"])
    assert found["effective"][0]["verdict"] == "open"


@pytest.fixture(scope="module")
def cmdlets(tmp_path_factory):
    """What PowerShell says of the parameter sets of the played cmdlets."""
    session = PowerShell(tmp_path_factory.mktemp("cmdlets"))
    yield lambda name: session.call("Get-PlayedSet", {"name": name})
    session.close()


@pytest.mark.parametrize("cmdlet", ["New-NetFirewallRule", "Set-NetFirewallRule", "Remove-NetFirewallRule"])
def test_the_played_cmdlets_have_the_parameters_that_microsoft_documents(cmdlets, cmdlet):
    documented = {
        name: {parameter: [spec["type"], "m" in spec.get("flags", "")] for parameter, spec in parameters.items()}
        for name, parameters in parameter_sets()[cmdlet].items()
    }
    assert cmdlets(cmdlet) == documented


STRICT = [
    ("Set-NetFirewallRule -Name a -Group g -Enabled True", "AmbiguousParameterSet"),
    ("Set-NetFirewallRule -Name a -DisplayName b", "AmbiguousParameterSet"),
    ("New-NetFirewallRule -Name a -DisplayName a -Enabled $true", "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule -Name a -DisplayName a -Port 80", "NamedParameterNotFound"),
    ("New-NetFirewallRule -Name a -DisplayName a -LocalPort 80", "port is invalid"),
    ("New-NetFirewallRule -Name a -DisplayName 'a|b'", "parameter is incorrect"),
    ("New-NetFirewallRule -Name there -DisplayName a", "Cannot create a file when that file already exists"),
    ("Remove-NetFirewallRule -Name nosuch -ErrorAction Stop", "No MSFT_NetFirewallRule objects found"),
]


@pytest.mark.parametrize(("command", "told"), STRICT)
def test_the_played_cmdlets_refuse_what_windows_refuses(powershell, host, command, told):
    windows = host(local={"there": "v2.31|Name=x|"})
    answer = powershell.call("Invoke-Typed", {"command": command}, PORT443_PLAYED=str(windows.path))
    assert told in answer["said"]
    assert list(windows.local) == ["there"]


def test_remove_without_a_name_takes_all_away_as_it_does_on_windows(powershell, host):
    windows = host(local=STOCK)
    powershell.call("Invoke-Typed", {"command": "Remove-NetFirewallRule"}, PORT443_PLAYED=str(windows.path))
    assert windows.local == {}


def test_what_is_played_exports_what_the_script_uses_of_the_real_file():
    real = (HERE.parents[1] / "plugins/module_utils/_windows_host.psm1").read_text().rpartition("-Function ")[2]
    played = (PLAYED / "_windows_host.psm1").read_text().rpartition("-Function ")[2]
    assert set(real.strip().split(", ")) <= set(played.strip().split(", "))
    assert write_cmdlets().exists()

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module sites and the roles over it on a host with a Windows shell: what is sent, how often, what is refused.

The host is a program that plays our scripts, so neither the scripts nor Windows is shown by this.
"""

from __future__ import annotations

import sys

import pki
import pytest
from controller import quotes_key
from controller_of_windows import WindowsController, cores, executions
from played_certificates import NAME, certificates, thumbprint
from powershell import HERE

SITES = "port443.https.sites"
EC, EC2 = certificates()["ec"], certificates()["ec2"]
PLACE = f"hostnameport={NAME}:443"
RULE = "port443-https-in-tcp"


@pytest.fixture
def controller(tmp_path):
    """A controller over a host that plays both scripts."""
    made = WindowsController(tmp_path, f'{sys.executable}" "{HERE / "wire_sites.py"}')
    made.set_state(certificates={}, bindings={})
    return made


def site(issued, name=NAME, **options):
    pair = {"certificate": (issued.pem() + pki.intermediate().pem()).decode(), "key": issued.key_pem().decode()}
    return {"name": name, **pair, **options}


def serve(*sites, **options):
    return {SITES: {"sites": list(sites), "firewall": {}, **options}}


@pytest.mark.parametrize("core", cores())
def test_sites_and_ports_are_a_look_each_and_a_change_each(controller, core):
    gone = serve({"name": NAME}, state="absent", remove_certificates=True)
    told = controller.play(
        {**serve(site(EC)), "check_mode": True, "diff": True},
        {**serve(site(EC)), "diff": True},
        serve(site(EC)),
        {**gone, "check_mode": True},
        gone,
        gone,
        {**serve(site(EC)), "async": 20, "poll": 0},
        core=core,
    )
    results, states = zip(*told)
    assert executions(states) == [2, 4, 2, 2, 4, 2, 0], controller.said
    assert [bool(result.get("changed")) for result in results] == [True, True, False, True, True, False, False]
    assert results[0]["diff"] == results[1]["diff"]
    assert results[0]["commands"] == results[1]["commands"]
    assert "diff" not in results[2]
    assert (list(states[1]["bindings"]), list(states[1]["local"])) == ([PLACE], [RULE])
    assert states[0]["certificates"] == states[4]["certificates"] == {}
    assert (states[4]["bindings"], states[4]["local"]) == ({}, {})
    (served,) = results[1]["sites"]
    assert (served["name"], served["fingerprint"], served["names"]) == (NAME, EC.sha256(), [NAME])
    assert served["certificate"] == f"Cert:\\LocalMachine\\My\\{thumbprint(EC)}"
    assert results[1]["firewall"]["backend"] == "windows"
    assert (results[4]["removed"], results[5]["removed"]) == ([NAME], [])
    assert "cannot run with async on Windows" in results[6]["msg"]
    assert not quotes_key(controller.said, EC)


def test_what_windows_does_not_manage_is_refused_in_one_message_before_the_host_is_touched(controller):
    sites = [site(EC, root="/srv/www", acme={}), site(EC2, "b.example", names=["b.example"], key=EC.key_pem().decode())]
    told = controller.play(
        serve(*sites, server="haproxy", firewall={"zone": "public", "state": "present"}),
        serve(*sites[1:], firewall={"zone": "public"}),
        serve(*sites[1:]),
        serve({"name": "c.example"}),
    )
    messages = [result["msg"] for result, _state in told]
    assert executions([state for _result, state in told]) == [0] * 4
    for part in ("server, root of www.example.com, acme of www.example.com. Leave that out", "firewall: state is that"):
        assert part in messages[0]
    assert messages[1].startswith(f"{SITES}: firewall: zone is no option of Windows Firewall: Windows has profiles")
    assert "the key is not the certificate's" in messages[2]
    assert messages[3].startswith(f"{SITES}: c.example: it needs a certificate")
    assert not quotes_key(controller.said, EC)


def test_ports_that_cannot_be_opened_are_a_failure_before_anything_changes(controller):
    controller.set_state(certificates={}, bindings={}, active=4)
    ((result, state),) = controller.play(serve(site(EC), firewall={"require_effective": True}))
    assert result["msg"].startswith(f"{SITES}: firewall: ")
    assert "Nothing was changed" in result["msg"]
    assert (state["bindings"], state["local"], state["runs"]) == ({}, {}, 1)


ENABLE = {"ansible.builtin.include_role": {"name": "port443.https.enable_https"}}


def test_the_role_enables_https_there_and_takes_it_away(controller):
    found = {
        "verify_https_addresses": ["127.0.0.1"],
        "verify_https_report_only": True,
        "verify_https_wait": 0,
        "verify_https_timeout": 1,
    }
    variables = {"enable_https_sites": [site(EC)], "enable_https_trust": "none", **found}
    closed = {"ansible.builtin.include_role": {"name": "port443.https.enable_https", "tasks_from": "close"}}
    told = controller.play(
        {**ENABLE, "vars": variables},
        {**closed, "vars": variables},
        {**ENABLE, "vars": variables},
        {**ENABLE, "vars": {**variables, "enable_https_state": "absent"}},
    )
    states = [state for _result, state in told]
    assert "failed=0" in controller.said, controller.said
    assert [sorted(state["bindings"]) for state in states] == [[PLACE], [PLACE], [PLACE], []]
    assert [sorted(state["local"]) for state in states] == [[RULE], [], [RULE], []]
    assert states[3]["certificates"] == {}


def test_the_role_refuses_a_certificate_that_certbot_would_get(controller):
    variables = {"enable_https_sites": [{"name": NAME, "acme": {}}], "issue_certificate_terms_agreed": True}
    with pytest.raises(AssertionError):  # as the play ends there, and shows no result
        controller.play({**ENABLE, "vars": variables})
    assert f"acme of {NAME}. Leave that out for such hosts" in controller.said
    assert "failed=1" in controller.said
    issued = {"port443.https.certbot_certificate": {"name": NAME, "terms_agreed": True}}
    ((result, state),) = controller.play(issued)
    assert "there is no certbot on Windows" in result["msg"]
    assert state.get("runs", 0) == 0

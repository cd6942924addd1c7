# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a real ansible-core sends to a host for win_certificate, how often, and what becomes of the answers.

The host is a program that plays our script, so neither the script nor Windows is shown by this.
"""

from __future__ import annotations

import re
import sys

import pki
import pytest
from controller import quotes_key
from controller_of_windows import WindowsController, cores, executions
from played_certificates import NAME, at, certificates, thumbprint
from powershell import HERE

OURS = "ansible_collections.port443.https.plugins.module_utils."
SCRIPTS = {
    "_windows_step",
    *(f"_windows_certificate{part}" for part in ("", "_binding", "_handshake", "_host", "_store")),
}
MODULE = "port443.https.win_certificate"
EC, EC2 = certificates()["ec"], certificates()["ec2"]


def task(issued, **options):
    pair = {"certificate": (issued.pem() + pki.intermediate().pem()).decode(), "key": issued.key_pem().decode()}
    return {MODULE: {"name": NAME, "bindings": [{}], "keep": 1, **pair, **options}}


def hidden(issued):
    return [f"password_{thumbprint(issued)}", f"pfx_{thumbprint(issued)}"]


@pytest.fixture
def controller(tmp_path):
    """A controller over a host that plays the script."""
    made = WindowsController(tmp_path, f'{sys.executable}" "{HERE / "wire_certificates.py"}')
    made.set_state(certificates={}, bindings={})
    return made


@pytest.mark.parametrize("core", cores())
def test_a_look_is_one_execution_and_a_change_is_two(controller, core):
    absent = {MODULE: {"name": NAME, "state": "absent"}}
    told = controller.play(
        {**task(EC), "check_mode": True},
        task(EC),
        task(EC),
        task(EC2),
        absent,
        absent,
        {**task(EC), "async": 20, "poll": 0},
        core=core,
        flags=("-vvv", "--diff"),
    )
    results, states = zip(*told)
    assert executions(states) == [1, 2, 1, 2, 2, 1, 0], controller.said
    assert [bool(result.get("changed")) for result in results] == [True, True, False, True, True, False, False]
    assert sorted(states[1]["certificates"]) == sorted([at(EC), f"CA\\{thumbprint(pki.intermediate())}"])
    assert sorted(states[3]["bindings"]) == ["ipport=0.0.0.0:443", "ipport=[::]:443"]
    assert (states[4]["certificates"], states[4]["bindings"]) == ({}, {})
    assert results[0]["diff"] == results[1]["diff"]
    assert results[0]["commands"] == results[1]["commands"]
    assert "cannot run with async on Windows" in results[6]["msg"]
    sent = states[5]["sent"]
    assert [one["hidden"] for one in sent] == [[], [], hidden(EC), [], [], hidden(EC2), [], [], []]
    assert {f"{OURS}{name}.psm1" for name in SCRIPTS} < set(sent[0]["scripts"])
    assert "-EncodedCommand" in sent[0]["command"]
    assert not quotes_key(controller.said, EC)
    assert not re.search("-----BEGIN[^-]*PRIVATE", controller.said)


def test_a_chain_that_windows_does_not_trust_and_another_format_are_failures(controller):
    controller.set_state(certificates={}, bindings={}, chain=["UntrustedRoot"])
    ((result, state),) = controller.play(task(EC))
    assert result["msg"].startswith(f"{MODULE}: Windows does not trust the chain (UntrustedRoot)")
    assert (state["certificates"], state["runs"]) == ({}, 1)
    controller.set_state(certificates={}, bindings={}, format=1)
    ((result, _state),) = controller.play(task(EC))
    assert result["msg"] == f"{MODULE}: the host's script answers in format 1, this collection reads 2"


def test_a_warning_is_on_the_screen(controller):
    ((result, _state),) = controller.play(task(EC, bindings=[{}, {"sni": NAME}]))
    told = f"ipport=0.0.0.0:443 may answer before hostnameport={NAME}:443, whatever name a client asks for"
    assert result["warnings"] == [told]
    assert f"[WARNING]: {told}" in " ".join(controller.said.split())


@pytest.mark.parametrize("core", cores())
def test_where_iis_names_a_certificate_and_microsoft_iis_is_missing_nothing_is_changed(controller, core):
    site = {"site": "Shop", "information": "*:443:", "flags": "0", "thumbprint": "A" * 40, "store": "My"}
    controller.set_state(certificates={}, bindings={}, iis=[site])
    ((result, state),) = controller.play({**task(EC), "check_mode": core == "newest"}, core=core)
    if core == "newest":  # its environment has microsoft.iis, which a check does not run
        assert "AddSslCertificate" in result["commands"][-1]
    else:
        assert "ansible-galaxy collection install microsoft.iis" in result["msg"]
    assert (state["certificates"], state["runs"]) == ({}, 1)


def site(name, issued, **options):
    pair = {"certificate": (issued.pem() + pki.intermediate().pem()).decode(), "key": issued.key_pem().decode()}
    return {"name": name, "names": [NAME], **pair, **options}


ROLE = {"ansible.builtin.include_role": {"name": "port443.https.install_certificate"}}


def install(*sites, **variables):
    return {**ROLE, "vars": {"install_certificate_sites": list(sites), "install_certificate_keep": 1, **variables}}


def test_the_role_and_the_module_certificate_install_there_what_win_certificate_does(controller):
    sites = [site("a.example", EC, bindings=[{"sni": "a.example"}]), site("b.example", EC2, bindings=[{"port": 8443}])]
    certificate = {"port443.https.certificate": {"sites": sites, "keep": 1}}
    absent = {"port443.https.certificate": {"name": "a.example", "state": "absent"}}
    told = controller.play(certificate, certificate, absent)
    results, states = zip(*told)
    assert executions(states) == [2, 1, 2], controller.said
    assert [result["changed"] for result in results] == [True, False, True]
    assert [one["name"] for one in results[0]["sites"]] == ["a.example", "b.example"]
    assert sorted(states[0]["bindings"]) == ["hostnameport=a.example:443", "ipport=0.0.0.0:8443", "ipport=[::]:8443"]
    assert sorted(states[2]["bindings"]) == ["ipport=0.0.0.0:8443", "ipport=[::]:8443"]
    controller.set_state(certificates={}, bindings={})
    ((_result, state),) = controller.play(install(*sites))
    assert "failed=0" in controller.said
    assert len(state["bindings"]) == 3
    assert not quotes_key(controller.said, EC)


def test_what_is_wrong_with_any_site_is_told_in_one_message_before_the_host_is_touched(controller):
    sites = [
        site("a.example", EC, key=EC2.key_pem().decode(), owner="www", bindings=[{}]),
        site("b.example", EC2, bindings=[{"port": 0}]),
        site("c.example", EC2, bindings=[{}]),
        site("d.example", EC2, bindings=[{"address": "::"}]),
    ]
    ((result, state),) = controller.play({"port443.https.certificate": {"sites": sites, "directory": "/srv"}})
    assert state.get("runs", 0) == 0
    for told in (
        "http.sys serves them: directory, owner of a.example.",
        "a.example: the key is not the certificate's",
        "b.example: binding 1: port 0 is not between 1 and 65535",
        "ipport=[::]:443 carries one certificate, and c.example and d.example ask for it",
    ):
        assert told in result["msg"], told
    elsewhere = {"port443.https.certificate": {"name": "a", "bindings": [{}], "state": "absent"}}
    ((result, _state),) = controller.play({**elsewhere, "vars": {"ansible_shell_type": "sh"}})
    assert "bindings are those of http.sys: leave them out where no Windows is" in result["msg"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""win_certificate as a task of ansible-playbook over a Windows shell: the whole wire, on both ends of ansible-core.

Proves routing, executions, arguments on stdin and that no secret is told or kept. The host is played.
"""

from __future__ import annotations

import base64
import re

import pki
import pytest
from controller import quotes_key
from controller_of_windows import WindowsController, executions
from played_certificates import NAME, PlayedWindows, certificates, environment_of, thumbprint, trust
from powershell import find_pwsh

_ONE, _TWO, _THREE, EC, EC2 = certificates().values()
# Keeps what PowerShell is given, on stdin and as arguments, for the test to look at.
EAVESDROPPER = """#!/bin/sh
printf '%s\\n' "$@" >>'{folder}/arguments'
tee -a '{folder}/stdin' | '{pwsh}' "$@"
"""


@pytest.fixture
def controller(tmp_path):
    """A controller over a played host, and what PowerShell is given kept in files."""
    program = tmp_path / "eavesdropper"
    program.write_text(EAVESDROPPER.format(folder=tmp_path, pwsh=find_pwsh()))
    program.chmod(0o755)
    controller = WindowsController(tmp_path, program)
    played = PlayedWindows(tmp_path)
    played.reset()
    trust(played, pki.root())
    controller.environment.update(environment_of(played))
    files = tmp_path / "files"
    files.mkdir()
    for name, issued in (("one", EC), ("two", EC2)):
        (files / f"{name}.crt").write_bytes(issued.pem() + pki.intermediate().pem())
        (files / f"{name}.key").write_bytes(issued.key_pem())
    return controller


def task(name, **options):
    given = {"name": NAME, "certificate_file": f"{name}.crt", "key_file": f"{name}.key", "bindings": [{"port": 8443}]}
    return {"port443.https.win_certificate": {**given, **options}}


def test_a_task_takes_as_few_executions_as_it_can(controller):
    told = controller.play({**task("one"), "check_mode": True}, task("one"), task("one"))
    results, states = [one[0] for one in told], [one[1] for one in told]
    assert [result.get("msg") for result in results] == [None] * 3
    assert [result["changed"] for result in results] == [True, True, False]
    assert executions(states) == [1, 2, 1]
    assert states[0]["names"] == {}
    assert set(states[1]["names"]) == {thumbprint(EC), thumbprint(pki.intermediate())}


@pytest.mark.parametrize("core", ["newest", "oldest"])
def test_no_secret_is_in_the_output_in_an_argument_or_in_a_file(controller, core):
    controller.environment["ANSIBLE_DEBUG"] = "1"
    ((result, _state),) = controller.play(task("one"), core=core, flags=("-vvvvv", "--diff"))
    assert (result.get("msg"), result["changed"]) == (None, True)
    _look_for_secrets(controller)


def _look_for_secrets(controller):
    """Neither the keys nor what they travelled in is in the output, in an argument, or in a file but the test's own."""
    sent = (controller.folder / "stdin").read_text(errors="replace")
    passwords, wrapped = (set(re.findall(rf'"{name}_[0-9A-F]+": ?"([^"]+)"', sent)) for name in ("password", "pfx"))
    assert len(passwords) == len(wrapped) == 1
    needles = [one.encode() for one in passwords]
    needles += [piece for one in wrapped for piece in (one[200:240].encode(), base64.b64decode(one)[200:240])]
    assert quotes_key(EC.key_pem().decode(), EC)
    assert not quotes_key(controller.said, EC)
    own = {"stdin", "eavesdropper"}
    for path in [*controller.folder.rglob("*"), None]:
        if path is None:
            text = controller.said.encode()
        elif path.is_file() and path.name not in own and path.suffix != ".key":
            text = path.read_bytes()
        else:
            continue
        assert not [needle for needle in needles if needle in text], path


def test_what_cannot_be_meant_is_refused_before_the_host_is_touched(controller):
    tasks = [
        {**task("one"), "async": 20, "poll": 0},
        task("one", key_file="two.key"),
        task("one", bindings=[{"port": 0}, {"sni": "a.example", "address": "::"}, {"address": "here"}, {"appid": "x"}]),
        task("one", kept=3),
        {**task("one"), "vars": {"ansible_shell_type": "sh"}},
        {**task("one"), "environment": {}, "vars": {"ansible_connection": "local", "ansible_shell_type": "sh"}},
    ]
    told = controller.play(*tasks)
    messages = [result["msg"] for result, _state in told]
    assert all(result.get("failed") for result, _state in told)
    assert "cannot run with async on Windows, as it takes two steps" in messages[0]
    assert "the key is not the certificate's" in messages[1]
    assert messages[2] == (
        "port443.https.win_certificate: binding 1: port 0 is not between 1 and 65535; binding 2: a binding by sni "
        "answers at every address: leave out address, or sni; binding 3: address 'here' is not an IP address: give one "
        "such as 192.0.2.7 or ::, or leave it out for all addresses; binding 4: appid 'x' is not a GUID such as "
        "7d2b9a54-0f6e-4f2b-9a3c-443044300443"
    )
    assert "there is no option kept" in messages[3]
    assert "this connection leads to none: use port443.https.certificate" in messages[4]
    assert executions([state for _result, state in told]) == [0] * len(tasks)


def test_a_host_that_would_keep_the_key_in_a_file_is_refused(controller):
    controller.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
    ((result, _state),) = controller.play(task("one"))
    assert "keep_remote_files" in result["msg"]

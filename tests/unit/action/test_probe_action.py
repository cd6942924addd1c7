# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a look is made from: by the controller itself where the module would run there just so, else by the module."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.action import probe

HERE = {"ansible_delegated_vars": {"localhost": {"ansible_python_interpreter": sys.executable}}}
ANSWER = {"changed": False, "ok": False, "msg": "1 of 1 checks failed"}


def make(transport="local", become=None, task=None):
    connection = SimpleNamespace(transport=transport, become=become)
    known = {"async_val": 0, "environment": [], "delegate_to": "localhost", **(task or {})}
    return SimpleNamespace(_connection=connection, _task=SimpleNamespace(**known))


@pytest.mark.parametrize(
    ("action", "known", "here"),
    [
        ({}, HERE, True),
        ({"task": {"delegate_to": None}}, {"ansible_python_interpreter": sys.executable}, True),
        ({"task": {"delegate_to": None}}, {"ansible_python_interpreter": "/usr/bin/another"}, False),
        ({"task": {"delegate_to": None}}, {}, False),
        ({"transport": "ssh"}, HERE, False),
        ({"become": "sudo"}, HERE, False),
        ({"task": {"async_val": 30}}, HERE, False),
        ({"task": {"environment": [{}]}}, HERE, True),
        ({"task": {"environment": [{"SSL_CERT_FILE": "/x"}]}}, HERE, False),
    ],
)
def test_the_controller_looks_itself_where_the_module_would_run_there_just_so(action, known, here, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert probe.ActionModule._looks_from_here(make(**action), known) is here


def test_on_macos_a_process_of_its_own_looks(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert probe.ActionModule._looks_from_here(make(), HERE) is False


@pytest.mark.parametrize(
    ("report_only", "ok", "failed"), [(False, False, True), (True, False, None), (False, True, None)]
)
def test_a_look_from_here_ends_as_the_module_does(monkeypatch, report_only, ok, failed):
    told = []
    monkeypatch.setattr(probe, "look", lambda params, mark: ({**ANSWER, "ok": ok}, ("no route over ipv6",)))
    action = SimpleNamespace(_display=SimpleNamespace(warning=told.append))
    ended = probe.ActionModule._look(action, {"report_only": report_only}, {})
    assert (ended.get("failed"), ended["ok"], told) == (failed, ok, ["no route over ipv6"])


def test_what_cannot_be_asked_is_told_without_a_traceback():
    params = {"host": [""], "names": [], "ca": None, "ca_file": None}
    with pytest.raises(AnsibleActionFail, match="host is empty"):
        probe.ActionModule._look(SimpleNamespace(), params, {})


def test_keys_of_sites_go_no_further():
    sites = [{"name": "a", "key": "secret", "passphrase": "secret", "bundle": "secret", "root": "/srv"}, "no site"]
    assert probe._drop_secrets(sites) == [{"name": "a", "root": "/srv"}, "no site"]
    assert probe._drop_secrets("no list") == "no list"

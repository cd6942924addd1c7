# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a secret goes to a host: hidden from what the controller prints, and in a file of its own under async."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pki
import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible_collections.port443.https.plugins.module_utils._secrets import FILE, SecretModule, mask
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import Hidden, execute

GIVEN = {"name": "www.example.com", "key": "the key", "passphrase": "sesame", "bundle": None}
SECRET = ("key", "bundle", "passphrase")


def join(*parts):
    return "/".join(map(str, parts))


class Action:
    """An action plugin over a host that is a folder; ``did`` is what it did there, in order."""

    def __init__(self, folder, asynchronous):
        self._task = SimpleNamespace(async_val=asynchronous)
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None, join_path=join))
        self.folder = folder
        self.did = []
        self.sent = {}

    def _make_tmp_path(self):
        self._connection._shell.tmpdir = str(self.folder)

    def _transfer_data(self, path, text):
        self.did.append("transfer")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)

    def _remote_chmod(self, paths, mode):
        self.did.append(mode)

    def _fixup_perms2(self, paths, execute):
        self.did.append("fix")

    def _execute_module(self, module_name, module_args, task_vars, wrap_async):
        self.did.append("execute")
        self.sent.update(module=module_name, args=module_args, variables=task_vars, wrap=wrap_async)
        return {"msg": "it quotes the key", "seen": ["sesame!"], "changed": True}


def test_without_async_the_secrets_are_arguments_that_are_not_printed(tmp_path):
    action = Action(tmp_path, 0)
    result = execute(action, "certificate", GIVEN, SECRET, {"a": "b"})
    assert action.did == ["execute"]
    assert json.loads(json.dumps(action.sent["args"])) == GIVEN
    assert "the key" not in repr(action.sent) + f"{action.sent}"
    assert "sesame" not in repr(action.sent)
    assert result == {"msg": "it quotes ********", "seen": ["********!"], "changed": True}


def test_with_async_they_are_in_a_file_for_the_user_of_the_task_alone(tmp_path):
    action = Action(tmp_path, 60)
    execute(action, "certificate", GIVEN, SECRET, None)
    assert action.did == ["transfer", "u=rw,go=", "fix", "execute"]
    assert action.sent["args"] == {"name": "www.example.com", "bundle": None, FILE: f"{tmp_path}/secrets"}
    assert json.loads((tmp_path / "secrets").read_text()) == {"key": "the key", "passphrase": "sesame"}


def test_what_has_no_secrets_is_sent_as_ever(tmp_path):
    action = Action(tmp_path, 60)
    execute(action, "certificate", {"name": "a"}, SECRET, None)
    assert (action.did, action.sent["args"]) == (["execute"], {"name": "a"})


@pytest.mark.parametrize("asynchronous", [0, 60])
def test_ansible_may_not_keep_it_on_the_host(tmp_path, monkeypatch, asynchronous):
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    action = Action(tmp_path, asynchronous)
    with pytest.raises(AnsibleActionFail, match="keep_remote_files"):
        execute(action, "certificate", GIVEN, SECRET, None)
    assert action.did == []
    execute(action, "certificate", {"name": "a"}, SECRET, None)
    assert action.did == ["execute"]


def test_hidden_text_is_itself_but_for_what_is_printed():
    assert Hidden("x") == "x"
    assert str({"a": Hidden("x")}) == "{'a': '********'}"
    assert json.dumps(Hidden("x")) == '"x"'


def test_longer_secrets_are_masked_first():
    assert mask({"a": ["abc", ("ab", 1, None, True)]}, ["ab", "abc", ""]) == {
        "a": ["********", ["********", 1, None, True]]
    }
    assert mask({"a": "b"}, []) == {"a": "b"}


SPEC = {"name": {"type": "str"}, "key": {"type": "str", "no_log": True}, "passphrase": {"type": "str", "no_log": True}}
REQUIRED = [("name", "x", ("key",))]


@pytest.fixture
def module(monkeypatch, capsys):
    """A module with these arguments, and what it logs and prints."""
    logged = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, log_args=None: logged.append((msg, log_args)))

    def make(**arguments):
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        return SecretModule(argument_spec=SPEC, required_if=REQUIRED)

    make.logged = logged
    make.printed = lambda: capsys.readouterr().out
    return make


@pytest.mark.parametrize("apart", [False, True])
def test_a_module_has_its_secrets_and_ansible_has_them_not(module, tmp_path, apart):
    secrets = {"key": pki.site().key_pem().decode(), "passphrase": "sesame"}
    file = tmp_path / "secrets"
    if apart:
        file.write_text(json.dumps(secrets))
    made = module(name="x", **({FILE: str(file)} if apart else secrets))
    assert not file.exists()
    assert made.all_params() == {"name": "x", **secrets}
    assert set(made.params) == {"name", "key", "passphrase"}
    with pytest.raises(SystemExit):
        made.exit_json(msg="sesame and " + secrets["key"], changed=True, days=3)
    printed = module.printed()
    told = json.loads(printed)
    assert (told["msg"], told["changed"], told["days"]) == ("******** and ********", True, 3)
    for text in (printed, repr(module.logged)):
        assert "sesame" not in text
        assert secrets["key"].splitlines()[1] not in text
        assert "Invoked with name=x" in repr(module.logged)


def test_a_failure_shows_none_either(module):
    made = module(name="x", key="the key")
    with pytest.raises(SystemExit):
        made.fail_json(msg="no the key", seen="the key")
    told = json.loads(module.printed())
    assert (told["msg"], told["seen"], told["failed"]) == ("no ********", "********", True)


def test_a_file_that_is_a_link_is_not_followed(module, tmp_path):
    (tmp_path / "theirs").write_text("{}")
    (tmp_path / "secrets").symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="secrets"):
        module(name="x", **{FILE: str(tmp_path / "secrets")})
    assert (tmp_path / "theirs").exists()

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What certbot_certificate refuses on the controller, and how it comes by a certbot that is missing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.action import certbot_certificate
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

GIVEN = {"sites": [{"name": "a.example"}], "terms_agreed": True, "install": True}
DONE = {"changed": False, "sites": [], "diff": []}
MISSING = {"changed": False, "missing": True}


@pytest.fixture
def perform(monkeypatch):
    """Runs the action plugin over a host that answers with ``answers``, one after the other; ``did`` is what it did."""
    did = []

    def run(answers, check_mode=False, asynchronous=0, refusal="", **given):
        left = list(answers)

        def execute(self, arguments, task_vars):
            did.append(("execute", arguments["install"]))
            return dict(left.pop(0))

        def install(action, packages, command, task_vars):
            did.append(("install", list(packages)))
            if refusal:
                raise HostError(refusal)

        monkeypatch.setattr(certbot_certificate.ActionModule, "execute", execute)
        monkeypatch.setattr(certbot_certificate, "install_packages", install)
        action = object.__new__(certbot_certificate.ActionModule)
        action._task = SimpleNamespace(check_mode=check_mode, async_val=asynchronous, _role=None)
        action._connection = SimpleNamespace(_shell=SimpleNamespace())
        arguments = {**GIVEN, **given}
        return action.perform(arguments, action._check(arguments, []), {})

    run.did = did
    return run


def test_a_certbot_that_is_there_takes_one_execution(perform):
    assert perform([DONE]) == {**DONE, "installed": []}
    assert perform.did == [("execute", True)]


def test_one_that_is_missing_is_installed_and_then_used(perform):
    result = perform([MISSING, {**DONE, "diff": [{"before": "", "after": "x\n"}]}], package=["certbot", "python3-acme"])
    assert perform.did == [("execute", True), ("install", ["certbot", "python3-acme"]), ("execute", False)]
    assert (result["changed"], result["installed"]) == (True, ["certbot", "python3-acme"])
    assert [one["after"] for one in result["diff"]] == ["certbot is installed\npython3-acme is installed\n", "x\n"]


def test_a_check_says_what_would_be_installed_and_issued_and_installs_nothing(perform):
    result = perform([{**DONE, "missing": True}], check_mode=True)
    assert perform.did == [("execute", True)]
    assert (result["changed"], result["installed"], result["sites"]) == (True, ["certbot"], [])
    assert "missing" not in result
    assert result["diff"][0]["after"] == "certbot is installed\n"


def test_what_cannot_be_installed_is_told_with_the_words_of_the_manager(perform):
    with pytest.raises(AnsibleActionFail) as refused:
        perform([MISSING], refusal="No package matching 'certbot'")
    assert str(refused.value) == (
        "port443.https.certbot_certificate: certbot is not installed on this host, and cannot be installed from "
        "certbot: No package matching 'certbot'"
    )


@pytest.mark.parametrize("given", [{"install": False}, {"asynchronous": 60}])
def test_the_host_itself_refuses_where_nothing_is_to_be_installed_or_nobody_is_there_to_do_it(perform, given):
    assert perform([DONE], **given) == DONE
    assert perform.did == [("execute", False)]


def test_a_site_that_fails_behind_an_installation_is_told_with_it(perform):
    result = perform([MISSING, {"failed": True, "msg": "1 of 1 sites failed", "sites": []}])
    assert (result["failed"], result["changed"], result["installed"]) == (True, True, ["certbot"])


def test_where_sites_are_given_up_nothing_is_said_of_packages(perform):
    assert perform([DONE], state="absent") == DONE


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "one of the following is required: name, sites"),
        ({"name": "a", "sites": []}, "parameters are mutually exclusive: name|sites"),
        ({"names": ["a"], "sites": [{"name": "a"}]}, "parameters are mutually exclusive: names|sites"),
        ({"sites": [{"name": "a", "key": "x"}]}, "there is no option sites.key."),
        (
            {"name": "a", "terms_agreed": True, "account_mac_key": "s3cret?"},
            "account_key_id and account_mac_key go together",
        ),
        (
            {"sites": [{"name": "a", "names": ["*.a.example"]}, {"name": "b c"}], "terms_agreed": True},
            "sites[0] (a): *.a.example: a wildcard is proved by DNS alone",
        ),
    ],
)
def test_what_cannot_be_meant_touches_no_host(play, tmp_path, given, told):
    said = play([{"port443.https.certbot_certificate": given}], tmp_path / "play.yml", tmp_path, "-vvv")
    assert told in " ".join(said.split())
    assert "Using module file" not in said
    assert ("sites[1] (b c): name 'b c' cannot be" in said) == ("sites[0]" in told)


def test_it_comes_to_the_host_in_one_execution(play, tmp_path):
    """A folder of one's own stands in for one that is not there: nothing is done on this machine."""
    given = {
        **GIVEN,
        "install": False,
        "webroot": str(tmp_path / "none"),
        "sites": [{"name": "a.example"}, {"name": "b"}],
    }
    task = {"port443.https.certbot_certificate": given}
    said = play([task], tmp_path / "play.yml", tmp_path, "-vvv", "--check")
    assert f"webroot {tmp_path}/none does not exist" in said
    assert said.count("Using module file") == 1

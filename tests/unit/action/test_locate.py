# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the result of a look becomes with where its connections ended, and which host is asked, as whom."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.port443.https.plugins.module_utils._payload import ARGUMENT
from ansible_collections.port443.https.plugins.modules.probe import ATTEMPTS, MARK
from ansible_collections.port443.https.plugins.plugin_utils import _locate, _own_connection
from ansible_collections.port443.https.plugins.plugin_utils._locate import Locator, merge

LOST = {
    "check": "tcp",
    "name": "",
    "address": "192.0.2.7",
    "family": "ipv4",
    "port": 443,
    "ok": False,
    "outcome": "timed out",
    "detail": "no answer in 1 s",
}
ATTEMPT = {
    "host": "a.example",
    "address": "192.0.2.7",
    "family": "ipv4",
    "port": 443,
    "protocol": "tcp",
    "outcome": "timed out",
    "sources": [["192.0.2.1", 4000]],
    "segment": 1221,
    "named": ["192.0.2.7"],
}
ENDED = {
    "address": "192.0.2.7",
    "family": "ipv4",
    "port": 443,
    "protocol": "tcp",
    "ends": "in the host",
    "because": "x",
}
WELL = {**LOST, "ok": True, "outcome": "ok", "detail": "connected"}
PARAMS = {"locate": "on_failure", "port": 443, "http_port": 80, "checks": ["tcp"], "timeout": 1.0}


def looked(result=None, **more):
    result = result or LOST
    attempt = {**ATTEMPT, "outcome": result["outcome"]}
    return {"ok": result["ok"], "results": [dict(result)], "msg": "said", ATTEMPTS: [attempt], **more}


class Asked:
    """A host that answers with these, one after the other, and notes what it is asked."""

    def __init__(self, monkeypatch, *answers, windows=False):
        self.answers, self.asked, self.looks, self.ended = list(answers), [], [], 0
        host = SimpleNamespace(is_windows=windows, variables={}, end=self.end)
        monkeypatch.setattr(_locate, "connect_host", lambda action, task_vars: host)
        monkeypatch.setattr(_locate, "execute_packed", self.execute)

    def execute(self, host, module, arguments, secret, variables):
        self.asked.append(arguments)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self):
        self.ended += 1

    def run(self, *looks, **params):
        left = list(looks)

        def look(more):
            self.looks.append(more)
            return left.pop(0)

        return Locator(SimpleNamespace(), {**PARAMS, **params}, {}).run(look)


BEGUN = {"recorder": "0" * 32, "blind": ""}


def test_where_all_is_well_nobody_is_asked(monkeypatch):
    asked = Asked(monkeypatch)
    assert asked.run(looked(WELL)) == {"ok": True, "results": [WELL], "msg": "said"}
    assert (asked.asked, asked.looks, asked.ended) == ([], [{MARK: 0}], 0)


def test_three_executions_tell_where_it_ends(monkeypatch):
    asked = Asked(monkeypatch, BEGUN, {"ends": [ENDED]})
    found = asked.run(looked(), looked())
    start, end = asked.asked
    assert (start["state"], start["source"], start["ports"], start["seconds"]) == ("started", ["192.0.2.1"], [443], 75)
    assert end == {"state": "ended", **BEGUN, "attempts": [ATTEMPT]}
    assert asked.looks == [{MARK: 0}, {MARK: start["mark"], "wait": 0}]
    assert (start["mark"] % 2, 1221 <= start["mark"] <= 1281) == (1, True)
    assert found["ends"] == [ENDED]
    assert found["table"] == [
        "check  name  where          outcome    ends         detail",
        "tcp    -     192.0.2.7:443  timed out  in the host  no answer in 1 s",
        "192.0.2.7:443 ends in the host: x",
    ]
    assert found["msg"] == "said; 192.0.2.7:443 ends in the host: x"
    assert (ATTEMPTS in found, asked.ended) == (False, 1)


def test_a_look_that_then_succeeds_is_told_with_a_warning(monkeypatch):
    asked = Asked(monkeypatch, BEGUN, {"ends": [{**ENDED, "ends": "reached"}]})
    found = asked.run(looked(), looked(WELL))
    assert found["ok"]
    assert found["warnings"] == ["a first look failed, and a second one a moment later did not: said"]
    assert "ends" not in found


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([AnsibleConnectionFailure("no way to the host")], "no way to the host"),
        ([{"failed": True, "msg": "no Python"}], "the host could not be asked: no Python"),
        ([BEGUN, {"failed": True, "msg": "gone", "module_stderr": "sudo: a password\n is required"}], "gone sudo: a"),
    ],
)
def test_a_host_that_cannot_be_asked_is_told(monkeypatch, answers, why):
    asked = Asked(monkeypatch, *answers)
    (told,) = asked.run(looked(), looked())["ends"]
    assert (told["ends"], why in told["because"], asked.ended) == ("not known", True, 1)


def test_windows_has_no_recorder_which_is_told(monkeypatch):
    asked = Asked(monkeypatch, windows=True)
    (told,) = asked.run(looked())["ends"]
    assert told["because"] == (
        "by rules and sockets alone (Windows has no recorder here): nothing more is known of the host"
    )


def test_what_a_look_says_that_failed_itself_stays(monkeypatch):
    broken = {"failed": True, "msg": "no Python here"}
    asked = Asked(monkeypatch, BEGUN, {"ends": []})
    assert asked.run(dict(broken), locate="always") == broken
    assert [one["state"] for one in asked.asked] == ["started", "ended"]


def test_of_what_is_well_nothing_is_told_unless_all_is_asked_for():
    reached = {**ENDED, "ends": "reached"}
    found = {"results": [WELL], "msg": "said"}
    attempts = [{**ATTEMPT, "outcome": "ok"}]
    assert merge(dict(found), attempts, [reached]) == found
    assert merge(dict(found), attempts, [reached], everything=True)["ends"] == [reached]


@pytest.mark.parametrize(
    ("variables", "task", "transport", "user", "expected"),
    [
        ({}, False, "ssh", "root", False),
        ({}, False, "ssh", "admin", True),
        ({}, False, "podman", None, False),
        ({"ansible_become": "no"}, False, "ssh", "admin", False),
        ({"ansible_become": True}, False, "ssh", "root", True),
        ({}, True, "ssh", "root", True),
    ],
)
def test_root_is_become_where_somebody_else_connects(variables, task, transport, user, expected):
    connection = SimpleNamespace(transport=transport, get_option=lambda name: user)
    action = SimpleNamespace(_templar=SimpleNamespace(template=lambda value: value))
    assert _own_connection._must_become(action, connection, SimpleNamespace(become=task), variables) is expected


def test_what_is_packed_is_the_code_of_the_witness():
    from ansible_collections.port443.https.plugins.module_utils._payload import collect, entry_of

    names = collect(entry_of("witness"))
    assert any(name.endswith("_witness.judge") for name in names)
    assert ARGUMENT == "_payload"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites and their ports in one execution: the firewall is looked at first, changed last, and told of in one result."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils._entry import sites_and_ports
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Run
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result

STEP = Run(("iptables", "-A"))
SERVED = {"changed": True, "sites": [], "diff": [{"before": "", "after": "a site\n"}]}


class Played:
    """What was done, in its order; ``failing`` are the calls that raise."""

    def __init__(self, monkeypatch, steps=(STEP,), served=None, failing=()):
        self.done, self.steps, self.failing = [], steps, failing
        self.served = SERVED if served is None else served
        monkeypatch.setattr(sites_and_ports, "ensure", self.ensure)
        monkeypatch.setattr(sites_and_ports, "serve", self.serve)
        monkeypatch.setattr(sites_and_ports, "FirewallHost", lambda: None)

    def note(self, what):
        self.done.append(what)
        if what in self.failing:
            raise HostError(f"{what} fails")

    def ensure(self, _host, _request, check):
        self.note("look" if check else "open")
        changes = [Change("rules", "", "a rule\n")] if self.steps else []
        return Result("iptables", self.steps, tuple(changes), (), "rehearsed", ("a word",))

    def serve(self, _module):
        self.note("serve")
        return dict(self.served), ("another",)

    def run(self, check=False, state="present"):
        module = SimpleNamespace(
            params={"firewall": {"ports": ["443/tcp"], "state": state}}, check_mode=check, _diff=True
        )
        return sites_and_ports._serve_and_open(module)


def test_the_firewall_is_looked_at_before_anything_else_and_opened_after_it(monkeypatch):
    played = Played(monkeypatch)
    result, warnings = played.run()
    assert played.done == ["look", "serve", "open"]
    assert (result["changed"], result["firewall"]["changed"], warnings) == (True, True, ("another", "a word"))
    assert [change["after"] for change in result["diff"]] == ["a site\n", "a rule\n"]
    assert "diff" not in result["firewall"]


@pytest.mark.parametrize(
    ("options", "check"),
    [({}, True), ({"steps": ()}, False), ({"served": {"changed": False, "missing": {"packages": ["nginx"]}}}, False)],
)
def test_a_look_is_enough_in_check_mode_where_all_is_open_and_where_the_server_has_to_come_first(
    monkeypatch, options, check
):
    played = Played(monkeypatch, **options)
    result, _warnings = played.run(check)
    assert played.done == ["look", "serve"]
    assert result["firewall"]["changed"] is bool(played.steps)


def test_ports_alone_make_a_run_changed(monkeypatch):
    result, _warnings = Played(monkeypatch, served={**SERVED, "changed": False}).run()
    assert result["changed"] is True


def test_a_firewall_that_cannot_be_told_is_a_failure_before_anything_changes(monkeypatch):
    played = Played(monkeypatch, failing=("look",))
    with pytest.raises(HostError) as refused:
        played.run()
    assert (played.done, refused.value.message) == (["look"], "look fails")


@pytest.mark.parametrize(
    ("changed", "state", "told"),
    [
        (True, "present", "the sites are served as asked"),
        (True, "absent", "the sites are gone as asked"),
        (False, "present", "nothing had to be done about the sites"),
    ],
)
def test_ports_that_cannot_be_opened_after_all_say_what_became_of_the_sites(monkeypatch, changed, state, told):
    played = Played(monkeypatch, served={**SERVED, "changed": changed}, failing=("open",))
    with pytest.raises(HostError) as refused:
        played.run(state=state)
    assert refused.value.message == f"firewall: open fails ({told})"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reload is done, and taken back, only where nobody loses anything at that moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import reload as _reload
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import find_ours
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Refusal
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from recorded_firewalld import BASE, LOADED, RICH, observed, opened, plan, with_runtime

OURS = find_ours("https", ())
BAN = "ip filter f2b-nginx: -A f2b-nginx -s 192.0.2.66/32 -j REJECT"


class Machine:
    """A host whose firewalld does what it is told, as it was when the set was planned or as it is by now."""

    def __init__(self, monkeypatch, have, refusal=None):
        self.have = have
        self.called = []
        self.written = {}
        self._refusal = refusal
        monkeypatch.setattr(_reload, "observe_kernel", lambda host: None)
        monkeypatch.setattr(_reload, "observe", lambda host, kernel: self.have)

    def ask(self, methods):
        self.called += [method.member for method in methods]
        for method in methods:
            if method.member == "removeService":
                self.have = with_runtime(self.have, services=BASE)
        return tuple(self._refusal or (True,) for _method in methods)

    def write(self, path, before, after):
        self.written[path] = after


def with_ban(have):
    """The same host by the time that fail2ban has banned somebody."""
    return replace(have, daemon=replace(have.daemon, keeps=(BAN,)))


def test_a_reload_is_done_where_nobody_loses_anything(monkeypatch):
    made = plan(observed())
    machine = Machine(monkeypatch, observed())
    apply.apply(machine, made.steps)
    assert machine.called == ["checkPermanentConfig", "reload"]


def test_what_comes_between_the_look_and_the_reload_stays_and_the_files_are_put_back(monkeypatch):
    made = plan(observed())
    machine = Machine(monkeypatch, with_ban(observed()))
    with pytest.raises(Overtaken, match=f"what a reload of firewalld would take away: {BAN}"):
        apply.apply(machine, made.steps)
    assert machine.called == ["checkPermanentConfig"]
    assert set(machine.written.values()) == {None}


def test_a_reload_that_firewalld_refuses_is_told_in_its_words(monkeypatch):
    machine = Machine(monkeypatch, observed(), Refusal("", "INVALID_ZONE: gone"))
    with pytest.raises(HostError, match=r"reload failed and said: INVALID_ZONE: gone"):
        _reload.Reload(OURS).carry_out(machine)


def test_taking_back_reloads_once_more(monkeypatch):
    made = plan(observed())
    machine = Machine(monkeypatch, opened(observed()))
    assert apply.undo(machine, made.steps) == ""
    assert machine.called == ["reload"]


def test_taking_back_takes_ours_alone_where_others_would_lose_something_by_now(monkeypatch):
    made = plan(observed())
    machine = Machine(monkeypatch, with_ban(opened(observed())))
    assert apply.undo(machine, made.steps) == ""
    assert machine.called == ["removeService"]


def test_rich_rules_come_back_where_they_were(monkeypatch):
    before = with_runtime(opened(observed()), rules_str=RICH, services=BASE)
    step = _reload.Try(OURS, _reload.state_of(before.daemon, OURS))
    machine = Machine(monkeypatch, with_ban(opened(observed())))
    with pytest.raises(HostError):  # this firewalld knows of the service, and puts no rule in
        step.take_back(machine)
    assert machine.called == ["removeService", "addRichRule", "addRichRule"]


def test_a_definition_that_only_a_reload_would_bring_back_is_told(monkeypatch):
    before = opened(observed())
    step = _reload.Try(OURS, _reload.state_of(before.daemon, OURS))
    services = {**before.daemon.services, "port443-https": replace(LOADED, ports=LOADED.ports[:1])}
    machine = Machine(monkeypatch, replace(before, daemon=replace(before.daemon, services=services, keeps=(BAN,))))
    with pytest.raises(HostError) as problem:
        step.take_back(machine)
    assert problem.value.message == (
        f"firewalld was not reloaded, which would take away {BAN}: when that may be, run firewall-cmd --reload"
    )
    assert machine.called == []

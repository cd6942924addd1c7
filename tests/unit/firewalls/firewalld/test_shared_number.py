# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two sets whose names come to the same number: each is what it would be without the other."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import find_ours
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import find_known
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.runtime import find_losses
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    render_service,
)
from ansible_collections.port443.https.plugins.module_utils._ports import engine, platform_linux
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from recorded_firewalld import (
    BASE,
    PUBLIC,
    RecordedHost,
    calls,
    kernel,
    observed,
    pinned,
    plan,
    request,
    stock,
    with_file,
    with_runtime,
    with_saved,
    writes,
)

GAMES = {"name": "games", "ports": ["27015/udp"]}
ICINGA = {"name": "icinga", "ports": ["5665/tcp"]}
RULE = 'rule priority="16794" port port="27015" protocol="udp" accept'
TIMED = RULE.replace("16794", "16795")
PORT = PortRule("udp", 27015, 27015)
DEFINITION = render_service("games", "port443-games", (PORT,), ("zones/public.xml",))
SERVICE = "/etc/firewalld/services/port443-games.xml"
LINE = b'  <service name="port443-games"/>\n'
SAVED_RULE = b'  <rule priority="16794"><port port="27015" protocol="udp"/><accept/></rule>\n'
REFUSED = (
    "firewalld would keep the rules of the sets icinga and games under the same priority 16794, so that nobody could "
    "tell them apart: give the set icinga another name; nothing was changed"
)


def with_games(have, *rules, line=LINE):
    """The same host with the set games: in the files, and at runtime by these rich rules."""
    have = with_file(have, PUBLIC, stock(have).replace(b"</zone>", line + b"</zone>"))
    have = replace(have, services={"port443-games": DEFINITION})
    return with_runtime(with_saved(have, services=[*BASE, "port443-games"]), rules_str=list(rules))


def let_in(have):
    """The same host where the service of games is let in at runtime, and has no file."""
    services = {**have.daemon.services, "port443-games": ServiceDefinition((PORT,))}
    have = replace(have, daemon=replace(have.daemon, services=services))
    return with_runtime(have, services=[*BASE, "port443-games"])


def stopped():
    """A host with games in its files, on which firewalld does not run."""
    host = RecordedHost("1.3.3", runs=False)
    host.files[SERVICE] = DEFINITION
    return Firewalld().observe(host, kernel())


@pytest.mark.parametrize(
    "have",
    [with_games(pinned(), RULE), let_in(pinned()), let_in(with_games(observed())), stopped()],
    ids=["by its rules", "let in now", "by its service", "in the files"],
)
def test_a_set_beside_one_with_its_number_is_refused(have):
    with pytest.raises(HostError) as refused:
        plan(have, **ICINGA)
    assert refused.value.message == REFUSED


def test_the_number_that_is_told_is_that_of_the_rules():
    with pytest.raises(HostError, match="the sets icinga and games under the same priority 16795, so"):
        plan(with_games(pinned(), RULE), **ICINGA, timeout="5m")


class LockedHost(RecordedHost):
    """A host that the engine can look at, and that has nothing to change it with."""

    lock_path = "/nonexistent/lock"

    def system(self):
        return "Linux"

    def lock(self):
        return contextlib.nullcontext()


@pytest.mark.parametrize("check", [True, False])
def test_that_is_refused_before_anything_changes_and_in_check_mode(check, monkeypatch):
    host = LockedHost("1.3.3")
    host.files[SERVICE] = DEFINITION
    monkeypatch.setattr(platform_linux, "observe_kernel", lambda host: kernel())
    with pytest.raises(HostError) as refused:
        engine.ensure(host, request(**ICINGA), check)
    assert refused.value.message == REFUSED


@pytest.mark.parametrize("line", [LINE, SAVED_RULE], ids=["a service", "what runtime-to-permanent saved"])
def test_removing_the_other_leaves_the_rules_of_the_set(line):
    have = with_saved(with_games(pinned(), RULE, TIMED, line=line), rules_str=[RULE])
    made = plan(have, name="icinga", state="absent")
    assert (made.steps, made.changes) == ((), ())


def test_removing_the_other_again_leaves_them_where_firewalld_has_not_forgotten_it_yet():
    have = with_games(pinned(), RULE)
    services = {**have.daemon.services, "port443-icinga": ServiceDefinition((PortRule("tcp", 5665, 5665),))}
    have = replace(have, daemon=replace(have.daemon, services=services))
    assert plan(have, name="icinga", state="absent").steps == ()


def test_the_set_stays_as_it_is_and_goes_with_its_rules_whoever_asked_for_the_other():
    have = with_games(pinned(), RULE)
    assert plan(have, **GAMES).steps == ()
    with pytest.raises(HostError):
        plan(have, **ICINGA)
    made = plan(have, **GAMES, state="absent")
    assert calls(made) == [".config.zone.removeService port443-games", f".zone.removeRichRule public {RULE}"]
    assert set(writes(made)) == {"/etc/firewalld/zones/public.xml", SERVICE}


def test_a_set_that_is_not_there_any_more_is_in_nobodys_way():
    have = let_in(pinned())
    have = with_runtime(have, services=BASE)
    assert calls(plan(have, **ICINGA))[-1] == (
        '.zone.addRichRule public rule priority="16794" port port="5665" protocol="tcp" accept 0'
    )


def test_rules_of_the_number_are_the_sets_own_where_no_other_is_there():
    have = with_runtime(observed(), rules_str=[RULE])
    assert calls(plan(have, name="games", state="absent")) == [f".zone.removeRichRule public {RULE}"]


def test_a_reload_would_take_the_rules_of_the_set_from_it():
    have = with_runtime(with_games(observed(), RULE), services=[*BASE, "port443-games"])
    for name, losses in (("games", ()), ("icinga", ("zone public",))):
        assert find_losses(have.daemon, find_ours(name, find_known(have)), have.definitions) == losses


@pytest.mark.parametrize(("name", "holds"), [("games", True), ("icinga", False)])
def test_a_file_with_the_number_is_the_sets_that_has_a_service(name, holds):
    host = RecordedHost("1.3.3", runs=False)
    host.files["/etc/firewalld/zones/work.xml"] = b'<zone><rule priority="16794"/></zone>'
    assert Firewalld().may_hold(host, kernel(), request(name=name))
    host.files[SERVICE] = DEFINITION
    assert Firewalld().may_hold(host, kernel(), request(name=name)) is holds

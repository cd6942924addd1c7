# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for a set: by a reload, by the service, by rich rules, in the files, and for what others have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    parse_service,
    render_service,
)
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Write
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from recorded_firewalld import (
    BASE,
    CHECK,
    DEFINED,
    LINE,
    PUBLIC,
    RELOAD,
    RICH,
    SERVICE,
    TIMED,
    VERSIONS,
    ZONE_FILE,
    RecordedHost,
    calls,
    kernel,
    links,
    observed,
    opened,
    pinned,
    plan,
    stock,
    with_file,
    with_line,
    with_runtime,
    with_saved,
    writes,
)


@pytest.mark.parametrize("version", VERSIONS)
def test_where_nobody_loses_anything_the_files_are_written_and_loaded(version):
    have = observed(version)
    made = plan(have)
    assert calls(made) == [CHECK, RELOAD]
    assert writes(made) == {SERVICE: DEFINED, ZONE_FILE: with_line(stock(have))}
    assert [str(step).split("\n", 1)[0].split(" ")[-1] for step in made.steps][1:3] == [SERVICE, ZONE_FILE]
    assert (made.persisted, made.risky, made.warnings) == ("rehearsed", True, ())


@pytest.mark.parametrize("version", VERSIONS)
def test_where_a_reload_would_take_something_firewalld_is_told_and_not_reloaded(version):
    have = pinned(version)
    made = plan(have)
    assert calls(made) == [
        ".config.addService2 port443-https {'short': ('s', 'port443-https'), "
        "'ports': ('a(ss)', (('80', 'tcp'), ('443', 'tcp')))}",
        ".config.zone.addService port443-https",
        *(f".zone.addRichRule public {rule} 0" for rule in RICH),
    ]
    assert writes(made) == {SERVICE: DEFINED, ZONE_FILE: with_line(stock(have))}
    assert (made.persisted, made.risky) == ("written", False)


@pytest.mark.parametrize("by_service", [True, False])
def test_a_set_that_is_there_stays_as_it_is(by_service):
    made = plan(opened(observed() if by_service else pinned(), by_service))
    assert (made.steps, made.changes) == ((), ())
    assert made.persisted == ("rehearsed" if by_service else "written")


def test_rich_rules_are_left_until_somebody_reloads():
    assert plan(opened(observed(), by_service=False)).steps == ()


def test_a_service_that_firewalld_knows_is_enabled_without_a_reload():
    have = opened(pinned())
    have = with_runtime(have, services=BASE)
    assert calls(plan(have)) == [".zone.addService public port443-https 0"]


def test_rich_rules_beside_the_service_mean_no_more():
    have = with_runtime(opened(observed()), rules_str=RICH)
    assert plan(have).steps == ()
    have = with_runtime(opened(observed()), rules_str=[RICH[0].replace("80", "8080")])
    assert calls(plan(have)) == [f".zone.removeRichRule public {RICH[0].replace('80', '8080')}"]


def test_what_runtime_to_permanent_saved_of_ours_means_the_same():
    have = opened(observed(), by_service=False)
    rules = "".join(
        f'  <rule priority="21540">\n    <port port="{number}" protocol="tcp"/>\n    <accept/>\n  </rule>\n'
        for number in (80, 443)
    )
    saved = stock(have).replace(b"</zone>", rules.encode() + b"</zone>")
    have = with_saved(with_file(have, PUBLIC, saved), services=BASE, rules_str=RICH)
    assert plan(have).steps == ()
    removed = plan(have, state="absent")
    assert writes(removed) == {ZONE_FILE: None, SERVICE: None}
    assert calls(removed)[:2] == [f".config.zone.removeRichRule {rule}" for rule in RICH]


def test_other_ports_replace_the_definition_and_what_is_let_in():
    have = opened(pinned())
    made = plan(have, ports=["443/tcp", "443/udp"])
    udp = RICH[1].replace("tcp", "udp")
    assert calls(made) == [
        f".zone.addRichRule public {RICH[1]} 0",
        f".zone.addRichRule public {udp} 0",
        ".zone.removeService public port443-https",
    ]
    both = (PortRule("tcp", 443, 443), PortRule("udp", 443, 443))
    assert writes(made) == {SERVICE: render_service("https", "port443-https", both, ("zones/public.xml",))}
    assert calls(plan(opened(observed()), ports=["443/tcp"])) == [CHECK, RELOAD]


def test_sources_are_rich_rules_of_the_service():
    have = observed()
    made = plan(have, source=["192.0.2.0/24", "2001:db8::15"])
    added = (
        b'  <rule family="ipv4"><source address="192.0.2.0/24"/><service name="port443-https"/><accept/></rule>\n'
        b'  <rule family="ipv6"><source address="2001:db8::15/128"/><service name="port443-https"/><accept/></rule>\n'
    )
    assert writes(made)[ZONE_FILE] == stock(have).replace(b"</zone>", added + b"</zone>")
    ported = plan(pinned(), ports=["443/tcp"], source=["192.0.2.0/24"])
    assert calls(ported)[-1] == (
        '.zone.addRichRule public rule priority="21540" family="ipv4" source address="192.0.2.0/24" '
        'port port="443" protocol="tcp" accept 0'
    )


def test_absent_removes_the_file_that_was_made_and_tells_firewalld():
    have = opened(pinned())
    made = plan(have, state="absent")
    assert calls(made) == [
        ".config.zone.removeService port443-https",
        ".zone.removeService public port443-https",
    ]
    assert writes(made) == {ZONE_FILE: None, SERVICE: None}
    assert made.persisted == "not needed"


def test_absent_keeps_the_bytes_of_a_file_that_was_there_and_of_the_copy_beside_it():
    mine = b'<zone  ><!-- mine --><service name="ssh"/>\n</zone>'
    have = replace(
        opened(pinned()), services={"port443-https": DEFINED.replace(b" Made with it: zones/public.xml.", b"")}
    )
    have = with_file(have, PUBLIC, with_line(mine))
    step = plan(have, state="absent").steps[0]
    assert (step.files, step.kept) == ((Write(ZONE_FILE, with_line(mine), mine),), (ZONE_FILE + ".old",))
    (back,) = step.undo
    assert (back.files, back.kept) == ((Write(ZONE_FILE, mine, with_line(mine)),), (ZONE_FILE + ".old",))
    assert [method.member for method in back.methods] == ["addService"]


def test_a_file_that_was_made_and_that_others_changed_since_stays_with_their_changes():
    have = opened(pinned())
    edited = with_line(stock(have)).replace(b'  <service name="ssh"/>\n', b"")
    have = with_saved(with_file(have, PUBLIC, edited), services=["dhcpv6-client", "port443-https"])
    assert writes(plan(have, state="absent")) == {ZONE_FILE: edited.replace(LINE, b""), SERVICE: None}


def test_a_file_that_was_made_is_remembered_by_every_set_in_it():
    have = opened(pinned())
    other = plan(have, name="b", ports=["8080/tcp"])
    (definition,) = [content for path, content in writes(other).items() if path.endswith("port443-b.xml")]
    assert parse_service(definition).made == ("zones/public.xml",)
    both = with_line(stock(have)).replace(b"</zone>", LINE.replace(b"https", b"b") + b"</zone>")
    have = with_file(have, PUBLIC, both)
    have = replace(have, services={**have.services, "port443-b": definition})
    assert writes(plan(have, state="absent")) == {ZONE_FILE: both.replace(LINE, b""), SERVICE: None}


def test_a_stopped_firewalld_gets_files_alone():
    have = Firewalld().observe(RecordedHost("1.3.3", runs=False), kernel())
    made = plan(have)
    assert made.steps == (Write(SERVICE, None, DEFINED), Write(ZONE_FILE, None, with_line(stock(have))))
    assert made.persisted == "written"
    assert made.warnings == ("firewalld does not run: the set is saved and has no effect until it is started",)
    with pytest.raises(HostError, match="firewalld does not run, so that nothing can be opened for now only"):
        plan(have, persistent=False)


def test_not_persistent_leaves_nothing_in_the_files():
    made = plan(observed(), persistent=False)
    assert (writes(made), made.persisted) == ({}, "no")
    assert calls(made) == [f".zone.addRichRule public {rule} 0" for rule in RICH]
    made = plan(opened(observed()), persistent=False)
    assert writes(made) == {ZONE_FILE: None, SERVICE: None}
    assert calls(made) == [".config.zone.removeService port443-https"]


def test_for_a_time_is_firewallds_own_timeout_and_is_left_while_it_runs():
    made = plan(observed(), timeout="30m")
    assert calls(made) == [f".zone.addRichRule public {rule} 1800" for rule in TIMED]
    assert (writes(made), made.persisted) == ({}, "no")
    running = with_runtime(observed(), rules_str=TIMED)
    assert plan(running, timeout="30m").steps == ()
    assert plan(running, timeout="2h").steps == ()
    for_good = plan(with_runtime(pinned(), rules_str=TIMED))
    assert [call for call in calls(for_good) if "21541" in call] == [
        f".zone.removeRichRule public {one}" for one in TIMED
    ]
    (back,) = for_good.steps[-1].undo
    assert [method.arguments[-1] for method in back.methods if method.member == "addRichRule"] == [60, 60]


def test_the_zone_is_the_one_of_the_interface_that_strangers_arrive_on():
    have = with_runtime(pinned(), ("zone", "internal"), interfaces=["eth+"])
    assert {call.split()[1] for call in calls(plan(have)) if call.startswith(".zone.")} == {"internal"}
    have = replace(have, kernel=kernel(reached=links("eth0", "sit1")))
    assert {call.split()[1] for call in calls(plan(have)) if call.startswith(".zone.")} == {"internal", "public"}
    assert {call.split()[1] for call in calls(plan(have, zone="work")) if call.startswith(".zone.")} == {"work"}


def test_a_set_moves_with_the_zone():
    have = opened(pinned())
    made = plan(have, zone="work")
    assert calls(made) == [
        ".config.zone.removeService port443-https",
        ".config.zone.addService port443-https",
        ".zone.removeService public port443-https",
        ".zone.addService work port443-https 0",
    ]
    assert {path: content is None for path, content in writes(made).items()} == {
        SERVICE: False,
        ZONE_FILE: True,
        "/etc/firewalld/zones/work.xml": False,
    }
    assert made.warnings == ("nothing arrives in the zone work: it has neither an interface nor a source",)

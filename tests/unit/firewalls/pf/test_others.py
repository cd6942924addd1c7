# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others have in pf stays: what they put there while it runs, before, during and after what we load."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

BLOCKING = "block in all\npass out all\npass in proto tcp from any to any port 22\n"
CALL = 'anchor "port443.https"\n'
ADDED = "pass in proto udp from any to any port 500\n"
PARTS = "pfctl -o none -R -f -"


def run(host, check=False, **options):
    return ensure(host, parse_request({"ports": ["80/tcp", "443/tcp"], **options}), check)


def rules_of(host, anchor=""):
    where = ["-a", anchor] if anchor else []
    return host.machine.run(["pfctl", *where, "-s", "rules"])[1].splitlines()


def load(host, text, anchor=""):
    where = ["-a", anchor] if anchor else []
    assert host.machine.run(["pfctl", *where, "-f", "-"], text)[0] == 0
    host.machine.kernel.calls.clear()


def opened(played, system, conf=BLOCKING):
    host = played(system, conf)
    run(host)
    host.machine.kernel.calls.clear()
    return host


def meddle(host, monkeypatch, act):
    """Lets somebody else act when all is loaded, before we look again, which begins with -s info."""
    real, looks = host.machine.run, []

    def run_after(argv, stdin=""):
        if argv == ["pfctl", "-s", "info"]:
            looks.append(argv)
            if len(looks) == 2:
                act(real)
        return real(argv, stdin)

    monkeypatch.setattr(host.machine, "run", run_after)


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_closing_a_set_keeps_every_rule_that_the_optimiser_would_lose(played, name):
    host = opened(played, name)
    load(host, BLOCKING + ADDED + CALL)
    before = rules_of(host)
    foreseen = run(host, check=True, state="absent")
    gone = run(host, state="absent")
    assert gone == foreseen
    assert PARTS in host.changing_calls()
    assert rules_of(host) == [line for line in before if "port443" not in line]
    assert run(host, state="absent").steps == ()


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_opening_a_set_keeps_every_rule_that_the_optimiser_would_lose(played, name):
    host = played(name, BLOCKING)
    load(host, BLOCKING + ADDED)
    before = rules_of(host)
    assert {entry.verdict for entry in run(host).effective} == {"open"}
    assert rules_of(host) == [*before, 'anchor "port443.https" all']
    assert run(host).steps == ()
    run(host, state="absent")
    assert rules_of(host) == before


def test_openbsd_refuses_to_close_what_would_take_rules_of_others_with_it(played):
    host = opened(played, "OpenBSD")
    load(host, BLOCKING + ADDED + CALL)
    before = rules_of(host)
    for check in (True, False):
        with pytest.raises(HostError, match="in force alone: pass in proto udp from any to any port = 500"):
            run(host, check=check, state="absent")
    assert (rules_of(host), host.changing_calls()) == (before, [])


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_a_second_round_keeps_what_came_in_between(played, monkeypatch, name):
    host = played(name, BLOCKING)
    meddle(host, monkeypatch, lambda real: real(["pfctl", "-f", "-"], BLOCKING + ADDED))
    done = run(host)
    assert {entry.verdict for entry in done.effective} == {"open"}
    udp = [line for line in rules_of(host) if "udp" in line]
    assert (len(rules_of(host)), len(udp)) == (5, 1)
    assert PARTS in host.changing_calls()


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_a_rule_that_came_meanwhile_stays_when_all_is_taken_back(played, monkeypatch, name):
    conf = "block in quick proto tcp from any to any port 443\npass\n"
    host = played(name, conf)
    meddle(host, monkeypatch, lambda real: real(["pfctl", "-f", "-"], conf + CALL + ADDED))
    monkeypatch.setattr(
        "ansible_collections.port443.https.plugins.module_utils._firewalls.pf.backend.foresee",
        lambda _host, have, _plan, _request: have.live,
    )
    with pytest.raises(HostError, match="require_effective is set"):
        run(host, ports=["443/tcp"], require_effective=True)
    assert [line for line in rules_of(host) if "port443" in line] == []
    assert len([line for line in rules_of(host) if "udp" in line]) == 1


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_a_pfctl_that_would_lose_rules_is_not_let(played, monkeypatch, name, state):
    host = opened(played, name) if state == "absent" else played(name, BLOCKING)
    load(host, BLOCKING + ADDED + (CALL if state == "absent" else ""))
    before, real = rules_of(host), host.machine.run
    monkeypatch.setattr(
        host.machine, "run", lambda argv, stdin="": real([word for word in argv if word not in ("-o", "none")], stdin)
    )
    for check in (True, False):
        with pytest.raises(HostError, match=r"pfctl -R would drop rules of others, so nothing was loaded: .*block"):
            run(host, check=check, state=state)
    assert (rules_of(host), host.changing_calls()) == (before, [])


@pytest.mark.parametrize("name", ["FreeBSD", "Darwin"])
def test_rules_that_were_lost_all_the_same_are_loaded_again(played, monkeypatch, name):
    host = played(name, BLOCKING)
    load(host, BLOCKING + ADDED)
    before, real, lost = rules_of(host), host.machine.run, []

    def lose(argv, stdin=""):
        if " ".join(argv) == PARTS and not lost:
            lost.append(argv)
            return real(["pfctl", "-R", "-f", "-"], stdin)
        return real(argv, stdin)

    monkeypatch.setattr(host.machine, "run", lose)
    with pytest.raises(HostError, match=r"the rules of others in pf were not what they were; they were loaded again$"):
        run(host)
    assert rules_of(host) == before
    assert host.machine.read_text("/etc/pf.conf") == BLOCKING


INSIDE = BLOCKING + 'anchor "shop" {\n  pass in proto tcp from any to any port 8080\n}\n'
FILED = BLOCKING + 'anchor "shop"\nload anchor "shop" from "/etc/shop"\n'


@pytest.mark.parametrize("conf", [INSIDE, FILED])
def test_what_was_put_into_an_anchor_that_pf_conf_fills_stays(system, played, conf):
    host = played(system, conf, {"/etc/shop": "pass in proto tcp from any to any port 8080\n"})
    load(host, "pass in proto tcp from any to any port 8081\n", "shop")
    before = rules_of(host, "shop")
    if system == "OpenBSD":
        with pytest.raises(
            HostError, match="in force alone: anchor shop: pass in proto tcp from any to any port = 8081"
        ):
            run(host)
    else:
        (warning,) = run(host).warnings
        assert warning.startswith("the rules in force are not those of /etc/pf.conf")
        run(host, state="absent")
    assert rules_of(host, "shop") == before


BANS = "table <bans> persist { 198.51.100.7 }\ntable <more> persist\n" + BLOCKING + "block in quick from <bans>\n"


def ban(host, table, *addresses):
    host.machine.kernel.tables[""][table] = [*addresses]
    host.machine.kernel.save(host.machine.root)


def test_a_table_that_pf_conf_gives_nothing_to_keeps_what_it_holds(system, played):
    host = played(system, BANS)
    ban(host, "more", "203.0.113.9")
    assert run(host).warnings == ()
    assert host.machine.kernel.tables[""] == {"bans": ["198.51.100.7"], "more": ["203.0.113.9"]}


@pytest.mark.parametrize("held", [("198.51.100.7", "203.0.113.9"), ()])
def test_bans_that_loading_pf_conf_would_undo_stay(system, played, held):
    host = played(system, BANS)
    ban(host, "bans", *held)
    if system == "OpenBSD":
        told = (
            "in force alone: table <bans>: 203.0.113.9/32"
            if held
            else "in the file alone: table <bans>: 198.51.100.7/32"
        )
        with pytest.raises(HostError, match=told):
            run(host)
    else:
        (warning,) = run(host).warnings
        assert warning.startswith("the rules in force are not those of /etc/pf.conf")
        run(host, state="absent")
    assert host.machine.kernel.tables[""]["bans"] == [*held]


def test_a_table_that_is_filled_from_a_file_is_compared_with_it(system, played):
    conf = 'table <bans> persist file "/etc/bans"\n' + BLOCKING + "block in quick from <bans>\n"
    host = played(system, conf, {"/etc/bans": "198.51.100.7 # one\n2001:db8::/32\n"})
    assert run(host).warnings == ()

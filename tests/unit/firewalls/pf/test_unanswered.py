# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tool that cannot say what is there stops a run before anything is changed; beside pf it is told."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.reference import TakeReference
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

CONF = "table <bad> { 192.0.2.1 }\nblock in all\nblock in quick from <bad>\npass out all\n"
BUSY = "pfctl: DIOCGETRULES: Device busy"
EVERYWHERE = [
    ("pfctl -s info", "pfctl: DIOCGETSTATUS: Device busy"),
    ("pfctl -v -s Interfaces", "pfctl: DIOCIGETIFACES: Device busy"),
    ("-t bad -T show", "pfctl: Cannot allocate memory."),
    ("ifconfig -a", "ifconfig: socket: Cannot allocate memory"),
    ("route -n get default", "route: socket: Cannot allocate memory"),
    ("route -n get -inet6 default", "route: socket: Cannot allocate memory"),
]
UNANSWERED = [
    *((name, *given) for name in ("FreeBSD", "OpenBSD", "Darwin") for given in EVERYWHERE),
    ("FreeBSD", "pfctl -a port443.https -P -s rules", BUSY),
    ("OpenBSD", "pfctl -a port443.https -s rules", BUSY),
    ("Darwin", "pfctl -a port443.https -P -s rules", BUSY),
    ("FreeBSD", "sysrc -n pf_rules", "sysrc: /etc/rc.conf: Permission denied"),
]
BESIDE = [
    ("FreeBSD", "sysctl -n net.inet.ip.fw.enable", "ipfw"),
    ("Darwin", "socketfilterfw --getglobalstate", "the application firewall"),
]


def run(host, check):
    return ensure(host, parse_request({"ports": ["443/tcp"]}), check)


def failing(played, system, command, words):
    host = played(system, CONF)
    host.machine.kernel.failing.append({"command": command, "words": words, "times": 100})
    return host


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("system", "command", "words"), UNANSWERED)
def test_what_cannot_be_told_is_not_taken_for_nothing(played, system, command, words, check):
    host = failing(played, system, command, words)
    with pytest.raises(HostError, match=words):
        run(host, check)
    assert (host.changing_calls(), host.read("/etc/pf.conf")) == ([], CONF.encode())


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("system", "command", "name"), BESIDE)
def test_a_filter_beside_pf_of_which_nobody_can_tell_is_told(played, system, command, name, check):
    host = failing(played, system, command, "out of memory")
    told = [warning for warning in run(host, check).warnings if "may filter" in warning]
    path = "/usr/libexec/ApplicationFirewall/" if system == "Darwin" else ""
    said = f"{path}{command} ended with code 1 and said: out of memory"
    assert told == [
        f"{name} (whose state cannot be told: {said}) may filter on this host too, and rules of pf do not overrule it"
    ]


def test_a_pfctl_that_does_not_say_that_it_switched_pf_on_leaves_it_off(monkeypatch, played):
    host = played("FreeBSD", CONF)
    host.machine.run(["pfctl", "-d"])
    real = host.machine.run
    monkeypatch.setattr(
        host.machine, "run", lambda argv, stdin="": (*real(argv, stdin)[:2], "") if "-e" in argv else real(argv, stdin)
    )
    with pytest.raises(HostError, match="pfctl -e failed with code 0 and said: no output"):
        TakeReference().carry_out(host)
    assert not host.machine.kernel.enabled

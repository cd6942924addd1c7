# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with firewalld as it is observed, from recordings of each version."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import find_ours
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import is_running
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.runtime import find_losses
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import ServiceDefinition
from ansible_collections.port443.https.plugins.module_utils._host.dbus import BUS_SOCKET, Refusal
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from recorded_firewalld import (
    ENABLED,
    PUBLIC,
    SERVICE,
    VERSIONS,
    RecordedHost,
    kernel,
    observed,
    request,
    with_runtime,
    with_saved,
)

SSH = ServiceDefinition((PortRule("tcp", 22, 22),))
DHCPV6 = ServiceDefinition((PortRule("udp", 546, 546),), simple=False)
ZONES = ["block", "dmz", "drop", "external", "home", "internal", "public", "trusted", "work"]
FIREWALLD = Firewalld()
OURS = find_ours("https", ())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_matters_is_read_of_every_version(version):
    have = observed(version)
    daemon = have.daemon
    assert (daemon.state, daemon.panic, daemon.backend, daemon.default_zone) == ("RUNNING", False, "nftables", "public")
    assert list(daemon.runtime) == [*(("zone", zone) for zone in ZONES), ("policy", "allow-host-ipv6")]
    assert list(daemon.saved) == list(daemon.runtime)
    assert daemon.objects[PUBLIC].startswith("/org/fedoraproject/FirewallD1/config/zone/")
    assert set(daemon.runtime[PUBLIC]["services"]) == {"ssh", "dhcpv6-client"}
    assert (daemon.services["ssh"], daemon.services["dhcpv6-client"]) == (SSH, DHCPV6)
    assert (have.definitions["ssh"], have.definitions["dhcpv6-client"]) == (SSH, DHCPV6)
    assert (have.boot, have.default_zone, have.services) == ("enabled", "public", {})
    assert have.files[PUBLIC].content is None
    assert have.files[PUBLIC].effective == have.files[PUBLIC].stock


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fresh_firewalld_may_be_reloaded(version):
    have = observed(version)
    assert find_losses(have.daemon, OURS, have.definitions) == ()


LOST = [
    ("a port at runtime alone", {"ports": [("9999", "tcp")]}, ("zone public",)),
    ("a rich rule at runtime alone", {"rules_str": ['rule service name="https" drop']}, ("zone public",)),
    ("a service that is gone at runtime", {"services": ["ssh"]}, ("zone public",)),
    ("masquerading", {"masquerade": True}, ("zone public",)),
    ("a source", {"sources": ["192.0.2.0/24"]}, ("zone public",)),
    ("another target", {"target": "DROP"}, ("zone public",)),
    ("an interface of the default zone", {"interfaces": ["eth0"]}, ()),
    ("ours by the service", {"services": ["ssh", "dhcpv6-client", "port443-https"]}, ()),
    ("ours by rich rules", {"rules_str": ['rule priority="21540" port port="443" protocol="tcp" accept']}, ()),
    ("ours for a time", {"rules_str": ['rule priority="21541" port port="443" protocol="tcp" accept']}, ()),
    ("our number with another end", {"rules_str": ['rule priority="21540" service name="a" drop']}, ("zone public",)),
    ("another set of ours", {"services": ["ssh", "dhcpv6-client", "port443-b"]}, ("zone public",)),
]


@pytest.mark.parametrize(("title", "settings", "losses"), LOST, ids=[case[0] for case in LOST])
def test_what_a_reload_would_take_from_others_is_seen(title, settings, losses):
    have = with_runtime(observed(), **settings)
    assert find_losses(have.daemon, OURS, have.definitions) == losses


def test_what_a_reload_would_bring_in_is_seen_too():
    have = with_saved(observed(), ports=[("9999", "tcp")])
    assert find_losses(have.daemon, OURS, have.definitions) == ("zone public",)
    have = with_saved(observed(), ("zone", "new"), target="DROP")
    assert find_losses(have.daemon, OURS, have.definitions) == ("zone new",)
    have = with_runtime(observed(), ("zone", "internal"), interfaces=["eth1"])
    assert find_losses(have.daemon, OURS, have.definitions) == ("zone internal",)
    have = observed()
    edited = {**have.definitions, "ssh": ServiceDefinition((PortRule("tcp", 2222, 2222),))}
    assert find_losses(have.daemon, OURS, edited) == ("service ssh",)


KEPT = [
    ("FirewallD1.direct getAllRules", [("ipv4", "filter", "INPUT", 0, ["-j", "DROP"])], "direct rules"),
    ("FirewallD1.direct getAllChains", [("ipv4", "filter", "x")], "direct rules"),
    ("FirewallD1.direct getAllPassthroughs", [("ipv4", ["-N", "x"])], "direct rules"),
    ("FirewallD1.ipset getIPSets", ["banned"], "ipsets"),
    ("FirewallD1 getLogDenied", "all", "what firewalld.conf says"),
    ("FirewallD1 getDefaultZone", "work", "what firewalld.conf says"),
]


@pytest.mark.parametrize(("asked", "said", "kept"), KEPT, ids=[case[0] for case in KEPT])
def test_what_every_reload_would_flush_or_apply_is_seen(asked, said, kept):
    host = RecordedHost("1.3.3")
    (method,) = [method for method in host.answers if method.endswith(asked)]
    host.answers[method] = (said,)
    assert FIREWALLD.observe(host, kernel()).daemon.keeps == (kept,)


def test_rules_of_others_in_iptables_tables_are_not_flushed():
    host = RecordedHost("1.3.3")
    (method,) = [method for method in host.answers if "GetAll s org.fedoraproject.FirewallD1.config" in method]
    host.answers[method] = ({**host.answers[method][0], "FirewallBackend": "iptables"},)
    assert FIREWALLD.observe(host, kernel()).daemon.keeps == ("rules that others have in iptables' tables",)


def test_a_state_that_is_not_running_is_not_reloaded():
    host = RecordedHost("2.3.1")
    (method,) = [method for method in host.answers if method.endswith(" state")]
    host.answers[method] = ("FAILED",)
    assert FIREWALLD.observe(host, kernel()).daemon.keeps == ("a state that is not RUNNING",)


def test_an_older_firewalld_is_told_as_that():
    host = RecordedHost("0.9.3")
    (method,) = [method for method in host.answers if method.endswith("getZoneSettings2 s public")]
    host.answers[method] = Refusal("org.freedesktop.DBus.Error.UnknownMethod", "No such method 'getZoneSettings2'")
    with pytest.raises(HostError, match=r"zone\.getZoneSettings2 .this needs version 0\.9 or newer.: No such method"):
        FIREWALLD.observe(host, kernel())


def test_a_stopped_firewalld_is_known_from_its_files():
    host = RecordedHost("1.3.3", runs=False)
    host.files["/etc/firewalld/firewalld.conf"] = b"# a comment\nDefaultZone = work\n"
    have = FIREWALLD.observe(host, kernel())
    assert (have.daemon, have.default_zone, have.boot) == (None, "work", "enabled")
    assert not is_running(host)


def test_it_runs_if_it_is_on_a_bus_that_answers():
    host = RecordedHost("1.3.3")
    assert is_running(host)
    host.ask = lambda methods: ((False,),)
    assert not is_running(host)

    def fail(methods):
        raise HostError("the system's D-Bus cannot be reached")

    host.ask = fail
    assert not is_running(host)
    del host.files[BUS_SOCKET]
    assert not is_running(host)


def test_what_starts_at_boot_is_read_from_the_links():
    host = RecordedHost("1.3.3", runs=False)
    assert FIREWALLD.filters_at_boot(host)
    del host.files[ENABLED]
    assert not FIREWALLD.filters_at_boot(host)
    assert FIREWALLD.observe(host, kernel()).boot == "disabled"
    host.files["/etc/systemd/system/firewalld.service"] = b"masked"
    assert FIREWALLD.observe(host, kernel()).boot == "masked"
    host.find = lambda name: None
    assert FIREWALLD.observe(host, kernel()).boot == "missing"


@pytest.mark.parametrize(
    ("path", "content", "holds"),
    [
        (SERVICE, b"<service/>", True),
        ("/etc/firewalld/zones/work.xml", b'<zone>\n<service name="port443-https"/></zone>', True),
        ("/etc/firewalld/policies/p.xml", b'<policy><rule priority="21540"/></policy>', True),
        ("/etc/firewalld/zones/work.xml", b'<zone>\n<service name="port443-https2"/></zone>', False),
        ("/etc/firewalld/services/port443-other.xml", b"<service/>", False),
    ],
)
def test_a_set_may_be_there_if_a_file_names_it_or_firewalld_runs(path, content, holds):
    host = RecordedHost("1.3.3", runs=False)
    assert not FIREWALLD.may_hold(host, kernel(), request())
    host.files[path] = content
    assert FIREWALLD.may_hold(host, kernel(), request()) is holds
    assert FIREWALLD.may_hold(RecordedHost("1.3.3"), kernel(), request())


def test_a_zone_of_several_files_is_left_out():
    host = RecordedHost("1.3.3")
    host.files["/etc/firewalld/zones/public/one.xml"] = b"<zone/>"
    have = FIREWALLD.observe(host, kernel())
    assert PUBLIC not in have.files
    with pytest.raises(HostError, match="the zone public of firewalld is not one file"):
        FIREWALLD.plan(have, request())


def test_rules_that_come_after_the_service_is_active_are_waited_for(monkeypatch):
    empty, loaded = kernel(ruleset=()), kernel()
    monkeypatch.setattr(observe, "observe_kernel", lambda host: loaded)
    assert FIREWALLD.observe(RecordedHost("0.9.3"), empty).kernel is loaded
    assert FIREWALLD.observe(RecordedHost("0.9.3", runs=False), empty).kernel is empty

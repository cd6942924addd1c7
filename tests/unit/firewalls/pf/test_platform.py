# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which way a host's system leads: the engine, ports_info, and what is refused on the wrong one."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.links import parse_ifconfig, parse_route
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.platform import PfPlatform
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import parse_rc_conf_local
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._ports.platform_linux import Linux
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.companions import IFCONFIG

BLOCKING = "block all\n"


def test_the_engine_takes_the_way_of_pf(system, played):
    host = played(system, BLOCKING)
    request = parse_request({"ports": ["443/tcp"]})
    assert ensure(host, request, True).backend == "pf"
    assert ensure(host, request, False).steps
    assert ensure(host, request, False).steps == ()


def test_a_linux_host_has_no_pf():
    assert FirewallHost().system() == "Linux"
    with pytest.raises(HostError, match="this host runs Linux"):
        Linux().choose(
            FirewallHost(), Kernel((), (), {}, None, NftView()), parse_request({"ports": ["443/tcp"], "backend": "pf"})
        )


@pytest.mark.parametrize("option", [{"zone": "public"}, {"timeout": "10m"}])
def test_options_of_other_firewalls_are_refused(system, played, option):
    host = played(system, BLOCKING)
    with pytest.raises(HostError, match=r"pf is the firewall of this host: .* is no option of pf"):
        ensure(host, parse_request({"ports": ["443/tcp"], **option}), True)
    with pytest.raises(RequestError):
        parse_request({"ports": ["443/tcp"], "backend": "pf", **option})


@pytest.mark.parametrize("name", ["_x", "a/b", "a b", 'a"', "x" * 64, "1a"])
def test_an_anchor_that_pf_would_not_take_is_refused_before_the_host_is_touched(name):
    with pytest.raises(RequestError, match="cannot name an anchor of pf"):
        parse_request({"ports": ["443/tcp"], "anchor": name})


def test_ports_info_judges_and_lists_the_sets(system, played):
    host = played(system, BLOCKING)
    ensure(host, parse_request({"ports": ["443/tcp"], "name": "web"}), False)
    host.machine.kernel.calls.clear()
    found = PfPlatform().report(host, parse_request({"ports": ["443/tcp", "25/tcp"]}))
    assert (found["backend"], host.changing_calls()) == ("pf", [])
    assert [(one["port"], one["family"], one["verdict"]) for one in found["effective"]] == [
        ("25", "ipv4", "blocked"),
        ("443", "ipv4", "open"),
        ("25", "ipv6", "blocked"),
        ("443", "ipv6", "open"),
    ]
    (listed,) = found["sets"]
    assert (listed["name"], listed["frontend"], len(listed["rules"])) == ("web", "pf", 3)


def test_addresses_and_groups_are_read_on_every_system(system):
    found = {one.name: one for one in parse_ifconfig(IFCONFIG[system])}
    (outside,) = (one for one in found.values() if "LOOPBACK" not in one.flags)
    assert {str(address) for address in outside.addresses} == {"192.0.2.10", "fe80::a00:27ff:fe00:10", "2001:db8::10"}
    assert ("egress" in outside.groups) == (system == "OpenBSD")


def test_no_default_route_is_no_interface():
    assert parse_route("route: writing to routing socket: not in table\n") is None


@pytest.mark.parametrize(
    ("text", "enables"),
    [
        ("", True),
        ("pf=NO\n", False),
        ('pf="NO"\n', False),
        ("#pf=NO\n", True),
        ("pf=NO\npf=YES\n", True),
        ("xpf=NO\n", True),
    ],
)
def test_openbsd_has_pf_on_unless_rc_conf_local_says_no(text, enables):
    assert parse_rc_conf_local(text).enables is enables

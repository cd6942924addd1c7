# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Definitions of services: ours as we write them and as firewalld does, and others'."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    covers,
    opens_within,
    parse_service,
    render_service,
    service_of_settings,
)
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule

PORTS = (PortRule("tcp", 443, 443), PortRule("udp", 8000, 8010))


@pytest.mark.parametrize("made", [(), ("zones/public.xml",), ("zones/a_b.xml", "zones/public.xml")])
def test_what_is_written_is_read_again(made):
    assert parse_service(render_service("https", "port443-https", PORTS, made)) == ServiceDefinition(PORTS, True, made)


# As firewalld 1.3.3 saves it after `firewall-cmd --permanent --service=port443-https --add-port=8443/tcp`.
REWRITTEN = b"""<?xml version="1.0" encoding="utf-8"?>
<service>
  <short>port443-https</short>
  <description>The rule set https of the Ansible collection port443.https. Made with it: zones/public.xml.</description>
  <port port="443" protocol="tcp"/>
  <port port="8443" protocol="tcp"/>
</service>
"""


def test_what_firewalld_writes_anew_still_tells_which_files_were_made():
    ports = (PortRule("tcp", 443, 443), PortRule("tcp", 8443, 8443))
    assert parse_service(REWRITTEN) == ServiceDefinition(ports, True, ("zones/public.xml",))


@pytest.mark.parametrize(
    "more",
    [
        b'<protocol value="esp"/>',
        b'<source-port port="68" protocol="udp"/>',
        b'<module name="nf_conntrack_ftp"/>',
        b'<helper name="ftp"/>',
        b'<include service="http"/>',
        b'<destination ipv6="fe80::/64"/>',
        b'<port protocol="igmp"/>',
    ],
)
def test_a_service_that_is_more_than_ports_is_no_equal(more):
    service = parse_service(REWRITTEN.replace(b"</service>", more + b"</service>"))
    assert not service.simple
    assert not opens_within(service, service.ports)


@pytest.mark.parametrize(
    ("settings", "service"),
    [
        ({"ports": [("443", "tcp"), ("8000-8010", "udp")], "short": "x", "modules": []}, ServiceDefinition(PORTS)),
        ({"ports": [("443", "tcp")], "destination": {"ipv6": "fe80::/64"}}, ServiceDefinition(PORTS[:1], False)),
        ({"ports": [("443", "tcp")], "includes": ["http"]}, ServiceDefinition(PORTS[:1], False)),
        ({"ports": [("", "igmp")]}, ServiceDefinition((), False)),
        ({}, ServiceDefinition(())),
    ],
)
def test_settings_are_read(settings, service):
    assert service_of_settings(settings) == service


def test_a_port_lies_within_a_range_of_its_protocol():
    assert covers(PORTS, (PortRule("udp", 8003, 8010),))
    assert not covers(PORTS, (PortRule("udp", 8003, 8011),))
    assert not covers(PORTS, (PortRule("tcp", 8003, 8003),))
    assert not opens_within(None, PORTS)
    assert not opens_within(ServiceDefinition(()), PORTS)

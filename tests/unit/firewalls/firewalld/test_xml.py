# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Zone and policy files: what is put in is there, and taking it out gives the bytes of before."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    ZoneItem,
    port_items,
    service_items,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.xml import (
    insert,
    items_of,
    parse,
    remove,
)
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from hypothesis import given
from hypothesis import strategies as st
from recorded_firewalld import VERSIONS, recording

OURS = ZoneItem("port443-https")
SOURCES = service_items("port443-https", (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("::/0")), False)

FILES = {
    "lines": b'<?xml version="1.0"?>\n<zone>\n  <service name="ssh"/>\n</zone>\n',
    "no last line end": b"<zone>\n</zone>",
    "windows": b'<zone>\r\n\t<service name="ssh"/>\r\n</zone>\r\n',
    "one line": b'<zone target="DROP"><short>x</short></zone>',
    "nothing inside": b"<zone></zone>\n",
    "empty": b'<zone target="DROP"/>\n',
    "empty with a space": b'<policy target="DROP" />',
    "end behind content": b'<zone>\n  <service name="ssh"/></zone>\n',
    "indented end": b'<zone>\n  <service name="ssh"/>\n  </zone>\n',
    "comments": b"<!-- </zone> -->\n<zone a='<>' >\n <!-- <service name='x'/> -->\n</zone><!-- end -->\n",
    "cdata": b"<zone>\n<description><![CDATA[</zone>]]></description>\n</zone>\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("items", [(OURS,), SOURCES], ids=["service", "sources"])
def test_what_is_put_in_is_there_and_comes_out_to_the_byte(name, items):
    before = FILES[name].replace(b"a='<>'", b"a='&lt;>'")
    changed = insert(before, items)
    assert items_of(parse(changed)) == items_of(parse(before)) + tuple(items)
    assert remove(changed, lambda item: item.service == OURS.service) == before


@pytest.mark.parametrize("version", VERSIONS)
def test_every_zone_that_comes_with_firewalld_gets_one_line_more(version):
    files = {path: text for path, text in recording(version)["files"].items() if "/zones/" in path}
    assert len(files) == 9
    for text in files.values():
        lines = text.splitlines(keepends=True)
        lines.insert(-1, '  <service name="port443-https"/>\n')
        assert insert(text.encode(), [OURS]) == "".join(lines).encode()


def test_a_policy_gets_a_rule():
    before = b'<policy target="REJECT">\n  <egress-zone name="ANY"/>\n</policy>\n'
    changed = insert(before, service_items("port443-https", (), rich=True))
    assert changed == (
        b'<policy target="REJECT">\n  <egress-zone name="ANY"/>\n'
        b'  <rule><service name="port443-https"/><accept/></rule>\n</policy>\n'
    )


# As firewalld 1.3.3 writes a zone that it was told to save.
REWRITTEN = b"""<?xml version="1.0" encoding="utf-8"?>
<zone>
  <short>Work</short>
  <service name="ssh"/>
  <service name="port443-https"/>
  <rule priority="5" family="ipv6">
    <source address="2001:db8::/32"/>
    <port port="443" protocol="tcp"/>
    <log prefix="x"/>
    <accept/>
  </rule>
  <rule priority="21540">
    <port port="443" protocol="tcp"/>
    <accept/>
  </rule>
  <forward/>
</zone>
"""


def test_rules_of_several_lines_go_as_a_whole_and_what_they_log_stays():
    ours = {OURS, *port_items("https", (PortRule("tcp", 443, 443),), (), timed=False)}
    kept = remove(REWRITTEN, lambda item: item in ours)
    lines = REWRITTEN.splitlines(keepends=True)
    assert kept == b"".join(lines[:4] + lines[5:11] + lines[15:])


def test_nothing_unwanted_changes_nothing():
    text = b"<zone></zone >"
    assert remove(text, lambda item: True) == text
    assert insert(text, []) == text


@pytest.mark.parametrize("broken", [b"", b"<zone>", b"<zone></policy>", b"zone", b"<zone a=b/>", b"\xff\xfe<zone/>"])
def test_a_broken_file_is_told(broken):
    with pytest.raises(ValueError, match=r"."):
        parse(broken)


def test_files_mean_the_same_whatever_their_order_spaces_and_comments():
    one = b'<zone><short>A  b</short><service name="x"/><port port="1" protocol="tcp"/></zone>'
    two = b"<!----><zone target='default'>\n<port protocol='tcp' port='1'/><service name='x'/><short>A b</short></zone>"
    other = two.replace(b"default", b"DROP")
    assert parse(one).meaning == parse(two).meaning
    assert parse(one).meaning != parse(other).meaning


INNER = st.lists(
    st.sampled_from(
        [
            '<service name="ssh"/>',
            '<service name="a>b"></service>',
            "\n",
            "  ",
            "\t\r\n",
            "<short>x</short>",
            "<!-- <service name='port443-https'/> -->",
            '<rule family="ipv4"><source address="192.0.2.7"/>\n<drop/></rule>',
            '<port protocol="tcp" port="443"/>',
        ]
    ),
    max_size=8,
)


@given(
    INNER, st.sampled_from(["", "\n", "<?xml version='1.0'?>\n"]), st.booleans(), st.sampled_from([(OURS,), SOURCES])
)
def test_any_file_comes_back_to_the_byte(inner, head, empty, items):
    text = head.encode() + (b"<zone  />" if empty else "<zone>{}</zone>\n".format("".join(inner)).encode())
    changed = insert(text, items)
    assert items_of(parse(changed)) == items_of(parse(text)) + tuple(items)
    assert remove(changed, lambda item: item.service == OURS.service) == text

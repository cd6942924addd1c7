# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules as the registry holds them: read, written, compared."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import (
    parameters_of,
    settable,
    shape_of,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import (
    format_rule,
    parse_rule,
)
from hypothesis import given
from hypothesis import strategies as st
from windows_facts import RULE

KEYS = st.sampled_from(
    ["Action", "Profile", "LPort", "LPort2_10", "RA4", "RMAuth", "PCROSS", "Desc", "Name", "Later2_40"]
)
VALUES = st.text(st.characters(exclude_characters="|", codec="utf-8"), max_size=20)
TEXTS = st.lists(st.tuples(KEYS, VALUES), max_size=12).map(
    lambda fields: "v2.33|" + "".join(f"{key}={value}|" for key, value in fields)
)


@given(TEXTS)
def test_what_is_read_is_written_the_same(text):
    assert format_rule(parse_rule("local", "x", text)) == text


def shape(text):
    return shape_of(parse_rule("local", "x", text))


@given(st.permutations([part for part in RULE.split("|")[1:] if part]))
def test_order_makes_no_difference(parts):
    assert shape("v2.10|" + "|".join(parts) + "|") == shape(RULE)


SAME = [
    ("LPort=80|LPort=443|", "LPort=443|LPort=80|"),
    ("LPort=80|LPort=443|", "lport=80|LPORT2_10=443-443|"),
    ("LPort2_10=8000-8010|", "LPort2_10=8000-8004|LPort=8005|LPort2_10=8006-8010|"),
    ("RA4=10.0.0.0/255.255.255.0|", "RA4=10.0.0.0/24|"),
    ("RA4=192.168.0.1|", "RA4=192.168.0.1/32|"),
    ("RA4=10.0.0.1/255.0.0.0|", "RA4=10.0.0.0/8|"),
    ("RA4=192.168.0.1|", "RA4=192.168.0.1/255.255.255.255|"),
    ("RA4=10.0.0.0-10.0.0.255|", "RA4=10.0.0.0/24|"),
    ("RA4=10.0.0.0/25|RA4=10.0.0.128/25|", "RA4=10.0.0.0/24|"),
    ("RA6=2001:db8::/32|", "RA6=2001:0DB8:0::/32|"),
    ("Profile=Domain|Profile=Private|Profile=Public|", ""),
    ("Active=TRUE|", "ACTIVE=true|"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_meaning_are_one(one, other):
    assert shape(f"v2.31|Action=Allow|Dir=In|{one}") == shape(f"v2.31|Action=Allow|Dir=In|{other}")


OTHER = [
    "LPort=443|",
    "LPort=RPC|",
    "RA4=10.0.0.0/255.255.0.0|",
    "RA4=LocalSubnet|",
    "Svc=*|",
    "Profile=Public|",
    "Edge=TRUE|",
]
OTHER += [
    "Defer=User|",
    "Later=1|",
    "App=System|",
    "LUAuth=O:LSD:(D;;CC;;;S-1-2-1)|",
    "Security=Authenticate|",
    "Desc=x|",
]


@pytest.mark.parametrize("more", OTHER)
def test_each_key_that_narrows_or_widens_makes_another_rule(more):
    plain = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|"
    assert shape(plain + more) != shape(plain)


def test_a_rule_that_does_not_say_active_is_not():
    assert not parse_rule("local", "x", "v2.10|Action=Allow|Dir=In|").enabled


def test_what_is_no_rule_is_a_key_that_nobody_knows():
    assert shape("something else").rest == (("something else", ""),)
    assert shape("v2.31|Action=Block|odd|").rest == (("odd", ""),)


def test_a_rule_becomes_the_parameters_that_make_it_again():
    text = (
        "v2.31|Action=Allow|Active=FALSE|Dir=Out|Protocol=17|Profile=Public|RPort=53|RPort2_10=8000-8010|"
        "LA4=192.0.2.1|RA4=10.0.0.0/255.0.0.0|RA4=192.0.2.1-192.0.2.9|RA6=LocalSubnet|App=%SystemRoot%\\a.exe|Svc=*|"
        "Name=a name|Desc=words|LUAuth=O:LSD:(A;;CC;;;WD)|EmbedCtxt=g|Edge=TRUE|Defer=App|IF={1-2}|TTK2_22=x|"
    )
    assert parameters_of(shape(text)) == (
        {
            "DisplayName": "a name",
            "Direction": "Outbound",
            "Action": "Allow",
            "Enabled": "False",
            "Profile": "Public",
            "Group": "g",
            "Protocol": "UDP",
            "RemotePort": ["53", "8000-8010"],
            "RemoteAddress": ["LocalSubnet", "10.0.0.0/8", "192.0.2.1-192.0.2.9"],
            "Program": "%SystemRoot%\\a.exe",
            "Service": "Any",
            "EdgeTraversalPolicy": "DeferToApp",
            "Description": "words",
            "LocalAddress": ["192.0.2.1"],
            "LocalUser": "O:LSD:(A;;CC;;;WD)",
        },
        ("IF", "TTK2_22"),
    )


def test_what_set_would_have_to_put_back_to_its_default_is_made_anew():
    limited = shape(RULE.replace("|Name=", "|RA4=10.0.0.1|Name="))
    assert settable(limited, shape(RULE)) == {}
    assert settable(shape(RULE), limited) == {"RemoteAddress": ["10.0.0.1"]}
    assert settable(shape(RULE), shape(RULE.replace("EmbedCtxt=port443", "EmbedCtxt=other"))) == {}
    assert settable(shape(RULE), shape(RULE.replace("LPort=80|", ""))) == {"Protocol": "TCP", "LocalPort": ["443"]}

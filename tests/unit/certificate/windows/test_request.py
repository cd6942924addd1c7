# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which places of http.sys a task asks for, and what of it cannot be meant."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    ARGUMENT_SPEC,
    AskedBinding,
    parse,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

APPLICATION = "11112222-3333-4444-5555-666677778888"


def request(*bindings, **options):
    nothing = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    given = [{"port": 443, "address": None, "sni": None, "appid": None, **one} for one in bindings]
    return parse({**nothing, "name": "www.example.com", "bindings": given, **options})


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, ["ipport=0.0.0.0:443", "ipport=[::]:443"]),
        ({"port": 8443, "address": "192.0.2.7"}, ["ipport=192.0.2.7:8443"]),
        ({"address": "[2001:DB8:0::7]"}, ["ipport=[2001:db8::7]:443"]),
        ({"sni": "Shop.Example.com."}, ["hostnameport=shop.example.com:443"]),
        ({"sni": "bücher.example"}, ["hostnameport=xn--bcher-kva.example:443"]),
    ],
)
def test_a_binding_is_named_as_netsh_names_it(given, places):
    assert [one.place for one in request(given).bindings] == places


def test_an_application_is_a_guid_in_any_spelling():
    assert request({"address": "::", "appid": f"{{{APPLICATION.upper()}}}"}).bindings == (
        AskedBinding("ipport=[::]:443", APPLICATION),
    )


def test_a_place_that_is_asked_for_twice_is_one():
    assert len(request({}, {"address": "::"}).bindings) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 0}, "binding 1: port 0 is not between 1 and 65535"),
        ({"port": 65536}, "port 65536"),
        ({"address": "localhost"}, "address 'localhost' is not an IP address"),
        ({"address": "fe80::1%eth0"}, "is not an IP address"),
        ({"sni": "*.example.com"}, "is not a host name that a client asks for"),
        ({"sni": "192.0.2.7"}, "is not a host name that a client asks for"),
        ({"sni": "a b"}, "is neither a host name"),
        ({"sni": "a.example", "address": "::"}, "leave out address, or sni"),
        ({"appid": "iis"}, "appid 'iis' is not a GUID"),
    ],
)
def test_what_cannot_be_meant_is_told(given, told):
    with pytest.raises(RequestError) as problem:
        request(given)
    assert told in problem.value.message


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(RequestError) as problem:
        request({"port": 0}, {"address": "::"}, {"appid": APPLICATION}, keep=0, prove_timeout=601)
    assert problem.value.message == (
        "keep 0 is not between 1 and 100; prove_timeout 601 is not between 1 and 600; binding 1: port 0 is not between "
        "1 and 65535; binding 3: ipport=[::]:443 is there twice, with another appid"
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a probe is asked: understood, or refused with what would work."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._probe.request import (
    USUAL_CHECKS,
    ProbeRequest,
    read_request,
)

SHA256 = "0f" * 32


def options(**given: Any) -> Dict[str, Any]:
    """The options of a task as the module gets them, defaults included."""
    return {
        "host": ["www.example.com"],
        "names": [],
        "port": 443,
        "http_port": 80,
        "family": [],
        "checks": list(USUAL_CHECKS),
        "trust": "system",
        "chain_names": None,
        "redirect_names": None,
        "status_names": None,
        "file_names": None,
        "statuses": [],
        "fingerprint": None,
        "fingerprints": None,
        "minimum_days": 0,
        "timeout": 5.0,
        "wait": 0.0,
        **given,
    }


def read(**given: Any) -> ProbeRequest:
    return read_request(options(**given), "")


def test_the_host_is_the_name_unless_names_are_given() -> None:
    assert read() == ProbeRequest(hosts=("www.example.com",), names=("www.example.com",))
    assert read(names=["a.example", "b.example"]) == ProbeRequest(("www.example.com",), ("a.example", "b.example"))


def test_names_go_over_the_wire_in_ascii_and_once() -> None:
    asked = read(names=["Bücher.example", "xn--bcher-kva.example", "WWW.example.com.", "192.0.2.1", "[2001:DB8::1]"])
    assert asked.names == ("xn--bcher-kva.example", "www.example.com", "192.0.2.1", "2001:db8::1")


def test_an_address_in_brackets_is_that_address() -> None:
    assert read(host=["[2001:db8::1]"], names=["a.example"]).hosts == ("2001:db8::1",)


def test_checks_are_made_in_one_order_however_they_are_given() -> None:
    assert read(checks=["redirect", "chain", "tcp"]).checks == ("tcp", "chain", "redirect")


def test_without_trust_the_chain_is_not_checked() -> None:
    assert read(trust="none").checks == ("tcp", "tls", "names", "days", "redirect")


def test_one_fingerprint_is_for_all_names() -> None:
    asked = read(names=["a.example", "b.example"], fingerprint=":".join(["0F"] * 32))
    assert asked.fingerprints == {"a.example": SHA256, "b.example": SHA256}


def test_fingerprints_find_their_names_however_these_are_written() -> None:
    assert read(names=["A.example.", "b.example"], fingerprints={"a.EXAMPLE": SHA256}).fingerprints == {
        "a.example": SHA256
    }


def test_a_check_can_be_made_of_some_names_only() -> None:
    asked = read(names=["a.example", "b.example"], chain_names=["A.example."], redirect_names=[])
    assert asked.narrowed == {"chain": ("a.example",), "redirect": ()}
    assert [asked.asks(check, name) for check in ("names", "chain", "redirect") for name in asked.names] == [
        *(True, True),
        *(True, False),
        *(False, False),
    ]


NOTHING_LEFT = (
    "checks leaves nothing to check; it takes one or more of tcp, tls, names, chain, days, versions, http2, "
    "status, hsts, redirect, quic"
)
REFUSED = [
    (
        {"redirect_names": ["b.example"]},
        "redirect_names has b.example, which is not among the names checked: www.example.com",
    ),
    (
        {"checks": ["chain", "redirect"], "chain_names": [], "redirect_names": []},
        NOTHING_LEFT,
    ),
    ({"host": []}, "host is empty; give a name or an address to connect to, or a list of them"),
    ({"host": [" "]}, "host is empty; give a name or an address to connect to, or a list of them"),
    (
        {"host": ["https://www.example.com/"]},
        "host 'https://www.example.com/' is neither a name nor an address; of an URL give the host alone, "
        "the port in 'port'",
    ),
    (
        {"names": ["*.example.com"]},
        "name '*.example.com' is a wildcard, which nobody can ask for: "
        "give a name it covers, such as 'www.example.com'",
    ),
    (
        {"checks": []},
        NOTHING_LEFT,
    ),
    (
        {"checks": ["chain"], "trust": "none"},
        NOTHING_LEFT,
    ),
    ({"port": 0}, "port 0 is not a port between 1 and 65535"),
    ({"http_port": 65536}, "http_port 65536 is not a port between 1 and 65535"),
    ({"port": 80}, "port and http_port are both 80: HTTPS and plain HTTP need one each"),
    ({"timeout": 0}, "timeout 0 is too small, the least is 0.1"),
    ({"wait": -1}, "wait -1 is too small, the least is 0"),
    ({"minimum_days": 10**7}, "minimum_days 10000000 is too large"),
    ({"timeout": float("nan")}, "timeout nan is too large"),
    ({"fingerprint": "0f" * 20}, f"fingerprint '{'0f' * 20}' is not a SHA-256: 64 hexadecimal digits, colons allowed"),
    (
        {"fingerprints": {"b.example": SHA256}},
        "fingerprints names b.example, which is not among the names checked: www.example.com",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_cannot_be_meant_is_refused(given: Dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(**given)
    assert refused.value.message == message


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(RequestError, match="'a b' is neither a host name"):
        read(names=["a b"])


def test_trust_none_does_not_go_with_a_ca() -> None:
    with pytest.raises(RequestError, match="trust: none does not go with ca"):
        read_request(options(trust="none"), "-----BEGIN CERTIFICATE-----")


def test_a_ca_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(RequestError, match="ca holds no certificates in PEM form"):
        read_request(options(), "not a certificate")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a look from outside asks of sites, and whom it trusts for them."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.plugin_utils._asked_sites import ask, read_sites

OWN = {"name": "own.example.com"}
GIVEN = {"name": "given.example.com", "certificate_file": "x", "key_file": "y"}
ISSUED = {"name": "issued.example.com", "acme": {}}


def asked(*sites, served=(), own_ca="", fingerprints=None, has_ca=False):
    return ask(read_sites(sites, served, own_ca), fingerprints or {}, has_ca)


@pytest.mark.parametrize(
    ("sites", "has_ca", "chained", "trusted"),
    [
        ([OWN], False, ["own"], "mine"),
        ([OWN, {**GIVEN, "self_signed": True}], False, ["own"], "mine"),
        ([OWN, GIVEN], False, ["given"], ""),
        ([OWN, ISSUED], False, ["issued"], ""),
        ([GIVEN], False, ["given"], ""),
        ([OWN, GIVEN], True, ["own", "given"], ""),
        ([{**OWN, "own_ca": "its"}], False, ["own"], "its"),
        ([OWN, {"name": "other.example.com", "own_ca": "its"}], False, ["own"], "mine"),
        ([{**OWN, "own_ca": ""}], False, ["own"], ""),
        ([{**OWN, "self_signed": True}], False, [], ""),
    ],
)
def test_the_system_is_trusted_where_a_site_needs_it(sites, has_ca, chained, trusted):
    found = asked(*sites, own_ca="mine", has_ca=has_ca)
    assert found.options["chain_names"] == [f"{name}.example.com" for name in chained]
    assert found.own_ca == trusted


def test_each_name_of_each_site_is_asked_for_once_and_nobody_asks_for_a_wildcard():
    found = asked(
        {"name": "a", "names": ["Shop.example.com", "*.example.com", "b\u00fccher.example"]},
        {"name": "b", "names": "*.example.org, *.example.net"},
        {"name": "c", "names": ["shop.example.com"]},
        {"name": "d.example.com"},
    )
    names = ["shop.example.com", "xn--bcher-kva.example", "www.example.org", "www.example.net", "d.example.com"]
    assert found.options["names"] == found.options["redirect_names"] == names


def test_a_site_is_asked_for_an_answer_by_what_it_serves():
    """One that wants a certificate of its visitors answers nobody else; a 404 tells of files alone."""
    found = asked(
        {"name": "files.example", "root": "/srv/files"},
        {"name": "app.example", "names": ["app.example", "*.app.example"], "proxy_pass": "http://127.0.0.1:8080"},
        {"name": "both.example", "root": "/srv/both", "proxy_pass": ["http://127.0.0.1:8081"]},
        {"name": "closed.example", "client_ca": "/etc/ssl/clients.pem"},
        {"name": "ajar.example", "client_ca": "/etc/ssl/clients.pem", "client_verification": "optional"},
    )
    assert found.options["status_names"] == ["files.example", "app.example", "both.example", "ajar.example"]
    assert found.options["file_names"] == ["files.example"]


@pytest.mark.parametrize(("value", "redirects"), [(False, 0), ("no", 0), ("true", 1), (None, 1), (True, 1)])
def test_a_redirect_is_not_asked_of_a_site_that_serves_the_same_without_https(value, redirects):
    assert len(asked({"name": "a.example", "redirect": value}).options["redirect_names"]) == redirects


def test_the_certificate_that_was_installed_has_to_be_served_and_one_issued_afterwards_comes_before_it():
    served = [
        {"name": "shop", "names": ["ignored.example"], "fingerprint": "11"},
        {"name": "gone", "names": ["gone.example"], "fingerprint": "22"},
        {"name": "blog", "fingerprint": "33"},
    ]
    sites = ({"name": "shop", "names": ["shop.example", "*.shop.example"]}, {"name": "blog", "names": ["blog.example"]})
    later = {"BLOG.example": "44", "other.example": "55"}
    found = asked(*sites, served=served, fingerprints=later)
    assert found.options["fingerprints"] == {"shop.example": "11", "blog.example": "44"}


@pytest.mark.parametrize(
    ("site", "told"),
    [
        ({"names": ["a.example"]}, "sites: each has a name, such as www.example.com"),
        ({"name": "a", "redirect": "perhaps"}, "sites: redirect of a is yes or no; given: 'perhaps'"),
    ],
)
def test_what_is_no_site_is_refused(site, told):
    with pytest.raises(RequestError) as refused:
        asked(site)
    assert refused.value.message == told

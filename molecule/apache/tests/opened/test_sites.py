# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both sites answer by their own certificates, and the administrator's site as before."""

from __future__ import annotations

import pytest

PAGES = {
    "shop.example": "the shop, asked as shop.example over https",
    "eu.shop.example": "the shop, asked as eu.shop.example over https",
    "blog.example": "the blog",
}


def curl(peer, address, port, url, *options):
    host = url.split("/")[2]
    at = f"[{address}]" if ":" in address else address
    words = ["curl", "--silent", "--show-error", "--max-time", "10", "--cacert", "/tmp/ca.pem", *options]
    return peer.run(" ".join([*words, "--connect-to", f"{host}:{port}:{at}:{port}", f"'{url}'"]))


@pytest.fixture(params=["ipv4", "ipv6"])
def address(request, target):
    return getattr(target, request.param)


@pytest.mark.parametrize("site", PAGES)
def test_a_site_is_served_with_a_certificate_that_is_trusted(peer, address, site):
    assert curl(peer, address, 443, f"https://{site}/") == PAGES[site]


@pytest.mark.parametrize("site", PAGES)
@pytest.mark.parametrize("page", ["/a/b?c=d", "/", "/x%20y%2Fz?q=a+b%26"])
def test_plain_http_keeps_path_and_query(peer, address, site, page):
    answer = curl(peer, address, 80, f"http://{site}{page}", "--output /dev/null --write-out '%{redirect_url}'")
    assert answer == f"https://{site}{page}"


def test_what_a_certificate_authority_looks_for_is_not_redirected(peer, address):
    for site in ("blog.example", "shop.example"):
        url = f"http://{site}/.well-known/acme-challenge/token"
        assert curl(peer, address, 80, url, "--output /dev/null --write-out '%{http_code}'") == "404"


def test_browsers_are_told_to_keep_to_https_where_asked(peer, address):
    headers = [curl(peer, address, 443, f"https://{site}/", "--head") for site in ("blog.example", "shop.example")]
    assert ["strict-transport-security: max-age=300" in head.lower() for head in headers] == [True, False]


def test_http2_is_spoken(peer, address):
    assert curl(peer, address, 443, "https://blog.example/", "--output /dev/null --write-out '%{http_version}'") == "2"


@pytest.mark.parametrize("loopback", ["127.0.0.1", "[::1]"])
def test_http3_is_spoken_where_it_was_asked_for(target, loopback):
    ask = "curl --silent --insecure --max-time 10 --output /dev/null --resolve shop.example:443:" + loopback
    headers = target.run(f"{ask} --dump-header - https://shop.example/").lower().splitlines()
    offered = [line for line in headers if line.startswith("alt-svc:")]
    if target.variables.get("serve_https_http3", False):
        # From the host itself, as the peer's curl cannot; that the packets get in, the check from the peer has said.
        assert target.run(f"{ask} --http3-only --write-out '%{{http_version}}' https://shop.example/") == "3"
        assert offered == ['alt-svc: h3=":443"; ma=86400']
    else:
        assert offered == []


def test_the_administrators_site_is_served_as_before(target):
    ask = "curl --silent --header 'Host: own.example' http://127.0.0.1:{}/"
    answers = {target.host.run(ask.format(port)).stdout.strip() for port in (80, 8000)}
    assert "the administrator's own" in answers


def test_the_application_itself_stays_closed(target, peer):
    assert set(peer.knock(target, 8080).values()) == {"silent"}


def test_keys_are_for_root_alone(target):
    modes = target.run("stat --dereference --format '%U:%G %a' /etc/port443/*/current/privkey.pem").splitlines()
    modes += target.run("stat --dereference --format '%U:%G %a' /etc/port443/*/current/haproxy.pem").splitlines()
    assert modes == ["root:root 600"] * 4

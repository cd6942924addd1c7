# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both sites answer by their own certificates, the game by its port, and the administrator's site as before."""

from __future__ import annotations

import pytest

PAGES = {"shop.example": "the shop, asked as shop.example over https\n", "blog.example": "the blog\n"}

ASK_GAME = """
import socket, sys
player = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
player.settimeout(3)
player.sendto(b"hello", (sys.argv[1], 27015))
print(player.recv(100).decode())
"""


def curl(peer, address, port, url, *options):
    host = url.split("/")[2]
    at = f"[{address}]" if ":" in address else address
    words = ["curl", "--silent", "--show-error", "--max-time", "10", "--cacert", "/tmp/ca.pem", *options]
    return peer.run(" ".join([*words, "--connect-to", f"{host}:{port}:{at}:{port}", url]))


@pytest.fixture(params=["ipv4", "ipv6"])
def address(request, target):
    return getattr(target, request.param)


@pytest.mark.parametrize("site", PAGES)
def test_a_site_is_served_with_a_certificate_that_is_trusted(peer, address, site):
    assert curl(peer, address, 443, f"https://{site}/") + "\n" == PAGES[site]


@pytest.mark.parametrize("site", PAGES)
def test_plain_http_keeps_path_and_query(peer, address, site):
    answer = curl(peer, address, 80, f"http://{site}/a/b?c=d", "--output /dev/null --write-out '%{redirect_url}'")
    assert answer == f"https://{site}/a/b?c=d"


def test_what_a_certificate_authority_looks_for_is_not_redirected(peer, address):
    url = "http://blog.example/.well-known/acme-challenge/token"
    assert curl(peer, address, 80, url, "--output /dev/null --write-out '%{http_code}'") == "404"


def test_browsers_are_told_to_keep_to_https_where_asked(peer, address):
    headers = [curl(peer, address, 443, f"https://{site}/", "--head") for site in ("blog.example", "shop.example")]
    assert ["strict-transport-security: max-age=300" in head.lower() for head in headers] == [True, False]


def test_http2_is_spoken(peer, address):
    assert curl(peer, address, 443, "https://blog.example/", "--output /dev/null --write-out '%{http_version}'") == "2"


def test_the_extra_port_is_open(target, peer, address):
    assert peer.host.check_output("python3 -c %s %s", ASK_GAME, address) == "hello"


def test_the_administrators_site_is_served_as_before(peer, address):
    assert curl(peer, address, 80, "http://own.example/") == "the administrator's own"
    default = curl(peer, address, 80, "http://unknown.example/")
    assert "Welcome to nginx" in default


def test_the_application_itself_stays_closed(target, peer):
    assert set(peer.knock(target, 8080).values()) == {"silent"}


def test_keys_are_for_root_alone(target):
    keys = target.run("stat --dereference --format '%U:%G %a' /etc/port443/*/current/privkey.pem").splitlines()
    assert keys == ["root:root 600"] * 2


def test_no_copies_of_sites_are_left(target):
    written = target.run("ls /etc/nginx/sites-available").splitlines()
    shared = ["zz-port443--http.conf", "zz-port443--unknown-names.conf"]  # what all need; what refuses other names
    assert written == ["default", *shared, "zz-port443-blog.example.conf", "zz-port443-shop.example.conf"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTPS is open and served, whatever the firewall; nothing else is open."""

from __future__ import annotations

import pytest

SITE = "www.port443.example"


def test_the_web_is_open_and_nothing_else(target, peer):
    answers = peer.knock(target, 80, 443, 8443)
    assert {door for door, answer in answers.items() if answer == "open"} == {
        "ipv4 80",
        "ipv4 443",
        "ipv6 80",
        "ipv6 443",
    }


def test_neighbours_that_forgot_the_host_find_it_again(target, peer):
    peer.run("ip neighbour flush all")
    target.run("ip neighbour flush all")
    assert peer.knock(target, 443) == {"ipv4 443": "open", "ipv6 443": "open"}


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_client_trusts_what_is_served(target, peer, family):
    address = target.ipv4 if family == "ipv4" else f"[{target.ipv6}]"
    shown = peer.run(
        "curl --silent --show-error --max-time 10 --cacert /tmp/ca.pem --output /dev/null "
        f"--write-out '%{{http_code}} %{{ssl_verify_result}}' --connect-to {SITE}:443:{address}:443 https://{SITE}/"
    )
    assert shown.split()[1] == "0"
    redirect = peer.run(
        "curl --silent --show-error --max-time 10 --output /dev/null --write-out '%{http_code} %{redirect_url}' "
        f"--connect-to {SITE}:80:{address}:80 'http://{SITE}/a/page?with=query'"
    )
    assert redirect == f"301 https://{SITE}/a/page?with=query"


def test_the_key_is_roots_alone(target):
    path = f"/etc/port443/{SITE}/current/privkey.pem"
    assert target.run(f"stat --dereference --format '%a %U %G' {path}").strip() == "600 root root"

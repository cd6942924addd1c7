# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTPS is open and served, and everything that was there before is there as it was."""

from __future__ import annotations

import difflib

import pytest

SITE = "www.port443.example"
BANNED = 66


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


def test_a_banned_client_is_still_refused(target, peer):
    assert set(peer.knock(target, 80, 443, last=BANNED).values()) == {"silent"}


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


def without_ours(text):
    return [line for line in text.splitlines() if "port443-" not in line and "icmpv6-type" not in line]


@pytest.mark.parametrize("command", ["iptables-save", "ip6tables-save"])
def test_the_rules_of_others_are_the_same_bytes(target, command):
    now = target.run(f"{command} | sed -e '/^#/d' -e 's/ \\[[0-9]*:[0-9]*\\]$//'")
    before = target.read("/root/before").split(f"# {command}\n")[1].split("\n# ")[0]
    assert "port443-https" in now
    assert without_ours(now) == before.splitlines()


@pytest.mark.parametrize("name", ["rules.v4", "rules.v6"])
def test_saved_files_hold_our_addition_alone(target, name):
    before = target.read(f"/root/{name}").splitlines()
    now = target.read(f"/etc/iptables/{name}").splitlines()
    lines = list(difflib.ndiff(before, now))
    assert not [line for line in lines if line.startswith("- ")]
    added = [line[2:] for line in lines if line.startswith("+ ")]
    assert added
    assert all("port443-https" in line for line in added)


def test_ours_stands_before_the_barrier_and_its_log_and_behind_the_ban(target):
    lines = [line for line in target.run("iptables-save -t filter").splitlines() if line.startswith("-A INPUT ")]
    at = lines.index("-A INPUT -j port443-https")
    assert "f2b-nginx" in " ".join(lines[:at])
    assert "-j LOG" in lines[at + 1]
    assert "-j REJECT" in lines[at + 2]


def test_the_key_is_roots_alone(target):
    path = f"/etc/port443/{SITE}/current/privkey.pem"
    assert target.run(f"stat --dereference --format '%a %U %G' {path}").strip() == "600 root root"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and the administrator's site is still served."""

from __future__ import annotations


def test_nothing_is_open(target, peer):
    assert set(peer.knock(target, 80, 443, 8080).values()) == {"silent"}


def test_the_host_is_as_it_was(target):
    assert target.run("/root/state").splitlines() == target.read("/root/before").splitlines()


def test_nothing_listens_for_tls_any_more(target):
    assert target.run("ss --no-header --listening --tcp --numeric 'sport = :443'") == ""


def test_the_server_still_serves_the_administrators_site(target):
    ask = "curl --silent --header 'Host: own.example' http://127.0.0.1:{}/"
    answers = {target.host.run(ask.format(port)).stdout.strip() for port in (80, 8000)}
    assert "the administrator's own" in answers

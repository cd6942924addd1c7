# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules and files that were there before are there as they were, and ours are in their place."""

from __future__ import annotations

import difflib

import pytest

BANNED = 66


def test_a_banned_client_is_still_refused(target, peer):
    assert set(peer.knock(target, 80, 443, last=BANNED).values()) == {"silent"}


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

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules and files that were there before are there as they were, and ours are in their place."""

from __future__ import annotations

import difflib

import pytest

BANNED = 66
COMMENT = b"port443-https".hex()
ANY = {"user.rules": "0.0.0.0/0", "user6.rules": "::/0"}
CHAINS = {"user.rules": "ufw-user-input", "user6.rules": "ufw6-user-input"}


def test_a_banned_client_is_still_refused(target, peer):
    assert set(peer.knock(target, 80, 443, last=BANNED).values()) == {"silent"}


@pytest.mark.parametrize("name", ["user.rules", "user6.rules"])
def test_the_files_hold_our_rule_alone_as_ufw_writes_it(target, name):
    before, now = target.read(f"/root/ufw/{name}").splitlines(), target.read(f"/etc/ufw/{name}").splitlines()
    lines = [line for line in difflib.ndiff(before, now) if line[:2] in ("+ ", "- ")]
    assert sorted(lines) == [
        "+ ",
        f"+ ### tuple ### allow tcp 80,443 {ANY[name]} any {ANY[name]} in comment={COMMENT}",
        f"+ -A {CHAINS[name]} -p tcp -m multiport --dports 80,443 -j ACCEPT",
    ]


@pytest.mark.parametrize("command", ["iptables-save", "ip6tables-save"])
def test_the_kernel_has_our_rule_more_before_the_one_that_blocks_everybody(target, command):
    now = target.run(f"{command} | sed -e '/^#/d' -e 's/ \\[[0-9]*:[0-9]*\\]$//'").splitlines()
    before = target.read("/root/before").split(f"# {command}\n")[1].split("\n# ")[0].splitlines()
    chain = CHAINS["user.rules" if command == "iptables-save" else "user6.rules"]
    ours = f"-A {chain} -p tcp -m multiport --dports 80,443 -j ACCEPT"
    assert [line for line in now if line != ours] == before
    assert now[now.index(ours) + 1] == f"-A {chain} -j DROP"


def test_ufw_knows_the_rule_as_its_own(target):
    shown = [line.split() for line in target.run("ufw status").splitlines() if "port443-https" in line]
    assert shown == [
        ["80,443/tcp", "ALLOW", "Anywhere", "#", "port443-https"],
        ["80,443/tcp", "(v6)", "ALLOW", "Anywhere", "(v6)", "#", "port443-https"],
    ]

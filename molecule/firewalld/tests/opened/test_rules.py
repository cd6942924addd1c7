# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules and files that were there before are there as they were, and ours are in their place."""

from __future__ import annotations

import re

BANNED = 66
OURS = re.compile(r"\t\ttcp dport (80|443)( ct state \{ new, untracked \})? accept")
SERVICE = "/etc/firewalld/services/port443-https.xml"


def test_a_banned_client_is_still_refused(target, peer):
    assert set(peer.knock(target, 80, 443, last=BANNED).values()) == {"silent"}


def rules_of(state):
    """The part of a state that nft printed, sorted: firewalld orders what a zone allows anew whenever it starts."""
    return sorted(state.split("\n# nft\n")[1].split("\n# files\n")[0].splitlines())


def test_the_kernel_has_our_rules_more(target):
    now = rules_of(target.run("/root/state"))
    known = {path: rules_of(target.read(path)) for path in ("/root/before", "/root/changed")}
    assert len([line for line in now if OURS.fullmatch(line)]) == 2
    assert [line for line in now if not OURS.fullmatch(line)] in known.values()


def files_of(state, *ours):
    """The lines about firewalld's files in a state, without those about some paths."""
    lines = state.split("\n# files\n")[1].splitlines()
    return [line for line in lines if " /etc/firewalld" in line and not line.rstrip().endswith(ours)]


def test_no_other_file_of_firewalld_changed_and_no_copy_was_left(target):
    ours = (SERVICE, f"/etc/firewalld/zones/{target.variables['zone']}.xml")
    assert files_of(target.run("/root/state"), *ours) == files_of(target.read("/root/before"), *ours)


def test_the_zones_file_holds_our_service_more(target):
    name = f"zones/{target.variables['zone']}.xml"
    stock = "/root/firewalld" if target.variables["own"] else "/usr/lib/firewalld"
    before, now = (target.host.file(f"{folder}/{name}").content.decode() for folder in (stock, "/etc/firewalld"))
    ours = '<service name="port443-https"/>'
    line = f"  {ours}\n"
    assert now.count(ours) == 1
    assert now.replace(line if line in now else ours, "") == before
    if target.variables["own"]:
        assert target.run(f"stat --format %a /etc/firewalld/{name}").strip() == "604"


def test_firewalld_has_nothing_against_its_files(target):
    assert target.run("firewall-cmd --check-config").strip() == "success"


def test_firewalld_knows_the_service(target):
    shown = target.run(f"cat {SERVICE}").splitlines()
    added = [line.strip() for line in shown if "<port" in line]
    assert added == ['<port port="80" protocol="tcp"/>', '<port port="443" protocol="tcp"/>']
    zone = target.variables["zone"]
    live = target.run(f"firewall-cmd --zone={zone} --list-services").split()
    rules = [line for line in target.run(f"firewall-cmd --zone={zone} --list-rich-rules").splitlines() if "443" in line]
    assert ("port443-https" in live) != (len(rules) == 1)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sets are in their anchors, called at the end of what was there."""

from __future__ import annotations

import difflib


def test_both_anchors_are_called_at_the_end(target):
    rules = target.run("pfctl -s rules 2>/dev/null").splitlines()
    assert rules[-2:] == ['anchor "port443.https" all', 'anchor "port443.internal" all']


def test_the_rules_are_printed_as_the_system_does(target):
    rules = target.run("pfctl -a port443.https -s rules 2>/dev/null").splitlines()
    openbsd = target.variables["system"] == "OpenBSD"
    port, state = ("443", "") if openbsd else ("https", "keep state ")
    assert rules[1] == f'pass in quick proto tcp from any to any port = {port} flags S/SA {state}label "port443.https"'


def test_pf_conf_holds_our_addition_alone_and_keeps_its_mode(target):
    before = target.run("iconv -f latin1 -t utf8 /root/pf.conf").splitlines()
    now = target.run("iconv -f latin1 -t utf8 /etc/pf.conf").splitlines()
    lines = list(difflib.ndiff(before, now))
    assert not [line for line in lines if line.startswith("- ")]
    added = [line[2:] for line in lines if line.startswith("+ ")]
    assert len(added) == 8
    assert all("port443." in line for line in added)
    assert target.run("stat -c '%a %U' /etc/pf.conf").strip() == "600 root"

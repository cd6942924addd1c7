# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and what an administrator did in between is there."""

from __future__ import annotations

BAN = "block in quick from 198.51.100.77 to any"
LISTED = ["mime.types", "nginx.conf", "nginx.conf-dist", "servers"]


def test_pf_conf_is_as_it_was_but_for_the_administrators_edit(target):
    before = target.run("iconv -f latin1 -t utf8 /root/pf.conf").splitlines()
    assert target.run("iconv -f latin1 -t utf8 /etc/pf.conf").splitlines() == [*before, BAN]


def test_no_file_of_ours_is_left(target):
    listed = target.run("ls -d /etc/pf.anchors/* 2>/dev/null || true").split()
    assert listed == (["/etc/pf.anchors/com.apple"] if target.variables["system"] == "Darwin" else [])
    assert target.host.file("/etc/pf.anchors").exists == (target.variables["system"] == "Darwin")


def test_nginx_is_as_its_package_left_it(target):
    folder = target.variables["nginx"]
    assert target.run(f"cd {folder}; ls --ignore logs; cmp nginx.conf nginx.conf-dist").split() == LISTED
    assert target.run(f"ls {folder}/servers") == ""
    assert not target.host.file("/etc/port443").exists


def test_the_kernel_holds_nothing_of_ours(target):
    assert "port443" not in target.run("pfctl -s rules 2>/dev/null; pfctl -s Anchors 2>/dev/null")
    assert target.run("pfctl -s info 2>/dev/null").startswith("Status: Enabled")

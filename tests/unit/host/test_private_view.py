# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which mounts there are, and what of them is copied where the kernel refuses overlays: decided from data."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.mounts import Mount, is_below, read_mounts
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import NotAllowedError
from ansible_collections.port443.https.plugins.module_utils._host.private_files import Planned, run_over
from ansible_collections.port443.https.plugins.module_utils._host.private_view import find_staging, select_copied

# From a container of podman 4.3 on Debian 12, Linux 6.1; two lines are put in: a name with a space, and a second
# filesystem on top of the first.
MOUNTINFO = rb"""
603 541 0:54 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/a,upperdir=/var/lib/b,workdir=/var/lib/c
604 603 0:57 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
605 603 0:58 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755,inode64
606 603 0:59 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs rw
612 603 0:50 /containers/hosts /etc/hosts rw,nosuid,nodev,relatime - tmpfs tmpfs rw,size=803932k,mode=755
613 603 0:60 / /var/www/my\040pages rw,relatime shared:1 master:7 - nfs4 disk:/pages ro,vers=4.2
614 603 8:1 / /var rw,relatime shared:2 - ext4 /dev/sda1 rw
615 603 8:2 / /var rw,relatime shared:2 - xfs /dev/sda2 rw
""".strip()
MOUNTS = (
    Mount("/", "overlay", True),
    Mount("/dev", "tmpfs", True),
    Mount("/etc/hosts", "tmpfs", True),
    Mount("/proc", "proc", True),
    Mount("/sys", "sysfs", False),
    Mount("/var", "xfs", True),
    Mount("/var/www/my pages", "nfs4", False),
)
ROOT, VAR = MOUNTS[0], MOUNTS[5]


def test_mounts_are_read_as_they_are_seen():
    assert read_mounts(MOUNTINFO) == MOUNTS


def test_a_folder_comes_before_those_below_it_whatever_their_names():
    lines = [b"1 1 8:1 / /%s rw - ext4 d rw" % name for name in (b"a/b", b"a-b", b"a")]
    assert [mount.path for mount in read_mounts(b"\n".join(lines))] == ["/a", "/a/b", "/a-b"]


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [("/a", "/a", True), ("/a/b", "/a", True), ("/ab", "/a", False), ("/a", "/", True), ("/", "/a", False)],
)
def test_what_lies_in_a_folder(path, folder, expected):
    assert is_below(path, folder) is expected


def test_the_view_is_built_where_no_mount_is_hidden():
    assert find_staging(MOUNTS, ["/dev", "/etc", "/opt", "/srv"]) == "/opt"
    with pytest.raises(NotAllowedError, match="something is mounted in each of /etc, /var"):
        find_staging(MOUNTS, ["/etc", "/var"])


def test_folders_are_copied_from_the_mount_that_they_lie_on():
    folders = {"/etc/nginx": 100, "/run": 100, "/var/log": 1}
    assert select_copied(ROOT, MOUNTS, folders) == {"/etc/nginx": 100, "/run": 100}
    assert select_copied(VAR, MOUNTS, folders) == {"/var/log": 1}


def test_a_mount_inside_a_folder_is_copied_as_a_whole():
    assert select_copied(VAR, MOUNTS, {"/": 0, "/var": 2}) == {"/var": 2}
    assert select_copied(VAR, MOUNTS, {"/": 0, "/var/log": 1}) == {"/var": 0, "/var/log": 1}


def test_an_outer_folder_is_copied_before_what_is_planned_inside_it():
    assert list(select_copied(ROOT, MOUNTS, {"/tmp/a/b": 100, "/tmp": 0}).items()) == [("/tmp", 0), ("/tmp/a/b", 100)]


def test_a_planned_key_is_not_shown():
    assert "secret" not in repr(Planned(b"secret", mode=0o600))


def test_other_systems_than_linux_have_no_answer():
    class FreeBsd(Host):
        def system(self):
            return "FreeBSD"

    assert run_over(FreeBsd(), {}, ("false",)) is None

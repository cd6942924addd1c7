# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nft files a host loads at boot, told from its files alone."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.files import observe_files
from files_host import FilesHost

CONF, SYSCONFIG, ALPINE = "/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/nftables.nft"
WANTS = "/etc/systemd/system/sysinit.target.wants/nftables.service"
# Of the packages nftables 1.0.6 of Debian and 1.0.9 of Fedora.
DEBIAN = """[Service]
ExecStart=/usr/sbin/nft -f /etc/nftables.conf
ExecReload=/usr/sbin/nft -f /etc/nftables.conf
ExecStop=/usr/sbin/nft flush ruleset
"""
FEDORA = """[Service]
ExecStart=/sbin/nft -f /etc/sysconfig/nftables.conf
ExecReload=/sbin/nft 'flush ruleset; include "/etc/sysconfig/nftables.conf";'
ExecStop=/sbin/nft flush ruleset
"""
UNIT = "/usr/lib/systemd/system/nftables.service"
OVERRIDE = "/etc/systemd/system/nftables.service.d/own.conf"


def found(**files):
    """Path, whether it is enabled, whether the service flushes, for each file."""
    return [(file.path, file.enabled, file.flushes) for file in observe_files(FilesHost(files))]


CASES = [
    ("nothing", {}, []),
    ("Debian's, disabled", {CONF: "", UNIT: DEBIAN}, [(CONF, False, False)]),
    ("Debian's", {CONF: "", UNIT: DEBIAN, WANTS: ""}, [(CONF, True, False)]),
    ("Fedora's", {SYSCONFIG: "", UNIT: FEDORA, WANTS: ""}, [(SYSCONFIG, True, True)]),
    (
        "a left-over of the other layout",
        {CONF: "", SYSCONFIG: "", UNIT: FEDORA, WANTS: ""},
        [(SYSCONFIG, True, True), (CONF, False, True)],
    ),
    ("no unit that can be read", {CONF: "", SYSCONFIG: "", WANTS: ""}, [(CONF, True, False), (SYSCONFIG, True, False)]),
    (
        "a file of the administrator's",
        {
            CONF: "",
            "/srv/fw": "",
            UNIT: DEBIAN,
            WANTS: "",
            OVERRIDE: "[Service]\nExecStart=\nExecStart=nft -f /srv/fw\n",
        },
        [("/srv/fw", True, False), (CONF, False, False)],
    ),
    (
        "a script of the administrator's",
        {CONF: "", UNIT: DEBIAN, WANTS: "", OVERRIDE: "[Service]\nExecStart=\nExecStart=/usr/local/sbin/firewall\n"},
        [(CONF, False, False)],
    ),
    (
        "a file of the administrator's, and no way to load it again but to stop first",
        {
            "/srv/fw": "",
            UNIT: DEBIAN,
            WANTS: "",
            OVERRIDE: "[Service]\nExecStart=\nExecStart=-/sbin/nft --file /srv/fw\nExecReload=\n",
        },
        [("/srv/fw", True, True)],
    ),
    ("Alpine's", {ALPINE: "", "/etc/runlevels/boot/nftables": ""}, [(ALPINE, True, False)]),
    ("Alpine's, disabled", {ALPINE: ""}, [(ALPINE, False, False)]),
]


@pytest.mark.parametrize(("_title", "files", "want"), CASES, ids=[title for title, _files, _want in CASES])
def test_files_are_those_that_the_service_loads(_title, files, want):
    assert found(**files) == want

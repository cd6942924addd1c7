# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Firewalls of packages are known by what starts them, and by how they name their chains."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.packaged import (
    PACKAGED,
    find_filled,
    find_packaged,
)
from ansible_collections.port443.https.plugins.module_utils._linux.boot_scripts import observe_scripts
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Table

UNIT = "/etc/systemd/system/multi-user.target.wants/{}.service"
KNOWN = {one.name: one for one in PACKAGED}


class Machine:
    """A host with some files."""

    def __init__(self, *paths, **contents):
        self._files = {**dict.fromkeys(paths, b""), **contents.get("files", {})}

    def list_folder(self, path):
        return tuple(sorted(name[len(path) + 1 :] for name in self._files if name.rpartition("/")[0] == path))

    def is_file(self, path):
        return path in self._files

    def read(self, path):
        return self._files.get(path)


def table(*names, frontend="iptables-nft"):
    """A filter table with these chains of others."""
    base = Chain("INPUT", (), "accept", "input")
    return Table(frontend, "ip", "filter", (base, *(Chain(name) for name in names)))


STARTED = [
    (UNIT.format("pve-firewall"), "pve-firewall"),
    (UNIT.format("shorewall6"), "shorewall"),
    ("/etc/systemd/system/basic.target.wants/shorewall.service", "shorewall"),
    ("/etc/systemd/system/network-pre.target.wants/ferm.service", "ferm"),
    ("/etc/rcS.d/S14firehol", "firehol"),
    ("/etc/rc2.d/S01arno-iptables-firewall", "arno-iptables-firewall"),
    (UNIT.format("csf"), "csf"),
    (UNIT.format("lfd"), "csf"),
    (UNIT.format("apf"), "apf"),
    (UNIT.format("calico-felix"), "Calico"),
    (UNIT.format("ufw-docker"), "ufw-docker"),
    ("/etc/runlevels/default/shorewall", "shorewall"),
]


@pytest.mark.parametrize(("path", "name"), STARTED)
def test_what_starts_at_boot_is_known(path, name):
    assert find_packaged(Machine(path), ()) == (KNOWN[name],)


@pytest.mark.parametrize(
    ("chain", "name"),
    [
        ("PVEFW-INPUT", "pve-firewall"),
        ("net-fw", "shorewall"),
        ("in_world_http_s1", "firehol"),
        ("LOCALINPUT", "csf"),
        ("TALLOW", "apf"),
        ("EXT_INPUT_CHAIN", "arno-iptables-firewall"),
        ("cali-INPUT", "Calico"),
        ("ufw-docker-logging-deny", "ufw-docker"),
    ],
)
def test_what_runs_is_known_by_its_chains(chain, name):
    for frontend in ("iptables-nft", "iptables-legacy"):
        assert find_packaged(Machine(), (table(chain, frontend=frontend),)) == (KNOWN[name],)
    assert find_packaged(Machine(), (table(chain, frontend="nft"),)) == ()


def test_others_are_not_taken_for_one():
    names = ("f2b-nginx", "DOCKER-USER", "KUBE-FIREWALL", "port443-https", "ufw-before-input", "IN_public", "in_world")
    assert find_packaged(Machine(UNIT.format("nginx"), UNIT.format("netfilter-persistent")), (table(*names),)) == ()


def test_one_that_makes_all_chains_anew_fills_them_all():
    chains = table("cali-INPUT", "mine")
    assert find_filled((KNOWN["Calico"],), chains) == ("cali-INPUT",)
    assert find_filled((KNOWN["ferm"],), chains) == ("cali-INPUT", "mine")
    assert find_filled((), chains) == ()


CONTENTS = [
    (
        "/etc/systemd/system/site.service",
        b"[Unit]\nConflicts=iptables.service\n[Service]\nExecStart=/bin/true\n",
        False,
    ),
    ("/etc/systemd/system/site.service", b"[Service]\nExecStart=/sbin/iptables -P INPUT DROP\n", True),
    ("/etc/systemd/system/site.service", b"[Service]\nExecStart=/bin/sh -c \\\n  'iptables -P INPUT DROP'\n", True),
    ("/etc/systemd/system/site.service", b"[Service]\n#ExecStart=/sbin/iptables -P INPUT DROP\n", False),
    ("/etc/rc.local", b"#!/bin/sh\n# no iptables here\n", False),
    ("/etc/rc.local", b"#!/bin/sh\niptables -P INPUT DROP\n", True),
]


@pytest.mark.parametrize(("path", "content", "counts"), CONTENTS)
def test_only_lines_that_are_run_make_a_script(path, content, counts):
    assert observe_scripts(Machine(files={path: content})) == ((path,) if counts else ())

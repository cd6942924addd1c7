# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rehearsal of a boot has, the boot has too: sets that something on disk makes, and no others."""

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from rooted import V4, WANTS, load, private_network, rules, tool
from ufw_host import SSH, UfwHost

GEO = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m set --match-set geo src -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
SETS = "create geo hash:net family inet hashsize 1024 maxelem 65536\nadd geo 203.0.113.0/24\n"
PLUGIN = "/usr/share/netfilter-persistent/plugins.d/10-ipset"
SAID = re.compile(r"said: iptables-restore v[0-9.]+ \(nf_tables\): Set geo doesn't exist\.")
UNIT = "[Unit]\nDescription=sets\nBefore=network-pre.target {}\n[Service]\nType=oneshot\nExecStart={}\n"
# The rules file, what enables it, and the files that make the set before.
MAKERS = {
    "ipset-persistent": (V4, WANTS, {PLUGIN: "", "/etc/iptables/ipsets": SETS}),
    "ipset-service": ("/etc/sysconfig/iptables", "iptables", {"ipset.service": "", "/etc/sysconfig/ipset": SETS}),
    "ipset-service, a file a set": (
        "/etc/sysconfig/iptables",
        "iptables",
        {"ipset.service": "", "/etc/sysconfig/ipset.d/geo.set": SETS},
    ),
    "Arch": ("/etc/iptables/iptables.rules", "iptables", {"ipset.service": "", "/etc/ipset.conf": SETS}),
    "Alpine": (
        "/etc/iptables/rules-save",
        "/etc/runlevels/boot/iptables",
        {"/etc/runlevels/boot/ipset": "", "/etc/ipset.d/awall": SETS},
    ),
    "Gentoo": (
        "/etc/iptables/rules-save",
        "/etc/runlevels/boot/iptables",
        {"/etc/runlevels/default/ipset": "", "/var/lib/ipset/rules-save": SETS},
    ),
    "a unit of the administrator": (
        V4,
        WANTS,
        {
            "sets.service": "",
            "/etc/systemd/system/sets.service": UNIT.format(
                "netfilter-persistent.service", "/sbin/ipset -exist \\\n restore -f /etc/sets.txt"
            ),
            "/etc/sets.txt": SETS,
        },
    ),
    "a unit of the administrator with a shell": (
        V4,
        WANTS,
        {
            "sets.service": "",
            "/etc/systemd/system/sets.service": UNIT.format(
                "netfilter-persistent.service", "/bin/sh -c 'ipset restore -! < /etc/sets.txt'"
            ),
            "/etc/sets.txt": SETS,
        },
    ),
}
# The same with something missing: the boot has no set.
LACKS = {
    "nothing that makes sets": (V4, WANTS, {}),
    "the file without its plugin": (V4, WANTS, {"/etc/iptables/ipsets": SETS}),
    "the plugin without its file": (V4, WANTS, {PLUGIN: ""}),
    "another set": (V4, WANTS, {PLUGIN: "", "/etc/iptables/ipsets": SETS.replace("geo", "ban")}),
    "a file that ipset does not read": (V4, WANTS, {PLUGIN: "", "/etc/iptables/ipsets": "create geo hash:bogus\n"}),
    "a service that is not enabled": ("/etc/sysconfig/iptables", "iptables", {"/etc/sysconfig/ipset": SETS}),
    "another loader's file": (V4, WANTS, {"ipset.service": "", "/etc/sysconfig/ipset": SETS}),
    "a unit that is not enabled": (
        V4,
        WANTS,
        {
            "/etc/systemd/system/sets.service": UNIT.format(
                "netfilter-persistent.service", "ipset restore -f /etc/sets.txt"
            ),
            "/etc/sets.txt": SETS,
        },
    ),
    "a unit that nothing orders before": (
        V4,
        WANTS,
        {
            "sets.service": "",
            "/etc/systemd/system/sets.service": UNIT.format("", "ipset restore -f /etc/sets.txt"),
            "/etc/sets.txt": SETS,
        },
    ),
}


def lay_out(host, path, enabled, files, saved=GEO):
    host.put(path, saved)
    for name, content in {enabled: "", **files}.items():
        if name.startswith("/"):
            host.put(name, content)
        else:
            host.enable(name.replace(".service", ""))


@pytest.mark.parametrize("case", MAKERS.values(), ids=MAKERS)
def test_a_set_that_something_makes_before_the_rules_is_there_at_boot(host, case):
    tool("ipset", "restore", stdin=SETS)
    load(GEO, families=(4,))
    lay_out(host, *case)
    done = host.ensure_as_predicted(rules)
    assert (done.persisted, done.warnings) == ("rehearsed", ())
    assert host.ensure().persisted == "rehearsed"


@pytest.mark.parametrize("case", LACKS.values(), ids=LACKS)
def test_a_set_that_only_runs_now_is_not_there_at_boot(host, case):
    tool("ipset", "restore", stdin=SETS)
    load(GEO, families=(4,))
    lay_out(host, *case)
    done = host.ensure_as_predicted(rules)
    (warning,) = done.warnings
    assert done.persisted == "no"
    assert warning.startswith(
        f"{case[0]} names a set that nothing makes before it is loaded at boot, and then the host "
    )
    assert SAID.search(warning)
    assert warning.count("ipset restore said: ipset v") == sum("hash:bogus" in text for text in case[2].values())
    again = host.ensure()
    assert (again.steps, again.persisted, again.warnings) == ((), "no", done.warnings)
    host.ensure(state="absent")
    assert (host.root / case[0].lstrip("/")).read_text(encoding="utf-8") == GEO


def test_what_sets_hold_at_boot_is_what_counts(host):
    """The set is there, but the peers that it lets in now are not in the file."""
    lets_in = GEO.replace("-j DROP", "-j ACCEPT")
    tool("ipset", "restore", stdin=SETS)
    load(lets_in, families=(4,))
    lay_out(host, *MAKERS["ipset-persistent"], saved=lets_in)
    assert host.ensure(source=["203.0.113.0/24"]).persisted == "rehearsed"


def test_a_file_that_is_broken_besides_is_refused_as_ever(host):
    tool("ipset", "restore", stdin=SETS)
    load(GEO, families=(4,))
    lay_out(host, V4, WANTS, {}, saved=GEO.replace("--dport 22", "--dport nonsense"))
    with pytest.raises(HostError, match="cannot be loaded as it is"):
        host.ensure()


def test_rules_and_the_programs_set_stay_out_of_it_without_ipset(host, monkeypatch):
    """A program may make sets without the tool, by netlink."""
    tool("ipset", "restore", stdin=SETS)
    load(GEO, families=(4,))
    lay_out(host, *MAKERS["ipset-persistent"])
    find = host.find
    monkeypatch.setattr(host, "find", lambda name: None if name == "ipset" else find(name))
    assert host.ensure().persisted == "no"


@pytest.fixture
def ufw(tmp_path):
    with private_network():
        tool("ipset", "restore", stdin=SETS)
        made = UfwHost(tmp_path)
        made.set_up(SSH)
        made.edit(
            "/etc/ufw/before.rules",
            "-A ufw-before-input -i lo -j ACCEPT\n",
            "-A ufw-before-input -m set --match-set geo src -j DROP\n-A ufw-before-input -i lo -j ACCEPT\n",
        )
        made.start()
        yield made


@pytest.mark.parametrize(
    ("script", "executable", "persisted"),
    [
        ("", False, "no"),
        ("#!/bin/sh\nipset create geo hash:net\n", True, "rehearsed"),
        ("#!/bin/sh\nipset create geo hash:net\n", False, "no"),
        ("#!/bin/sh\nipset restore < /etc/sets.txt\n", True, "rehearsed"),
        ("#!/bin/sh\nipset create ban hash:net\n", True, "no"),
    ],
)
def test_ufw_makes_sets_by_its_script(ufw, monkeypatch, script, executable, persisted):
    ufw.put("/etc/ufw/before.init", script)
    ufw.put("/etc/sets.txt", SETS)
    find = ufw.find
    here = {"/etc/ufw/before.init": "/etc/ufw/before.init" if executable else None}
    monkeypatch.setattr(ufw, "find", lambda name: here[name] if name in here else find(name))
    done = ufw.ensure()
    assert done.persisted == persisted
    assert any("ufw/before.init may make the sets" in text for text in done.warnings) == (persisted == "no")


@pytest.mark.parametrize("unit", ["/etc/systemd/system", "/run/systemd/system"])
def test_a_masked_service_loads_nothing(host, unit):
    """Debian masks a service whose package is removed; the links that had it started stay."""
    plain = GEO.replace("-A INPUT -m set --match-set geo src -j DROP\n", "")
    load(plain, families=(4,))
    lay_out(host, V4, WANTS, {}, saved=plain)
    host.put("/etc/rcS.d/S01netfilter-persistent", "")
    folder = host.root / unit.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    assert host.ensure(check=True).persisted == "rehearsed"
    os.symlink("/dev/null", folder / "netfilter-persistent.service")
    done = host.ensure(check=True)
    assert done.persisted == "no"
    assert done.warnings == (
        f"{V4} is not loaded at boot (netfilter-persistent is not enabled), so nothing was written there",
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What nft files find when the boot loads them: no links that the network makes, no files that were in memory."""

from __future__ import annotations

import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._rehearsal import nft as _load
from nft_host import CONF, FIREWALL, nft
from rooted import tool

LOOPBACK = 'iifname "lo" accept\n'
UNIT = "/etc/systemd/system/nftables.service.d/late.conf"


@pytest.fixture(autouse=True)
def forgetful():
    """What a text makes is kept for a run; each test is another host."""
    _load.load.cache_clear()


def saved(host, rule):
    """A host whose firewall is loaded, and by the boot too."""
    text = FIREWALL.replace(LOOPBACK, LOOPBACK + f"\t\t{rule}\n")
    host.put(CONF, text)
    host.enable("nftables")
    nft(text)


def add_link(host, name, said):
    tool("ip", "link", "add", name, "type", "veth", "peer", "name", "far" + name)
    host.put(f"/sys/class/net/{name}/uevent", said)


@pytest.mark.parametrize(
    ("said", "rule", "unit", "persisted"),
    [
        ("DEVTYPE=wireguard\nINTERFACE=x0\n", "iif x0 accept", "", "no"),
        ("DEVTYPE=bridge\nINTERFACE=x0\n", 'iif { "lo", "x0" } accept', "", "no"),
        ("DEVTYPE=vlan\nINTERFACE=x0\n", 'iifname "x0" accept', "", "rehearsed"),
        ("DEVTYPE=wlan\nINTERFACE=x0\n", "iif x0 accept", "", "rehearsed"),
        ("INTERFACE=x0\n", "iif x0 accept", "", "rehearsed"),
        ("DEVTYPE=wireguard\n", "iif x0 accept", "[Unit]\nAfter=wg-quick@x0.service\n", "rehearsed"),
        ("DEVTYPE=wireguard\n", "iif x0 accept", "[Unit]\nAfter=network-pre.target\n", "no"),
    ],
)
def test_a_link_that_is_made_later_is_not_there_at_boot(host, said, rule, unit, persisted):
    add_link(host, "x0", said)
    saved(host, rule)
    if unit:
        host.put(UNIT, unit)
    before = host.files()
    done = host.ensure()
    words = "is loaded before the network is set up, and does not load without links that are made later: nft said: "
    assert done.persisted == persisted
    assert [CONF in text and words in text and "Interface does not exist" in text for text in done.warnings] == (
        [True] if persisted == "no" else []
    )
    again = host.ensure()
    assert (again.steps, again.persisted, len(again.warnings)) == ((), persisted, len(done.warnings))
    host.ensure(state="absent")
    assert host.files() == before


def test_a_tunnel_is_known_by_its_flags(host):
    add_link(host, "tun0", "INTERFACE=tun0\n")
    saved(host, "iif tun0 accept")
    assert host.ensure(check=True).persisted == "rehearsed"
    host.put("/sys/class/net/tun0/tun_flags", "0x1\n")
    _load.load.cache_clear()
    assert host.ensure(check=True).persisted == "no"


def test_a_link_that_is_gone_is_gone_at_boot(host):
    add_link(host, "x0", "INTERFACE=x0\n")
    saved(host, "iif x0 accept")
    tool("ip", "link", "del", "x0")
    assert host.ensure(check=True).persisted == "no"


@pytest.mark.parametrize("folder", ["/run/nft.d", "/var/run/nft.d", "/etc/nft.d"])
def test_a_file_in_memory_is_gone_at_boot(host, folder):
    host.put(f"{folder}/more.nft", "table inet more { }\n")
    host.put(CONF, f'{FIREWALL}include "{folder}/*.nft"\n')
    host.enable("nftables")
    nft(FIREWALL)
    done = host.ensure()
    told = (f"{folder}/more.nft is in memory: a reboot takes it away, though {CONF} includes it",)
    assert (done.persisted, done.warnings) == (("rehearsed", ()) if folder == "/etc/nft.d" else ("no", told))


def test_a_link_to_memory_is_gone_too(host):
    host.put("/run/more.nft", "table inet more { }\n")
    (host.root / "etc/nft.d").mkdir(parents=True)
    os.symlink(host.root / "run/more.nft", host.root / "etc/nft.d/more.nft")
    host.put(CONF, f'{FIREWALL}include "/etc/nft.d/*.nft"\n')
    host.enable("nftables")
    nft(FIREWALL)
    assert host.ensure().persisted == "no"


def test_a_masked_service_loads_nothing(host):
    saved(host, "counter")
    assert host.ensure(check=True).persisted == "rehearsed"
    os.symlink("/dev/null", host.root / "etc/systemd/system/nftables.service")
    done = host.ensure(check=True)
    assert (done.persisted, done.warnings) == (
        "no",
        (f"{CONF} is not loaded at boot (nftables.service is not enabled), so nothing was written there",),
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which nft files the next boot loads, and what trying them beforehand shows."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from nft_host import ALL_OPEN, CONF, FIREWALL, WANTS, lines_of, listed, nft, saved, text_of, verdicts
from rooted import tool

UNIT = """[Service]
Type=oneshot
ExecStart=/sbin/nft -f /etc/sysconfig/nftables.conf
ExecReload=/sbin/nft 'flush ruleset; include "/etc/sysconfig/nftables.conf";'
ExecStop=/sbin/nft flush ruleset
"""


def test_the_unit_may_take_the_old_rules_away_itself(host):
    host.put("/usr/lib/systemd/system/nftables.service", UNIT)
    files = saved(host, FIREWALL.replace("flush ruleset\n", ""), "/etc/sysconfig/nftables.conf")
    assert host.ensure().persisted == "rehearsed"
    host.ensure(state="absent")
    assert host.files() == files


def test_the_file_that_the_unit_names_is_the_one(host):
    host.put("/lib/systemd/system/nftables.service", UNIT)
    host.put(
        "/etc/systemd/system/nftables.service.d/own.conf",
        "[Service]\nExecStart=\nExecStart=/usr/sbin/nft \\\n  -f /srv/firewall.nft\n",
    )
    host.put("/etc/sysconfig/nftables.conf", "this is not read\n")
    saved(host, FIREWALL, "/srv/firewall.nft")
    done = host.ensure()
    assert str(done.steps[-1]) == "write /srv/firewall.nft"
    assert text_of(host, "/etc/sysconfig/nftables.conf") == "this is not read\n"


OVERRIDE = "[Service]\nExecStart=\nExecStart=/usr/sbin/nft -f /srv/fw/main.nft\n"


def pretend(monkeypatch, host, version):
    """Lets the real nft claim to be another one."""
    run, claim = host.run, Completed((), 0, f"nftables v{version} (Some Name #4)\n", "")
    monkeypatch.setattr(host, "run", lambda argv, stdin="": claim if "--version" in argv else run(argv, stdin))


def searches_beside(folder):
    """Whether the real nft finds what a file includes beside it."""
    (folder / "main.nft").write_text('include "rules.nft"\n', encoding="utf-8")
    (folder / "rules.nft").write_text("", encoding="utf-8")
    return FirewallHost().run(("nft", "-c", "-f", str(folder / "main.nft"))).returncode == 0


@pytest.mark.parametrize("version", ["", "0.9.8", "1.1.3"])
def test_a_file_beside_the_one_that_includes_it_is_found_where_nft_finds_it(host, monkeypatch, tmp_path, version):
    found = version == "1.1.3" if version else searches_beside(tmp_path)
    if version:
        pretend(monkeypatch, host, version)
    host.put("/etc/systemd/system/nftables.service.d/own.conf", OVERRIDE)
    host.put("/srv/fw/rules.nft", FIREWALL.replace("flush ruleset\n", ""))
    host.put("/srv/fw/main.nft", 'flush ruleset\ninclude "rules.nft"\n')
    host.enable(WANTS)
    nft(FIREWALL)
    before, files = listed(), host.files()
    if not found:
        with pytest.raises(HostError, match=r"nft said: /srv/fw/main.nft:2:.*File not found: rules.nft"):
            host.ensure()
        assert (listed(), host.files()) == (before, files)
        return
    done = host.ensure_as_predicted(lambda: (listed(), host.files()))
    assert [str(step) for step in done.steps[1:]] == ["write /srv/fw/rules.nft"]
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


@pytest.mark.parametrize(("version", "persisted"), [("1.0.6", "rehearsed"), ("1.1.3", "no"), ("1.1.6", "rehearsed")])
def test_files_that_nft_reads_twice_are_left_and_told(host, monkeypatch, version, persisted):
    pretend(monkeypatch, host, version)
    host.put("/etc/nftables.d/filter.nft", FIREWALL.replace("flush ruleset\n", ""))
    host.put(CONF, 'flush ruleset\ninclude "nftables.d/*.nft"\n')
    host.enable(WANTS)
    nft(FIREWALL)
    files = host.files()
    done = host.ensure()
    assert (verdicts(done), done.persisted) == (ALL_OPEN, persisted)
    told = 'this nft reads "nftables.d/*.nft" twice, but "/etc/nftables.d/*.nft" once. Add the ports there'
    assert any(told in warning for warning in done.warnings) == (persisted == "no")
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


# Which file, and what enables it. Debian's is confirmed in containers, the others rest on documentation alone.
LAYOUTS = [
    ("/etc/nftables.conf", "/etc/systemd/system/sysinit.target.wants/nftables.service"),
    ("/etc/nftables.conf", "/etc/systemd/system/multi-user.target.wants/nftables.service"),
    ("/etc/sysconfig/nftables.conf", "/etc/systemd/system/multi-user.target.wants/nftables.service"),
    ("/etc/nftables.nft", "/etc/runlevels/boot/nftables"),
    ("/etc/nftables.nft", "/etc/runlevels/default/nftables"),
]


@pytest.mark.parametrize(("path", "link"), LAYOUTS)
def test_each_distributions_file_is_written_loaded_and_restored(host, path, link):
    nft(FIREWALL)
    host.put(path, FIREWALL)
    host.put(link, "")
    files = host.files()
    assert host.ensure().persisted == "rehearsed"
    assert "\t\tjump port443-https\n\t\t# and nothing else\n" in text_of(host, path)
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


def test_a_file_that_nothing_loads_is_left_and_told(host):
    nft(FIREWALL)
    host.put(CONF, FIREWALL)
    files = host.files()
    done = host.ensure()
    assert (done.persisted, host.files()) == ("no", files)
    assert any("nftables.service is not enabled" in warning for warning in done.warnings)


def test_a_script_that_builds_the_rules_is_named(host):
    nft(FIREWALL)
    host.put("/etc/network/if-pre-up.d/firewall", "#!/bin/sh\nnft add table inet filter\n")
    done = host.ensure()
    assert done.persisted == "no"
    assert any("/etc/network/if-pre-up.d/firewall" in warning for warning in done.warnings)
    for options, persisted in (({"persistent": False}, "no"), ({"state": "absent"}, "not needed")):
        quiet = host.ensure(**options)
        assert (quiet.persisted, quiet.warnings) == (persisted, ())


def test_a_firewall_that_only_the_next_boot_loads_is_opened_too(host):
    host.put(CONF, FIREWALL)
    host.enable(WANTS)
    files = host.files()
    done = host.ensure()
    assert (done.backend, done.persisted, len(done.steps)) == ("nftables", "rehearsed", 1)
    assert (listed(), host.ensure().steps) == ("", ())
    host.ensure(state="absent")
    assert host.files() == files


STOCK = """#!/usr/sbin/nft -f

flush ruleset

table inet filter {
\tchain input {
\t\ttype filter hook input priority filter;
\t}
\tchain forward {
\t\ttype filter hook forward priority filter;
\t}
\tchain output {
\t\ttype filter hook output priority filter;
\t}
}
"""


def test_a_file_that_filters_nothing_is_no_firewall(host):
    files = saved(host, STOCK)
    assert host.ensure().backend == "none"
    assert host.files() == files


def test_insisted_on_the_set_goes_into_the_empty_chains(host):
    files = saved(host, STOCK)
    before = listed()
    done = host.ensure(backend="nftables")
    assert (lines_of("input"), done.persisted) == (["jump port443-https"], "rehearsed")
    assert host.ensure(backend="nftables").steps == ()
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


def test_a_port_that_a_reboot_would_shut_is_told(host):
    nft(FIREWALL)
    host.put(CONF, FIREWALL.replace("tcp dport 22 accept # ssh", "tcp dport 443 drop"))
    host.enable(WANTS)
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    assert [text for text in done.warnings if text.startswith("after a reboot 443/tcp over IPv4 would be blocked")]


def test_interfaces_that_the_file_names_are_there_in_the_rehearsal(host):
    tool("ip", "link", "add", "wan.7", "type", "veth", "peer", "name", "far7")
    devices = (
        'define lan = "eth0"\ntable netdev guard {\n chain incoming {\n'
        '  type filter hook ingress device "wan.7" priority 0;\n'
        "  ip saddr 203.0.113.9 drop\n }\n}\n"
    )
    saved(
        host,
        FIREWALL.replace('iifname "lo" accept', "iif lo accept\n\t\tiif $lan ip saddr 192.0.2.9 accept").replace(
            "table inet filter", devices + "table inet filter", 1
        ),
    )
    assert host.ensure().persisted == "rehearsed"


def test_where_no_namespace_can_be_made_the_live_rules_show_the_place(host, monkeypatch):
    files = saved(host)
    monkeypatch.setattr(host, "in_private_network", lambda _work: None)
    done = host.ensure()
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "written")
    assert "\t\tjump port443-https\n\t\t# and nothing else\n" in text_of(host)
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


def test_where_the_live_rules_are_others_the_file_is_left_and_told(host, monkeypatch):
    files = saved(host)
    nft("add rule inet filter input drop\n")
    monkeypatch.setattr(host, "in_private_network", lambda _work: None)
    done = host.ensure()
    assert (done.persisted, host.files()) == ("no", files)
    assert any("makes 8 rules in chain input of table inet filter, but 7" in warning for warning in done.warnings)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What once went wrong on a real kernel, so that it does not again."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from rooted import SAVED, V4, V6, WANTS, load, rules, tool


def test_a_set_that_goes_first_leaves_the_chain_it_made_to_the_other(host):
    host.ensure(backend="iptables")
    host.ensure(backend="iptables", name="web", ports=["8443/tcp"])
    host.ensure(state="absent")
    assert "-A INPUT -j port443-web" in rules()
    assert host.ensure(backend="iptables", name="web", ports=["8443/tcp"]).steps == ()
    host.ensure(name="web", state="absent")
    assert tool("nft", "list", "ruleset") == ""


def test_a_rule_that_comes_while_ours_go_stays(host, monkeypatch):
    host.ensure(backend="iptables")
    run = host.run

    def run_and_add(argv, stdin=""):
        ended = run(argv, stdin)
        if argv[0] == "iptables-nft-restore":
            tool("iptables", "-A", "INPUT", "-s", "203.0.113.9", "-j", "DROP")
        if argv[0] == "ip6tables-nft-restore":
            tool("ip6tables", "-N", "DOCKER")
        return ended

    monkeypatch.setattr(host, "run", run_and_add)
    host.ensure(state="absent")
    assert "-A INPUT -s 203.0.113.9/32 -j DROP" in rules()
    assert ":DOCKER -" in rules()


def test_a_native_set_in_the_table_we_made_stays(host):
    host.ensure(backend="iptables")
    tool("nft", "add", "set", "ip", "filter", "mine", "{ type ipv4_addr; }")
    host.ensure(state="absent")
    assert "set mine" in tool("nft", "list", "ruleset")
    assert "port443" not in tool("nft", "list", "ruleset")


def test_a_ban_that_comes_later_stays_before_a_source_that_was_asked_for(host):
    load(SAVED)
    host.ensure(source=["198.51.100.9", "198.51.100.77"])
    tool("iptables", "-I", "INPUT", "1", "-s", "198.51.100.9", "-j", "DROP")
    before = rules()
    again = host.ensure(source=["198.51.100.9", "198.51.100.77"])
    assert (again.steps, rules()) == ((), before)
    assert {line.verdict for line in again.effective} == {"blocked"}


def test_rules_that_only_the_next_boot_loads_are_opened_too(host):
    host.put(V4, SAVED)
    host.enable(WANTS)
    done = host.ensure()
    assert (done.backend, done.persisted) == ("iptables", "rehearsed")
    assert rules() == []
    assert "-A INPUT -j port443-https" in (host.root / V4.lstrip("/")).read_text(encoding="utf-8")


def test_a_version_that_a_script_builds_is_told_beside_one_that_is_saved(host):
    load(SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.put("/etc/rc.local", "#!/bin/sh\niptables -P INPUT DROP\n")
    host.enable(WANTS)
    done = host.ensure()
    assert done.persisted == "no"
    assert any(
        "the IPv4 rules of this host seem to be built at boot by /etc/rc.local" in text for text in done.warnings
    )


def test_a_file_that_cannot_be_edited_does_not_count_as_persisted(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    host.ensure()
    path = host.root / V4.lstrip("/")
    path.write_text(path.read_text(encoding="utf-8").replace("-A FORWARD", "-I FORWARD"), encoding="utf-8")
    done = host.ensure(ports=["8443/tcp"])
    assert done.persisted == "no"
    assert any("would not write" in text for text in done.warnings)


@pytest.mark.parametrize(
    "jump", ["-A FORWARD --jump port443-https", "-A INPUT -j port443-https -m comment --comment https"]
)
def test_a_jump_spelled_otherwise_goes_with_the_chain(host, jump):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    host.ensure()
    path = host.root / V4.lstrip("/")
    path.write_text(path.read_text(encoding="utf-8").replace("COMMIT", jump + "\nCOMMIT"), encoding="utf-8")
    host.ensure(state="absent")
    assert path.read_text(encoding="utf-8") == SAVED


def test_indented_rules_are_not_taken_for_none(host):
    load(SAVED)
    host.put(V4, SAVED.replace("-A INPUT", "  -A INPUT"))
    host.enable(WANTS)
    files = host.files()
    done = host.ensure()
    assert (host.files(), done.persisted) == (files, "no")


def test_sets_that_rules_add_to_are_carried_too(host):
    tool("ipset", "create", "scan", "hash:ip")
    host.put("/etc/iptables/ipsets", tool("ipset", "save"))
    host.put("/usr/share/netfilter-persistent/plugins.d/10-ipset", "")
    saved = SAVED.replace("-A FORWARD", "-A INPUT -p tcp -m tcp --dport 23 -j SET --add-set scan src\n-A FORWARD")
    load(saved, families=(4,))
    host.put(V4, saved)
    host.enable(WANTS)
    assert host.ensure().persisted == "rehearsed"


def test_a_line_within_a_comment_is_nobodys_rule(host):
    quoted = SAVED.replace('"ssh \\"only\\""', '"first\n-A INPUT -j port443-https\nlast"')
    host.put(V4, quoted)
    host.enable(WANTS)
    files = host.files()
    host.ensure(state="absent")
    assert host.files() == files


def test_a_comment_of_several_lines_is_told_as_what_it_is(host):
    load(SAVED)
    tool("iptables", "-A", "INPUT", "-m", "comment", "--comment", "first\nlast", "-j", "ACCEPT")
    saved = tool("iptables-save")
    host.put(V4, saved)
    host.enable(WANTS)
    files = host.files()
    done = host.ensure(check=True)
    assert [text for text in done.warnings if V4 in text] == [
        f"{V4} holds a comment of several lines, which iptables-save writes and iptables-restore cannot read: at boot "
        "none of the file would be loaded, and nothing was changed there: '-A INPUT -m comment --comment \"first'. Put "
        "that comment into one line, in the kernel and in the file"
    ]
    assert (done.persisted, host.files()) == ("no", files)


def test_a_chain_declared_behind_rules_is_no_obstacle(host):
    saved = SAVED.replace("-A FORWARD -j DOCKER\n", "-A FORWARD -j DOCKER\n:LATER - [0:0]\n")
    load(SAVED)
    host.put(V4, saved)
    host.enable(WANTS)
    assert host.ensure().persisted == "rehearsed"
    host.ensure(state="absent")
    assert (host.root / V4.lstrip("/")).read_text(encoding="utf-8") == saved


def test_check_mode_foretells_that_a_file_cannot_be_written(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    (host.root / "etc/iptables").chmod(0o777)
    before = rules()
    for check in (True, False):
        with pytest.raises(HostError, match="writable by all"):
            host.ensure(check=check)
    assert rules() == before


def test_a_tunnels_table_is_no_second_firewall(host):
    load(SAVED)
    chain = "chain preraw { type filter hook prerouting priority -300; ip daddr 192.0.2.99 drop; }"
    tool("nft", "-f", "-", stdin=f"table ip wg-quick-wg0 {{ {chain}; }}")
    assert host.ensure().backend == "iptables"

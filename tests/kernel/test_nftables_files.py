# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set in the nft files that a host loads at boot, tried with the real tool."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from nft_host import ALL_OPEN, CONF, FIREWALL, WANTS, listed, nft, saved, text_of, verdicts
from rooted import tool


def test_the_file_holds_our_addition_alone_and_is_rehearsed(host):
    saved(host)
    nft("add element inet filter banned { 203.0.113.77 }\nadd rule inet filter forward drop\n")
    assert host.ensure().persisted == "rehearsed"
    before = FIREWALL.splitlines()
    written = text_of(host).splitlines()
    assert [line for line in written if line not in before] == [
        "\tchain port443-https {",
        "\t\ttcp dport { 80, 443 } accept",
        "\t\tjump port443-https",
    ]
    assert written[written.index("\t\tjump port443-https") + 1] == "\t\t# and nothing else"


def test_a_restart_of_the_service_in_between_changes_nothing(host):
    files = saved(host)
    host.ensure()
    nft(text_of(host))
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    nft(text_of(host))
    assert host.files() == files
    assert "port443" not in listed()


def test_a_save_of_the_ruleset_in_between_changes_nothing(host):
    saved(host)
    host.ensure()
    host.put(CONF, "flush ruleset\n" + tool("nft", "list", "ruleset"))
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert "port443" not in text_of(host)
    assert "port443" not in listed()
    nft(text_of(host))


def test_what_is_only_live_or_only_saved_is_made_whole(host):
    saved(host)
    host.ensure(persistent=False)
    assert [str(step) for step in host.ensure().steps] == ["write " + CONF]
    nft(FIREWALL)
    done = host.ensure()
    assert (len(done.steps), verdicts(done)) == (1, ALL_OPEN)
    assert done.changes[0].title == "nft table inet filter"


def test_persistent_false_takes_the_set_out_of_the_file_again(host):
    files = saved(host)
    host.ensure()
    assert host.files() != files
    assert host.ensure(persistent=False).persisted == "no"
    assert host.files() == files


def test_a_broken_file_is_refused_with_nfts_words_and_nothing_done(host):
    nft(FIREWALL)
    host.put(CONF, FIREWALL.replace("tcp dport 22", "tcp dport nonsense"))
    host.enable(WANTS)
    before, files = listed(), host.files()
    with pytest.raises(
        HostError, match=r"(?s)nftables.conf cannot be loaded .* nft said: /etc/nftables.conf:17:.*nonsense"
    ):
        host.ensure()
    assert (listed(), host.files()) == (before, files)


def test_a_set_is_taken_out_of_a_file_that_is_broken(host):
    files = saved(host)
    host.ensure()
    broken = {path: content.replace(b"dport 22", b"dport nonsense") for path, (content, _mode) in files.items()}
    host.put(CONF, text_of(host).replace("dport 22", "dport nonsense"))
    host.ensure(state="absent")
    assert {path: content for path, (content, _mode) in host.files().items()} == broken


OWN_CHAIN = "\tchain port443-https {\n\t\ttcp dport { 80, 443 } accept\n\t}\n\n"


def chain_deleted(host, files):
    """A host whose file still jumps to our chain, which somebody deleted there by hand."""
    host.ensure()
    text = text_of(host)
    host.put(CONF, text.replace(OWN_CHAIN, ""))
    assert text_of(host) != text
    assert host.files() != files


@pytest.mark.parametrize("booted", [False, True])
def test_what_is_left_of_a_set_does_not_keep_it_from_being_made_whole(host, booted):
    files = saved(host)
    before = listed()
    chain_deleted(host, files)
    if booted:
        nft("flush ruleset\n")
        before = listed()
    done = host.ensure_as_predicted(lambda: (listed(), host.files()))
    assert ([str(step) for step in done.steps], done.persisted) == (["write " + CONF], "rehearsed")
    assert (done.backend, OWN_CHAIN in text_of(host), verdicts(done)) == ("nftables", True, ALL_OPEN)
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


def test_what_is_left_of_a_set_is_taken_out_of_the_file_that_has_no_place_for_it(host):
    text = "flush ruleset\ntable inet filter {\n\tchain mine {\n\t\tjump port443-https\n\t}\n}\n"
    host.put(CONF, text)
    host.enable(WANTS)
    nft(FIREWALL)
    assert host.ensure().persisted == "not needed"
    assert text_of(host) == text.replace("\t\tjump port443-https\n", "")
    assert host.ensure().steps == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dport 22", "dport nonsense", "nonsense"),
        ("\t\tcounter reject", "\t\tjump port443-web\n\t\tcounter reject", "No such file or directory"),
        ("\t\tcounter reject", "}\n\t\tcounter reject", "syntax error"),
    ],
)
def test_what_is_left_of_a_set_beside_another_fault_is_refused_with_nfts_words(host, old, new, said):
    chain_deleted(host, saved(host))
    host.put(CONF, text_of(host).replace(old, new))
    before, files = listed(), host.files()
    with pytest.raises(HostError, match=r"(?s)nftables.conf cannot be loaded as it is.*nft said: .*" + said):
        host.ensure()
    assert (listed(), host.files()) == (before, files)


def test_a_file_that_doubles_when_it_is_loaded_again_is_left_and_told(host):
    files = saved(host, FIREWALL.replace("flush ruleset\n", ""))
    done = host.ensure()
    assert (verdicts(done), done.persisted, host.files()) == (ALL_OPEN, "no", files)
    assert any("put the line 'flush ruleset' at its beginning" in text for text in done.warnings)
    assert host.ensure().steps == ()


ONCE = [
    "table inet filter\ndelete table inet filter\n",
    "table inet filter { }\nflush table inet filter\n",
    "add table inet filter; flush table inet filter\n",
]


@pytest.mark.parametrize("idiom", ONCE)
def test_a_file_that_takes_its_own_table_away_first_is_fine(host, idiom):
    text = FIREWALL.replace("flush ruleset\n", idiom)
    files = saved(host, text.replace("elements = { 203.0.113.5 }", "") if "flush" in idiom else text)
    assert host.ensure().persisted == "rehearsed"
    nft(text_of(host))
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


def test_rules_that_nothing_saves_need_no_saving(host):
    nft(FIREWALL)
    assert host.ensure().persisted == "not needed"


def test_included_files_get_what_belongs_into_them(host):
    (head, body) = FIREWALL.split("table inet filter", 1)
    host.put("/etc/sysconfig/nftables.conf", '# the default of the RHEL family\ninclude "/etc/nftables/main.nft"\n')
    host.put("/etc/nftables/main.nft", head + 'include "/etc/nftables.d/*.nft"\n')
    host.put("/etc/nftables.d/filter.nft", "table inet filter" + body)
    host.put("/etc/nftables.d/nat.nft", "table ip nat { }\n")
    host.enable(WANTS)
    nft(FIREWALL)
    files = host.files()
    done = host.ensure()
    assert [str(step) for step in done.steps[1:]] == ["write /etc/nftables.d/filter.nft"]
    assert done.persisted == "rehearsed"
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


@pytest.mark.parametrize("pattern", ["./etc/fw.nft", "../etc/fw.nft", "./etc/./f?.nft", "/etc/./fw.nft"])
def test_an_include_that_begins_with_dots_starts_where_services_run(host, pattern):
    host.put("/etc/fw.nft", FIREWALL)
    host.put(CONF, f'include "{pattern}"\n')
    host.enable(WANTS)
    nft(FIREWALL)
    before, files = listed(), host.files()
    done = host.ensure_as_predicted(lambda: (listed(), host.files()))
    assert [str(step) for step in done.steps[1:]] == ["write /etc/fw.nft"]
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


@pytest.mark.parametrize("check", [True, False])
def test_an_include_that_begins_with_dots_is_not_looked_for_beside_the_file_or_the_run(host, monkeypatch, check):
    host.put("/etc/fw.nft", FIREWALL)
    host.put(CONF, 'include "./fw.nft"\n')
    host.enable(WANTS)
    nft(FIREWALL)
    monkeypatch.chdir(host.root / "etc")
    before, files = listed(), host.files()
    with pytest.raises(
        HostError, match=r"cannot be loaded .* nft said: /etc/nftables.conf:1:.*File not found: ./fw.nft"
    ):
        host.ensure(check=check)
    assert (listed(), host.files()) == (before, files)


def test_rules_for_two_ip_versions_in_two_tables(host):
    text = (
        FIREWALL.replace("inet filter", "ip filter")
        .replace("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept", "counter")
        .replace("icmpx type admin-prohibited", "icmp type admin-prohibited")
    )
    text += "table ip6 filter {\n  chain input {\n    type filter hook input priority 0; policy drop;\n  }\n}\n"
    files = saved(host, text)
    before = listed()
    done = host.ensure()
    assert (verdicts(done), done.persisted) == (ALL_OPEN, "rehearsed")
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert (listed(), host.files()) == (before, files)


@pytest.mark.parametrize("after", range(3))
def test_a_run_that_was_killed_is_made_whole_by_the_next(host, after):
    files = saved(host)
    before = listed()
    host.ensure_killed(after)
    done = host.ensure()
    assert (len(done.steps), verdicts(done)) == (max(0, 2 - after), ALL_OPEN)
    host.ensure(state="absent")
    assert (listed(), {path: one for path, one in host.files().items() if "lock" not in path}) == (before, files)


def test_a_ruleset_that_was_saved_while_a_set_was_open_for_a_time_is_rid_of_it(host):
    saved(host)
    before = tool("nft", "--stateless", "list", "ruleset")
    host.ensure(timeout="30m")
    host.put(CONF, "flush ruleset\n" + tool("nft", "list", "ruleset"))
    assert "port443-https-tcp" in text_of(host)
    host.ensure(state="absent")
    nft(text_of(host))
    assert tool("nft", "--stateless", "list", "ruleset") == before

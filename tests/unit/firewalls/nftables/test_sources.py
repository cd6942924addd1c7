# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file and what it includes: read as nft reads it, edited in the file that holds the place."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import assemble, observe_sources
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.text import (
    JumpText,
    TableText,
    with_ours,
    without_ours,
)
from files_host import FilesHost

CHAIN = "port443-https"
WANTED = TableText(("inet", "filter"), ("tcp dport 443 accept",), (JumpText("input", 1, "jump port443-https"),))
INPUT = "chain input {\n\ttype filter hook input priority 0; policy accept;\n"


def sources_of(files, path="/etc/nftables.conf", nft="1.0.6"):
    return observe_sources(FilesHost(files, nft), path)


def changed(files):
    """The files that putting a set in changes, and whether taking it out gives all back."""
    sources = sources_of(files)
    written = with_ours(sources, CHAIN, [WANTED])
    assert without_ours(written, CHAIN) == sources
    return {path: written.text(path) for path in sources.contents if written.contents[path] != sources.contents[path]}


def test_the_file_that_holds_the_chain_is_edited():
    table = "table inet filter {\n" + INPUT + "ct state established accept\ndrop\n}\n}\n"
    files = {
        "/etc/nftables.conf": '#!/usr/sbin/nft -f\nflush ruleset\ninclude "/etc/nftables.d/*.nft"\n',
        "/etc/nftables.d/10-first.nft": "define lan = 192.0.2.0/24",
        "/etc/nftables.d/20-filter.nft": table,
        "/etc/nftables.d/.hidden.nft": "table inet hidden { }\n",
        "/etc/nftables.d/notes.txt": "this is no rule\n",
    }
    assert assemble(sources_of(files)).text == (
        "#!/usr/sbin/nft -f\nflush ruleset\ndefine lan = 192.0.2.0/24\n" + table + "\n\n"
    )
    assert list(changed(files)) == ["/etc/nftables.d/20-filter.nft"]


def test_rules_in_a_file_of_their_own_get_the_jump_there_and_the_chain_where_chains_are():
    files = {
        "/etc/nftables.conf": "table inet filter {\n\t" + INPUT + '\t\tinclude "/etc/input.rules"\n\t}\n}\n',
        "/etc/input.rules": "ct state established accept\ndrop\n",
    }
    assert changed(files) == {
        "/etc/nftables.conf": files["/etc/nftables.conf"].replace(
            "\tchain", "\tchain port443-https {\n\t\ttcp dport 443 accept\n\t}\n\n\tchain", 1
        ),
        "/etc/input.rules": "ct state established accept\njump port443-https\ndrop\n",
    }


def test_includes_are_followed_to_the_end_and_relative_ones_start_in_etc():
    files = {
        "/etc/nftables.conf": 'include "one.nft" # include "/etc/none.nft"\n',
        "/etc/one.nft": 'include "/etc/t?o/*.nft"; define a = "include"',
        "/etc/two/b.nft": "define b = 2\n",
        "/etc/two/a.nft": "define c = 3",
    }
    assert assemble(sources_of(files)).text == (
        'define c = 3\ndefine b = 2\n\n; define a = "include"\n # include "/etc/none.nft"\n'
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "./etc/fw.nft",
        "../etc/fw.nft",
        "./../srv/./../etc//fw.nft",
        "./etc/f?.nft",
        "../*/fw.nft",
        "/etc/./fw.nft",
        "/srv/../etc/fw.nft",
    ],
)
def test_includes_that_begin_with_dots_start_in_the_root_and_are_named_without_detours(pattern):
    files = {"/etc/nftables.conf": f'include "{pattern}"\n', "/etc/fw.nft": "define a = 1", "/srv/a": ""}
    sources = sources_of(files)
    assert (list(sources.contents), assemble(sources).text) == (
        ["/etc/nftables.conf", "/etc/fw.nft"],
        "define a = 1\n\n",
    )


@pytest.mark.parametrize("pattern", ["./fw.nft", "../fw.nft", "./none/../etc/fw.nft"])
def test_includes_that_begin_with_dots_are_not_looked_for_in_etc(pattern):
    files = {"/etc/nftables.conf": f'include "{pattern}"\n', "/etc/fw.nft": "define a = 1"}
    assert assemble(sources_of(files)).text == f'include "{pattern}"\n'


OLD, NEW = ("", "0.099", "0.9.8", "1.0.9"), ("1.1", "1.1.0", "1.1.5", "1.1.6", "1.2.0", "2.0")
# What an include in /srv/fw/main.nft stands for, with an old nft and with a new one.
BESIDE = [
    ("both.nft", ["/etc/both.nft"], ["/srv/fw/both.nft"]),
    ("own.nft", [], ["/srv/fw/own.nft"]),
    ("d/own.nft", [], ["/srv/fw/d/own.nft"]),
    ("etc.nft", ["/etc/etc.nft"], ["/etc/etc.nft"]),
    ("d/*.nft", ["/etc/d/etc.nft"], ["/etc/d/etc.nft", "/srv/fw/d/own.nft", "/srv/fw/d/own2.nft"]),
    ("./own.nft", [], []),
    ("/srv/fw/own.nft", ["/srv/fw/own.nft"], ["/srv/fw/own.nft"]),
]


@pytest.mark.parametrize("nft", OLD + NEW)
@pytest.mark.parametrize(("pattern", "old", "new"), BESIDE)
def test_the_folder_of_the_file_is_searched_by_the_nfts_that_do_so(pattern, old, new, nft):
    names = ["both.nft", "own.nft", "d/own.nft", "d/own2.nft"]
    files = dict.fromkeys(
        [f"/srv/fw/{name}" for name in names] + ["/etc/both.nft", "/etc/etc.nft", "/etc/d/etc.nft"], ""
    )
    files["/srv/fw/main.nft"] = f'include "{pattern}"\n'
    sources = sources_of(files, "/srv/fw/main.nft", nft)
    assert list(sources.included[pattern]) == (old if nft in OLD else new)


def test_the_folder_of_a_file_that_is_included_is_not_searched():
    files = {
        "/srv/fw/main.nft": 'include "d/own.nft"',
        "/srv/fw/d/own.nft": 'include "beside.nft"',
        "/srv/fw/d/beside.nft": "",
    }
    assert assemble(sources_of(files, "/srv/fw/main.nft", "1.1.3")).text == 'include "beside.nft"\n'


@pytest.mark.parametrize(("nft", "times"), [("1.0.9", 1), ("1.1.0", 2), ("1.1.5", 2), ("1.1.6", 1)])
def test_what_wildcards_match_is_read_twice_where_nft_searches_etc_twice(nft, times):
    files = {
        "/etc/nftables.conf": 'table inet filter {\ninclude "filter.d/*.nft"\ninclude "more.nft"\n}\n',
        "/etc/filter.d/input.nft": INPUT + "ct state established accept\ndrop\n}\n",
        "/etc/more.nft": "",
    }
    sources = sources_of(files, nft=nft)
    assert sources.included == {"filter.d/*.nft": ("/etc/filter.d/input.nft",) * times, "more.nft": ("/etc/more.nft",)}
    if times > 1:
        with pytest.raises(HostError, match=r'than once by /etc/nftables.conf: this nft reads "filter.d/\*.nft" twice'):
            with_ours(sources, CHAIN, [WANTED])


def test_a_file_that_is_missing_is_left_for_nft_to_complain():
    assert assemble(sources_of({"/etc/nftables.conf": 'include "/etc/none.nft"\n'})).text == (
        'include "/etc/none.nft"\n'
    )
    assert assemble(sources_of({"/etc/nftables.conf": 'include "/etc/none/*.nft"\n'})).text == "\n"


def test_a_file_that_includes_itself_is_refused():
    with pytest.raises(HostError, match="more than 16 deep"):
        assemble(sources_of({"/etc/nftables.conf": 'include "/etc/nftables.conf"\n'}))


def test_a_file_that_is_included_twice_is_not_edited():
    files = {
        "/etc/nftables.conf": "".join(
            f'table {family} filter {{\n{INPUT}include "/etc/rules"\n}}\n}}\n' for family in ("inet", "ip")
        ),
        "/etc/rules": "ct state established accept\ndrop\n",
    }
    with pytest.raises(HostError, match=r"/etc/rules is included more than once by /etc/nftables\.conf"):
        with_ours(sources_of(files), CHAIN, [WANTED])


def test_the_sets_that_files_name_are_known_by_the_names_of_their_chains():
    files = {
        "/etc/nftables.conf": 'include "/etc/more"\njump port443-web\njump port443-https;jump my-port443-other\n',
        "/etc/more": "chain port443-https{ }\nset port443-https-tcp { }\n",
    }
    assert sources_of(files).names("port443-") == ("port443-https", "port443-https-tcp", "port443-web")

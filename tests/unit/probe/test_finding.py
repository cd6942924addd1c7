# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How findings read: as a table, and in one sentence."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._probe.finding import (
    NOT_TRIED,
    OK,
    SocketPlace,
    finding,
    summary,
    table,
)

HTTPS = SocketPlace("www.example.com", "192.0.2.1", "ipv4", 443)
HTTPS6 = SocketPlace("www.example.com", "2001:db8::1", "ipv6", 443)
NOWHERE = SocketPlace("www.example.com", "", "", 443)

FINDINGS = [
    finding("tcp", "", HTTPS, OK, "connected"),
    finding("names", "www.example.com", HTTPS, "wrong name", "the certificate is for a.example"),
    finding("tcp", "", HTTPS6, "timed out", "no answer"),
    finding("tls", "www.example.com", HTTPS6, NOT_TRIED, "no connection"),
]


def test_a_finding_is_ok_when_its_outcome_is() -> None:
    assert [found.ok for found in FINDINGS] == [True, False, False, False]


def test_the_table_has_aligned_columns_and_counts_what_was_not_tried() -> None:
    assert table(FINDINGS) == [
        "check  name             where              outcome     detail",
        "tcp    -                192.0.2.1:443      ok          connected",
        "names  www.example.com  192.0.2.1:443      wrong name  the certificate is for a.example",
        "tcp    -                [2001:db8::1]:443  timed out   no answer",
        "1 more could not be tried",
    ]


def test_the_summary_names_the_causes_alone() -> None:
    assert summary(FINDINGS) == (
        "3 of 4 checks failed: "
        "names of www.example.com at 192.0.2.1:443: wrong name (the certificate is for a.example); "
        "tcp at [2001:db8::1]:443: timed out (no answer)"
    )


def test_the_summary_of_a_good_host_counts() -> None:
    assert summary(FINDINGS[:1]) == "all 1 checks hold"


def test_a_host_without_an_address_is_shown_by_its_name() -> None:
    found = finding("tcp", "", NOWHERE, "unresolvable", "no address")
    assert (found.address, summary([found])) == (
        "www.example.com",
        "1 of 1 checks failed: tcp at www.example.com:443: unresolvable (no address)",
    )


def test_what_a_server_says_cannot_command_a_terminal() -> None:
    found = finding("redirect", "a.example", HTTPS, "no redirect", "302 to \x1b]0;owned\x07")
    assert "\x1b" not in summary([found]) + "".join(table([found]))

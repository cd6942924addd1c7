# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A site whose certificate is right and whose application is not: what GET / is answered with."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._probe.request import read_request
from ansible_collections.port443.https.plugins.modules.probe import OPTIONS

from .conftest import Servers
from .test_probe import NAME, Report, ask, hang_up


def answer(servers: Servers, answered: str, **more: Any) -> Report:
    """What a look at a site finds that answers so."""
    site = pki.site()
    context = servers.context([site.pem(), pki.intermediate().pem()], site.key_pem())

    def reply(connection: Any) -> None:
        with context.wrap_socket(connection, server_side=True) as session:
            if session.recv(4096):
                session.sendall(f"HTTP/1.1 {answered}\r\nContent-Length: 0\r\n\r\n".encode("ascii"))

    return ask(servers.raw(reply), checks=("status",), **more)


def told(report: Report) -> Tuple[str, str, Tuple[str, ...]]:
    (found,) = report.findings
    return found.outcome, found.detail, report.left_out


LOST = "GET / is answered 404 Not Found: the folder of the site is missing or empty"
FAILS = "GET / is answered {}: the application does not answer, or fails"
REMARK = "404 Not Found: there is nothing at /, which may be meant"


@pytest.mark.parametrize(
    ("answered", "given", "outcome"),
    [
        ("200 OK", {}, ("ok", "200 OK", ())),
        ("302 Found", {}, ("ok", "302 Found", ())),
        ("401 Unauthorized", {}, ("ok", "401 Unauthorized", ())),
        ("403 Forbidden", {"file_names": (NAME,)}, ("ok", "403 Forbidden", ())),
        ("404 Not Found", {}, ("ok", REMARK, (f"{NAME} at 127.0.0.1: {REMARK}",))),
        ("404 Not Found", {"statuses": (404,)}, ("ok", "404 Not Found", ())),
        ("404 Not Found", {"file_names": (NAME,)}, ("not found", LOST, ())),
        ("404 Not Found", {"file_names": (NAME,), "statuses": (404,)}, ("ok", "404 Not Found", ())),
        ("500 Oh", {}, ("server error", FAILS.format("500 Oh"), ())),
        ("502 Bad Gateway", {}, ("server error", FAILS.format("502 Bad Gateway"), ())),
        ("503 Busy", {"statuses": (404, 503)}, ("ok", "503 Busy", ())),
        ("504", {}, ("server error", FAILS.format("504"), ())),
    ],
)
def test_what_a_site_answers_is_right_or_not(
    servers: Servers, answered: str, given: Dict[str, Any], outcome: Tuple[str, str, Tuple[str, ...]]
) -> None:
    assert told(answer(servers, answered, **given)) == outcome


def test_a_site_that_hangs_up_or_says_nonsense_is_told(servers: Servers) -> None:
    site = pki.site()
    context = servers.context([site.pem(), pki.intermediate().pem()], site.key_pem())

    def stop(connection: Any) -> None:
        with context.wrap_socket(connection, server_side=True) as session:
            hang_up(session)

    assert told(ask(servers.raw(stop), checks=("status",)))[0] in ("closed", "reset")
    assert told(answer(servers, "nonsense"))[0] == "not http"


def test_a_site_that_is_not_asked_has_no_finding(servers: Servers) -> None:
    report = ask(answer_port(servers), checks=("tls", "status"), narrowed={"status": ()})
    assert [found.check for found in report.findings] == ["tls"]


def answer_port(servers: Servers) -> int:
    return servers.https(pki.site().pem(), pki.intermediate().pem(), key=pki.site().key_pem())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"statuses": [99]}, "statuses has 99, which is no status of HTTP between 200 and 599"),
        (
            {"file_names": ["other.example"]},
            "file_names has other.example, which is not among the names checked: a.example",
        ),
        (
            {"status_names": ["b.example"]},
            "status_names has b.example, which is not among the names checked: a.example",
        ),
    ],
)
def test_options_that_cannot_be_meant_are_refused(given: Dict[str, Any], words: str) -> None:
    params = {name: option.get("default") for name, option in OPTIONS.items()}
    with pytest.raises(RequestError) as refused:
        read_request({**params, "host": ["a.example"], **given}, "")
    assert refused.value.message == words

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a probe finds at real servers on loopback, one way to fail after the other."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Dict, List, Tuple

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._probe import parallel
from ansible_collections.port443.https.plugins.module_utils._probe import probe as _probe
from ansible_collections.port443.https.plugins.module_utils._probe.probe import Report, look, probe
from ansible_collections.port443.https.plugins.module_utils._probe.request import ProbeRequest

from .conftest import Servers, hang_up, reset, stay_silent, trickle

NAME = "www.example.com"
ROOT = pki.root().pem().decode("ascii")


def ask(port: int, **more: Any) -> Report:
    """A look at the port of 127.0.0.1 for NAME, its chain trusted by the tests' root."""
    asked: Dict[str, Any] = {
        "hosts": ("127.0.0.1",),
        "names": (NAME,),
        "port": port,
        "checks": ("tcp", "tls", "names", "chain", "days"),
        "authorities": ROOT,
        "timeout": 5.0,  # generous: only tests of silence wait for it, and they say how long
    }
    return look(ProbeRequest(**{**asked, **more}))


def outcomes(report: Report) -> List[Tuple[str, str]]:
    return [(found.check, found.outcome) for found in report.findings]


def detail(report: Report, check: str) -> str:
    return next(found.detail for found in report.findings if found.check == check)


def serve(servers: Servers, issued: pki.Issued, **more: Any) -> int:
    return servers.https(issued.pem(), pki.intermediate().pem(), key=issued.key_pem(), **more)


GOOD = [("tcp", "ok"), ("tls", "ok"), ("names", "ok"), ("chain", "ok"), ("days", "ok")]


def instead(**outcome: str) -> List[Tuple[str, str]]:
    return [(check, outcome.get(check, "ok")) for check, _ok in GOOD]


def unanswered(tls: str) -> List[Tuple[str, str]]:
    return instead(tls=tls, names="not tried", chain="not tried", days="not tried")


def test_a_good_site_holds_on_both_families(servers: Servers) -> None:
    port = serve(servers, pki.site())
    serve(servers, pki.site(), address="::1", port=port)
    report = ask(port, hosts=("127.0.0.1", "::1"), families=("ipv4", "ipv6"), fingerprints={NAME: pki.site().sha256()})
    assert outcomes(report) == [*GOOD, ("certificate", "ok")] * 2
    assert [(shown.as_dict()["address"], shown.as_dict()["fingerprint"]) for shown in report.certificates] == [
        ("127.0.0.1", pki.site().sha256()),
        ("::1", pki.site().sha256()),
    ]
    assert [found.family for found in report.findings] == ["ipv4"] * 6 + ["ipv6"] * 6


def test_the_certificate_shown_is_told(servers: Servers) -> None:
    port = serve(servers, pki.site(days=(-1, 20.5)))
    shown = ask(port).certificates[0].as_dict()
    assert {key: shown[key] for key in ("name", "port", "names", "days_left", "protocol")} == {
        "name": NAME,
        "port": port,
        "names": [NAME],
        "days_left": 20,
        "protocol": "TLSv1.3",
    }


def test_nothing_listens(servers: Servers) -> None:
    report = ask(servers.free_port())
    assert outcomes(report) == [
        ("tcp", "refused"),
        *[(check, "not tried") for check in ("tls", "names", "chain", "days")],
    ]


def test_packets_are_dropped(servers: Servers) -> None:
    report = ask(servers.deaf(), checks=("tcp",), timeout=0.5)
    assert outcomes(report) == [("tcp", "timed out")]
    assert detail(report, "tcp") == "no answer in 0.5 s: a firewall drops it, or nothing is there"


def test_without_a_check_of_tcp_the_first_check_tells(servers: Servers) -> None:
    report = ask(servers.free_port(), checks=("names", "days"))
    assert outcomes(report) == [("names", "refused"), ("days", "not tried")]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [(hang_up, "closed"), (reset, "reset"), (stay_silent, "timed out")],
    ids=["closed", "reset", "timed out"],
)
def test_the_server_does_not_go_along(servers: Servers, behaviour: Any, outcome: str) -> None:
    assert outcomes(ask(servers.raw(behaviour), timeout=1.0)) == unanswered(outcome)


def test_the_server_speaks_something_else(servers: Servers) -> None:
    assert outcomes(ask(servers.http("HTTP/1.1 400 Bad Request\r\n\r\n"))) == unanswered("not tls")
    banner = servers.raw(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert outcomes(ask(banner)) == unanswered("not tls")


def test_the_server_refuses_the_name_with_an_alert(servers: Servers) -> None:
    report = ask(serve(servers, pki.site(), refused_names=[NAME]))
    assert outcomes(report) == unanswered("alert")
    assert detail(report, "tls") == "the server refused with the TLS alert: unrecognized name"


def test_the_certificate_is_for_another_name(servers: Servers) -> None:
    report = ask(serve(servers, pki.site("shop.example.com")))
    assert outcomes(report) == instead(names="wrong name")
    assert detail(report, "names") == "the certificate is for shop.example.com"


def test_a_common_name_does_not_count(servers: Servers) -> None:
    report = ask(serve(servers, pki.issue(NAME, issuer=pki.intermediate())))
    assert outcomes(report) == instead(names="wrong name")
    assert detail(report, "names") == "the certificate is for no name at all"


def test_a_wildcard_stands_for_one_label(servers: Servers) -> None:
    port = serve(servers, pki.site("*.example.com"))
    report = ask(port, names=("www.example.com", "a.b.example.com", "example.com"), checks=("names",))
    assert [found.ok for found in report.findings] == [True, False, False]


def test_an_address_can_be_the_name(servers: Servers) -> None:
    port = serve(servers, pki.site("127.0.0.1"))
    assert outcomes(ask(port, names=("127.0.0.1",))) == GOOD


def test_the_intermediate_is_missing(servers: Servers) -> None:
    report = ask(servers.https(pki.site().pem(), key=pki.site().key_pem()))
    assert outcomes(report) == instead(chain="untrusted")
    assert detail(report, "chain").startswith("its issuer is not known: the server sends no intermediate certificate")


def test_the_root_is_not_trusted(servers: Servers) -> None:
    report = ask(serve(servers, pki.site()), authorities=pki.issue("Other Root", ca=True).pem().decode("ascii"))
    assert outcomes(report) == instead(chain="untrusted")


def test_the_system_trusts_no_root_of_tests(servers: Servers) -> None:
    assert outcomes(ask(serve(servers, pki.site()), authorities="")) == instead(chain="untrusted")


def test_a_certificate_that_signed_itself_is_trusted_only_if_given(servers: Servers) -> None:
    own = pki.issue(NAME, [NAME])
    port = servers.https(own.pem(), key=own.key_pem())
    assert outcomes(ask(port)) == instead(chain="untrusted")
    assert outcomes(ask(port, authorities=own.pem().decode("ascii"))) == GOOD


def test_the_chain_is_checked_of_the_names_that_have_one(servers: Servers) -> None:
    other = "own.example.com"
    port = serve(servers, pki.site("*.example.com"))
    report = ask(port, names=(NAME, other), checks=("names", "chain"), narrowed={"chain": (NAME,)})
    assert [(found.check, found.name) for found in report.findings] == [
        ("names", NAME),
        ("chain", NAME),
        ("names", other),
    ]


def test_plain_http_has_to_redirect_for_the_names_that_say_so(servers: Servers) -> None:
    other = "plain.example.com"
    http_port = servers.http("HTTP/1.1 200 OK\r\n\r\nhello")
    asked = {"names": (NAME, other), "http_port": http_port, "checks": ("tcp", "redirect")}
    port = serve(servers, pki.site())
    one = ask(port, narrowed={"redirect": (NAME,)}, **asked)
    assert [(found.check, found.name, found.outcome) for found in one.findings] == [
        ("tcp", "", "ok"),
        ("tcp", "", "ok"),
        ("redirect", NAME, "no redirect"),
    ]
    assert outcomes(ask(port, narrowed={"redirect": ()}, **asked)) == [("tcp", "ok"), ("tcp", "ok")]


def test_an_intermediate_can_be_what_is_trusted(servers: Servers) -> None:
    port = servers.https(pki.site().pem(), key=pki.site().key_pem())
    assert outcomes(ask(port, authorities=pki.intermediate().pem().decode("ascii"))) == GOOD


def test_the_certificate_expired(servers: Servers) -> None:
    report = ask(serve(servers, pki.site(days=(-30, -1))))
    assert outcomes(report) == instead(chain="expired", days="expired")


def test_the_certificate_is_for_later(servers: Servers) -> None:
    report = ask(serve(servers, pki.site(days=(1, 30))))
    assert outcomes(report) == instead(chain="not yet valid", days="not yet valid")


def test_the_certificate_expires_too_soon(servers: Servers) -> None:
    port = serve(servers, pki.site(days=(-1, 20.5)))
    assert outcomes(ask(port, minimum_days=20)) == GOOD
    report = ask(port, minimum_days=21)
    assert outcomes(report) == instead(days="expires soon")
    assert detail(report, "days").endswith("; 21 are asked for")


def test_another_certificate_is_served(servers: Servers) -> None:
    served, wanted = pki.site(number=1).sha256(), pki.site(number=2).sha256()
    report = ask(serve(servers, pki.site(number=1)), checks=("tls",), fingerprints={NAME: wanted})
    assert outcomes(report) == [("tls", "ok"), ("certificate", "wrong certificate")]
    assert detail(report, "certificate") == f"serves {served}, expected {wanted}"


def test_both_ports_are_knocked_at_if_plain_http_has_to_redirect(servers: Servers) -> None:
    report = ask(serve(servers, pki.site()), http_port=servers.free_port(), checks=("tcp", "redirect"))
    assert outcomes(report) == [("tcp", "ok"), ("tcp", "refused"), ("redirect", "not tried")]


def test_a_host_nobody_knows(servers: Servers) -> None:
    report = ask(443, hosts=("host.invalid",), checks=("tcp", "tls"))
    assert outcomes(report) == [("tcp", "unresolvable"), ("tls", "not tried")]
    assert detail(report, "tcp") == "host.invalid has no address that this machine can find"


def test_a_family_asked_for_has_to_be_there(servers: Servers) -> None:
    report = ask(serve(servers, pki.site()), families=("ipv4", "ipv6"), checks=("tcp",))
    assert [(found.family, found.outcome, found.detail) for found in report.findings] == [
        ("ipv6", "unresolvable", "127.0.0.1 has no ipv6 address"),
        ("ipv4", "ok", "connected"),
    ]


def test_a_server_that_trickles_cannot_hold_the_task_up(servers: Servers) -> None:
    began = time.monotonic()
    report = ask(443, http_port=servers.raw(trickle), checks=("redirect",), timeout=0.5)
    assert outcomes(report) == [("redirect", "timed out")]
    assert detail(report, "redirect") == "connected, but the HTTP answer did not end in 0.5 s"
    assert time.monotonic() - began < 5  # the whole answer would take 50


def test_a_slow_answer_over_https_is_the_check_of_hsts_alone(servers: Servers) -> None:
    issued = pki.site()
    context = servers.context([issued.pem(), pki.intermediate().pem()], issued.key_pem())

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as session:
            trickle(session)

    began = time.monotonic()
    report = ask(servers.raw(behave), checks=("tls", "names", "hsts"), timeout=1.0)
    assert outcomes(report) == [("tls", "ok"), ("names", "ok"), ("hsts", "timed out")]
    assert detail(report, "hsts") == "connected, but the HTTP answer did not end in 1 s"
    assert time.monotonic() - began < 6


def test_what_was_answered_counts_where_the_rest_takes_too_long(servers: Servers, monkeypatch: Any) -> None:
    """A question that is left behind keeps what it knows; the check that it waits for gets the blame."""
    over = threading.Event()
    monkeypatch.setitem(_probe._JUDGES, "days", lambda shown, request: str(over.wait(20)))
    monkeypatch.setattr(parallel, "_STEPS", 1)
    report = ask(serve(servers, pki.site()), checks=("tls", "names", "days", "versions"), timeout=1.0)
    over.set()
    assert outcomes(report) == [("tls", "ok"), ("names", "ok"), ("days", "timed out"), ("versions", "not tried")]
    assert detail(report, "days") == "no end after 2 s: the server answers too slowly"
    assert [shown.name for shown in report.certificates] == [NAME]


def test_names_are_asked_for_at_the_same_time(servers: Servers) -> None:
    port = serve(servers, pki.site("*.example.com"), seconds=0.2)
    began = time.monotonic()
    report = ask(port, names=tuple(f"n{number}.example.com" for number in range(40)), checks=("names",))
    assert (len(report.findings), report.ok) == (40, True)
    assert time.monotonic() - began < 4  # one after the other: 8


def test_a_probe_that_may_wait_sees_the_server_come_up(servers: Servers) -> None:
    port = servers.free_port()
    threading.Timer(0.7, lambda: serve(servers, pki.site(), port=port)).start()
    asked = ProbeRequest(("127.0.0.1",), (NAME,), port, checks=("tls",), timeout=1.0, wait=10.0)
    assert probe(asked).ok


def test_a_probe_that_waits_in_vain_says_what_it_saw_last(servers: Servers) -> None:
    asked = ProbeRequest(("127.0.0.1",), (NAME,), servers.free_port(), checks=("tcp",), timeout=1.0, wait=0.6)
    began = time.monotonic()
    assert outcomes(probe(asked)) == [("tcp", "refused")]
    assert 0.6 <= time.monotonic() - began < 3

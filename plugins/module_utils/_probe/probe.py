# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes HTTPS from where it runs: ports, handshakes, names, chains, days and redirects."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable, Dict, List, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_covered
from ansible_collections.port443.https.plugins.module_utils._pki.policy import days_left, show_time
from ansible_collections.port443.https.plugins.module_utils._probe.attempt import Attempt, plan_attempts
from ansible_collections.port443.https.plugins.module_utils._probe.finding import (
    NOT_TRIED,
    OK,
    Failure,
    Finding,
    SocketPlace,
    finding,
    remark,
)
from ansible_collections.port443.https.plugins.module_utils._probe.parallel import ask_together
from ansible_collections.port443.https.plugins.module_utils._probe.reach import find_places
from ansible_collections.port443.https.plugins.module_utils._probe.redirect import ask_for_redirect
from ansible_collections.port443.https.plugins.module_utils._probe.request import ProbeRequest
from ansible_collections.port443.https.plugins.module_utils._probe.server import (
    check_hsts,
    check_http2,
    check_quic,
    check_status,
    check_versions,
)
from ansible_collections.port443.https.plugins.module_utils._probe.tls import Handshake, observe, verify

_PAUSE = 0.5
_NAMES_TOLD = 5


@dataclass(frozen=True)
class Shown:
    """The certificate that was shown at a place to who asked for a name."""

    name: str
    place: SocketPlace
    handshake: Handshake

    def as_dict(self) -> Dict[str, Any]:
        """Returns it as the module returns it; times are UTC."""
        certificate = self.handshake.certificate
        return {
            "name": self.name,
            "address": self.place.address,
            "port": self.place.port,
            "fingerprint": certificate.fingerprint(),
            "names": list(certificate.names()),
            "not_before": show_time(certificate.not_before),
            "not_after": show_time(certificate.not_after),
            "days_left": days_left(certificate, int(time.time())),
            "protocol": self.handshake.version,
        }


@dataclass(frozen=True)
class Report:
    """Everything one look found: the findings, the certificates shown, what was left out and why, what was tried."""

    findings: Tuple[Finding, ...]
    certificates: Tuple[Shown, ...]
    left_out: Tuple[str, ...]
    attempts: Tuple[Attempt, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(found.ok for found in self.findings)


@dataclass(frozen=True)
class _Question:
    """A name to ask for at a place where something listens; ``answered`` holds what is known already."""

    place: SocketPlace
    name: str
    request: ProbeRequest
    answered: List[Finding] = field(default_factory=list)
    shown: List[Shown] = field(default_factory=list)


_Part = Tuple[List[Finding], List[Shown]]


def probe(request: ProbeRequest) -> Report:
    """Returns what a look at every host, address and name finds; looks again until all is well or ``wait`` is over."""
    end = time.monotonic() + request.wait
    report = look(request)
    while not report.ok and time.monotonic() < end:
        time.sleep(_PAUSE)
        report = look(request)
    return report


def look(request: ProbeRequest) -> Report:
    """Returns what one look finds: addresses first, then connections, then everything that needs a connection."""
    places: List[SocketPlace] = []
    nowhere: List[Tuple[SocketPlace, Failure]] = []
    left_out: List[str] = []
    lookups = [partial(find_places, host, request.port, request.families) for host in request.hosts]
    for host, found in zip(request.hosts, ask_together(lookups, request.timeout)):
        if isinstance(found, Failure):
            nowhere.append((SocketPlace(host, "", "", request.port), found))
        else:
            places.extend(found[0])
            left_out.extend(found[1])
    nowhere.extend(_missing_families(places, request))
    findings = [
        lost
        for place, failure in nowhere
        for door in _doors(place, request)
        for lost in _without_connection(door, request, failure)
    ]
    certificates: List[Shown] = []
    attempts = plan_attempts([door for place in places for door in _doors(place, request)], "tcp", request.mark)
    for part, shown in _knock(attempts, request):
        findings.extend(part)
        certificates.extend(shown)
    if "quic" in request.checks:
        findings.extend(finding("quic", "", place, failure.outcome, failure.detail) for place, failure in nowhere)
        findings.extend(_ask_quic(places, request))
        attempts += plan_attempts(places, "udp", request.mark)
    left_out.extend(remark(findings))
    return Report(tuple(findings), tuple(certificates), tuple(left_out), tuple(attempts))


def _missing_families(places: Sequence[SocketPlace], request: ProbeRequest) -> List[Tuple[SocketPlace, Failure]]:
    """The families asked for that no host has an address of."""
    hosts = ", ".join(request.hosts)
    missing = [family for family in request.families if not any(place.family == family for place in places)]
    return [
        (SocketPlace(hosts, "", family, request.port), Failure("unresolvable", f"{hosts} has no {family} address"))
        for family in missing
    ]


def _doors(place: SocketPlace, request: ProbeRequest) -> List[SocketPlace]:
    """The ports of an address that are looked at: HTTPS, and plain HTTP if it has to redirect."""
    doors = [place] if request.fingerprints or set(request.checks) - {"redirect", "quic"} else []
    return doors + ([replace(place, port=request.http_port)] if "redirect" in request.checks else [])


def _knock(attempts: Sequence[Attempt], request: ProbeRequest) -> List[_Part]:
    """One part of the report for each door and, where it opens, for each name; in that order."""
    opened = ask_together([partial(one.knock, request.timeout) for one in attempts], request.timeout)
    parts: List[Union[_Part, _Question]] = []
    for door, failure in zip([attempt.place for attempt in attempts], opened):
        if failure is not None:
            parts.append((_without_connection(door, request, failure), []))
            continue
        if "tcp" in request.checks:
            parts.append(([finding("tcp", "", door, OK, "connected")], []))
        asked = [name for name in request.names if _checks_of_a_name(door, name, request)]
        parts.extend(_Question(door, name, request) for name in asked)
    questions = [part for part in parts if isinstance(part, _Question)]
    answers = iter(ask_together([partial(_ask, question) for question in questions], request.timeout))
    return [_part_of(part, next(answers)) if isinstance(part, _Question) else part for part in parts]


def _ask_quic(places: Sequence[SocketPlace], request: ProbeRequest) -> List[Finding]:
    answers = ask_together([partial(check_quic, place, request.timeout) for place in places], request.timeout)
    return [
        finding("quic", "", place, answer.outcome, answer.detail)
        if isinstance(answer, Failure)
        else finding("quic", "", place, OK, answer)
        for place, answer in zip(places, answers)
    ]


def _part_of(question: _Question, answer: Union[_Part, Failure]) -> _Part:
    return (_unanswered(question, answer), list(question.shown)) if isinstance(answer, Failure) else answer


def _checks_of_a_name(door: SocketPlace, name: str, request: ProbeRequest) -> Tuple[str, ...]:
    """The checks that are made once a name at this door, in their order; the first one knocks."""
    if door.port == request.http_port and "redirect" in request.checks:
        return ("redirect",) if request.asks("redirect", name) else ()
    wanted = {"certificate"} if name in request.fingerprints else set()
    return tuple(check for check in _JUDGES if check in wanted or request.asks(check, name))


def _without_connection(door: SocketPlace, request: ProbeRequest, failure: Failure) -> List[Finding]:
    findings: List[Finding] = []
    if "tcp" in request.checks:
        findings.append(finding("tcp", "", door, failure.outcome, failure.detail))
        failure = Failure(NOT_TRIED, "no connection")
    for name in request.names:
        findings.extend(_unanswered(_Question(door, name, request), failure))
    return findings


def _unanswered(question: _Question, failure: Failure) -> List[Finding]:
    """The first check without an answer gets the failure, those that build on it were not tried."""
    findings = list(question.answered)  # a copy: a question that is left behind is still at work
    for check in _checks_of_a_name(question.place, question.name, question.request)[len(findings) :]:
        findings.append(finding(check, question.name, question.place, failure.outcome, failure.detail))
        failure = Failure(NOT_TRIED, "there is no answer to check")
    return findings


def _ask(question: _Question) -> _Part:
    """Everything about one name at one door; a Failure to get any answer is raised."""
    place, name, request = question.place, question.name, question.request
    checks = _checks_of_a_name(place, name, request)
    if checks == ("redirect",):
        answer = ask_for_redirect(place, name, request.names, request.port, request.timeout)
        return [finding("redirect", name, place, OK, answer)], []
    shown = Shown(name, place, observe(place, name, request.timeout))
    question.shown.append(shown)
    for check in checks:
        question.answered.append(_judge(check, shown, request))
    return question.answered, question.shown


def _judge(check: str, shown: Shown, request: ProbeRequest) -> Finding:
    try:
        return finding(check, shown.name, shown.place, OK, _JUDGES[check](shown, request))
    except Failure as failure:
        return finding(check, shown.name, shown.place, failure.outcome, failure.detail)


def _judge_tls(shown: Shown, request: ProbeRequest) -> str:
    return shown.handshake.version


def _judge_names(shown: Shown, request: ProbeRequest) -> str:
    held = shown.handshake.certificate.names()
    told = ", ".join(held[:_NAMES_TOLD]) + (f" and {len(held) - _NAMES_TOLD} more" if held[_NAMES_TOLD:] else "")
    if not is_covered(shown.name, set(held)):
        raise Failure("wrong name", "the certificate is for {}".format(told or "no name at all"))
    return told


def _judge_chain(shown: Shown, request: ProbeRequest) -> str:
    verify(shown.place, shown.name, request.timeout, request.authorities)
    return "verified with {}".format("the given CA" if request.authorities else "the trust store of this machine")


def _judge_days(shown: Shown, request: ProbeRequest) -> str:
    certificate, now = shown.handshake.certificate, int(time.time())
    if certificate.not_after < now:
        raise Failure("expired", f"on {show_time(certificate.not_after)}")
    if certificate.not_before > now:
        raise Failure("not yet valid", f"before {show_time(certificate.not_before)}")
    left = days_left(certificate, now)
    told = f"{left} days left, until {show_time(certificate.not_after)}"
    if left < request.minimum_days:
        raise Failure("expires soon", f"{told}; {request.minimum_days} are asked for")
    return told


def _judge_versions(shown: Shown, request: ProbeRequest) -> str:
    return check_versions(shown.place, shown.name, shown.handshake.version, request.timeout)


def _judge_http2(shown: Shown, request: ProbeRequest) -> str:
    return check_http2(shown.place, shown.name, request.timeout)


def _judge_status(shown: Shown, request: ProbeRequest) -> str:
    return check_status(shown.place, shown.name, request.timeout, shown.name in request.file_names, request.statuses)


def _judge_hsts(shown: Shown, request: ProbeRequest) -> str:
    return check_hsts(shown.place, shown.name, request.timeout)


def _judge_certificate(shown: Shown, request: ProbeRequest) -> str:
    served, wanted = shown.handshake.certificate.fingerprint(), request.fingerprints[shown.name]
    if served != wanted:
        raise Failure("wrong certificate", f"serves {served}, expected {wanted}")
    return served


_JUDGES: Dict[str, Callable[[Shown, ProbeRequest], str]] = {
    "tls": _judge_tls,
    "names": _judge_names,
    "chain": _judge_chain,
    "days": _judge_days,
    "versions": _judge_versions,
    "http2": _judge_http2,
    "status": _judge_status,
    "hsts": _judge_hsts,
    "certificate": _judge_certificate,
}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries a plan of sites out: pairs, files, test, start or reload, proof; and takes it back, with what was served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate.exchange import PairExchange
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import Journal
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._host.signals import uninterrupted
from ansible_collections.port443.https.plugins.module_utils._sites.plan import SitesPlan
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._sites.server import ServerState, start, stop
from ansible_collections.port443.https.plugins.module_utils._tls import proof as _proof
from ansible_collections.port443.https.plugins.module_utils._tls import unknown_names as _unknown_names
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look
from ansible_collections.port443.https.plugins.module_utils._tls.unknown_names import StrangerLook
from ansible_collections.port443.https.plugins.module_utils._webservers.base import load_again, tell_failure

if TYPE_CHECKING:
    from ansible_collections.port443.https.plugins.module_utils._mailservers.control import MailService
    from ansible_collections.port443.https.plugins.module_utils._sites.mail import MailExpectation

Looks = Mapping[str, Tuple[Look, ...]]


@dataclass(frozen=True)
class Proof:
    """What was seen at the end: at each site's places, by strangers, and at mail servers."""

    looks: Looks
    strangers: Tuple[StrangerLook, ...]
    mail_looks: Looks


class Application:
    """One plan on its way; ``before`` are the looks at what was served before anything changed.

    ``commands`` are those that were run.
    """

    def __init__(
        self,
        host: Runner,
        request: SitesRequest,
        state: ServerState,
        plan: SitesPlan,
        exchange: PairExchange,
        relabel: Callable[[str], None],
        before: Looks,
    ) -> None:
        self._host = host
        self._request = request
        self._state = state
        self._plan = plan
        self._exchange = exchange
        self._relabel = relabel
        self._before = before
        self._pairs = tuple(exchange.remember(site) for site in plan.pairs)
        self._told_server = False
        self._started = False
        self._told_mail: Tuple[MailService, ...] = ()
        self.commands: List[Tuple[str, ...]] = []

    def journal(self) -> Journal:
        """Returns what is about to change."""
        return Journal(self._plan.files, self._pairs, self._plan.folders)

    def carry_out(self) -> Proof:
        """Makes all changes and proves that the sites are served, and what goes with them; raises HostError."""
        with uninterrupted():
            for path in self._plan.folders:
                _journal.make_folder(path, self._relabel)
            for site, pair in self._plan.pairs.items():
                try:
                    self._exchange.exchange(site, pair.want)
                except OSError as problem:
                    raise HostError(
                        f"the pair of {site} could not be installed: {describe_os_error(problem)}"
                    ) from None
            for change in self._plan.files:
                _journal.carry_out(change, self._relabel)
        self._test()
        log = self._state.control.log
        mark = log.begin()
        try:
            self._have_taken_up()
            looks, strangers = self._prove()
            return Proof(looks, strangers, self._prove_mail())
        except HostError as problem:
            raise HostError(problem.message + log.tell_since(mark)) from None

    def take_back(self) -> str:
        """Undoes what was done, and has what was there before served again; returns what came of that, a sentence."""
        with uninterrupted():
            told = [_journal.take_back(change, self._relabel) for change in reversed(self._plan.files)]
            told += [self._exchange.take_back(change) for change in self._pairs]
            told += [_journal.take_back_folder(path) for path in reversed(self._plan.folders)]
        told = [one for one in told if one]
        if self._started:
            told += filter(None, [stop(self._host, self._state)])
        if self._told_server:
            trouble = load_again(self._state.control)
            told += [f"the server could not be reloaded with it: {trouble}"] if trouble else []
        told += self._tell_mail_again()
        if told:
            return "what was there before could not be put back as a whole: " + "; ".join(told)
        return "all files and pairs are as they were" + self._tell_served()

    def _test(self) -> None:
        tested = self._state.control.test()
        if tested.argv:
            self.commands.append(tested.argv)
        if tested.returncode != 0:
            raise HostError(tell_failure(tested))
        for service in self._mail_services(self._plan.mail):
            self._tell(service.kind.test)

    def _have_taken_up(self) -> None:
        if not self._state.running or not self._state.enabled:
            if not self._plan.expectations:
                return  # nothing of ours is left to serve: whoever stopped the server meant it
            self._started = True
            self.commands += start(self._host, self._state)
        if self._state.running:
            self._told_server = True
            ended = self._state.control.reload()
            self.commands.append(ended.argv)
            if ended.returncode != 0:
                raise HostError(tell_failure(ended))

    def _prove(self) -> Tuple[Looks, Tuple[StrangerLook, ...]]:
        expected, seconds = self._plan.expectations, self._request.prove_timeout
        if not expected:
            return {}, ()
        looks = _proof.look_until_met(expected, seconds)
        missed = [one for one in expected if not one.is_met(looks)]
        if missed:
            raise HostError(tell_missed(missed, looks, seconds, self._state.language.title))
        port = self._request.settings.http_port
        if not _proof.answers("127.0.0.1", port, seconds):
            raise HostError(f"{self._state.language.title} serves the sites, but nobody answers at port {port} of HTTP")
        strangers = _unknown_names.look_until_refused(self._plan.refusal, seconds)
        if not _unknown_names.is_refused(strangers):
            served = _proof.join_some(_unknown_names.tell_served(strangers))
            raise HostError(
                f"{self._state.language.title} serves the sites, but does not refuse names that no site has, as "
                f"unknown_names: refuse asks for: {served}"
            )
        return looks, strangers

    def _prove_mail(self) -> Looks:
        """Reloads the mail servers that do not serve what they should, and looks until they do."""
        expected, looks = self._plan.mail, _proof.look_at_all([one.one for one in self._plan.mail])
        due = [one for one in expected if not one.is_met(looks)]
        if not due:
            return looks
        self._told_mail = self._mail_services(due)
        for service in self._told_mail:
            self._tell(service.kind.reload)
        looks = _proof.look_until(
            lambda: _proof.look_at_all([one.one for one in expected]),
            lambda seen: all(one.is_met(seen) for one in expected),
            self._request.prove_timeout,
        )
        missed = [one for one in expected if not one.is_met(looks)]
        if missed:
            raise HostError(_proof.join_some([one.tell(looks) for one in missed]))
        return looks

    def _mail_services(self, expected: Sequence[MailExpectation]) -> Tuple[MailService, ...]:
        return tuple(dict.fromkeys(one.service for one in expected))

    def _tell(self, command: Tuple[str, ...]) -> None:
        self.commands.append(command)
        ended = self._host.run(command)
        if ended.returncode != 0:
            raise HostError(tell_failure(ended))

    def _tell_mail_again(self) -> List[str]:
        """Has the mail servers that were reloaded take up what is there again; returns what was against that."""
        told = []
        for service in self._told_mail:
            try:
                self._tell(service.kind.reload)
            except HostError as problem:
                told.append(f"{service.kind.title} could not be reloaded with it: {problem.message}")
        return told

    def _tell_served(self) -> str:
        """The end of a sentence: whether what was served before is served again."""
        if not self._told_server:
            return ""
        former = [
            Expectation(site, looks[0].fingerprint, "", tuple(look.place for look in looks))
            for site, looks in self._before.items()
            if looks and looks[0].fingerprint and len({look.fingerprint for look in looks}) == 1
        ]
        return _proof.tell_served_again(former, self._request.prove_timeout)


def tell_missed(missed: Sequence[Expectation], looks: Looks, seconds: float, title: str) -> str:
    """Returns which sites were not served after a reload, and what was seen instead."""
    told = []
    for one in missed:
        seen = [str(look) for look in looks.get(one.site, ()) if look.fingerprint != one.fingerprint]
        told.append(f"{one.site}: {', '.join(seen) or 'it listens nowhere'} instead of sha256:{one.fingerprint}")
    some = _proof.join_some(told)
    return f"{title} took the sites up, but after {seconds:.0f} seconds {some}; its error log may say why"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries a plan of sites out: pairs, files, test, start or reload, proof; and takes it back, with what was served."""

from __future__ import annotations

from typing import Callable, List, Mapping, Sequence, Tuple

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
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look
from ansible_collections.port443.https.plugins.module_utils._webservers.base import load_again, tell_failure

Looks = Mapping[str, Tuple[Look, ...]]


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
        self.commands: List[Tuple[str, ...]] = []

    def journal(self) -> Journal:
        """Returns what is about to change."""
        return Journal(self._plan.files, self._pairs)

    def carry_out(self) -> Looks:
        """Makes all changes and proves that the sites are served; returns the looks; raises HostError."""
        with uninterrupted():
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
            return self._prove()
        except HostError as problem:
            raise HostError(problem.message + log.tell_since(mark)) from None

    def take_back(self) -> str:
        """Undoes what was done, and has what was there before served again; returns what came of that, a sentence."""
        with uninterrupted():
            told = [_journal.take_back(change, self._relabel) for change in reversed(self._plan.files)]
            told += [self._exchange.take_back(change) for change in self._pairs]
        told = [one for one in told if one]
        if self._started:
            told += filter(None, [stop(self._host, self._state)])
        if self._told_server:
            trouble = load_again(self._state.control)
            told += [f"the server could not be reloaded with it: {trouble}"] if trouble else []
        if told:
            return "what was there before could not be put back as a whole: " + "; ".join(told)
        return "all files and pairs are as they were" + self._tell_served()

    def _test(self) -> None:
        tested = self._state.control.test()
        if tested.argv:
            self.commands.append(tested.argv)
        if tested.returncode != 0:
            raise HostError(tell_failure(tested))

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

    def _prove(self) -> Looks:
        expected, seconds = self._plan.expectations, self._request.prove_timeout
        if not expected:
            return {}
        looks = _proof.look_until_met(expected, seconds)
        missed = [one for one in expected if not one.is_met(looks)]
        if missed:
            raise HostError(tell_missed(missed, looks, seconds, self._state.language.title))
        port = self._request.settings.http_port
        if not _proof.answers("127.0.0.1", port, seconds):
            raise HostError(f"{self._state.language.title} serves the sites, but nobody answers at port {port} of HTTP")
        return looks

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

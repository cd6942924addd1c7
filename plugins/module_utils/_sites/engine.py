# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine of sites: observe, plan, foresee, apply, prove, judge; all that is asked for, or everything as it was."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.exchange import (
    PairExchange,
    observe_pairs,
    recover,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.prepare import (
    PreparedPair,
    open_pair,
    open_placeholder,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, naming
from ansible_collections.port443.https.plugins.module_utils._host.addresses import list_addresses
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._sites.apply import Application
from ansible_collections.port443.https.plugins.module_utils._sites.folders import find_missing_roots
from ansible_collections.port443.https.plugins.module_utils._sites.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._sites.plan import (
    SitesPlan,
    make_plan,
)
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._sites.server import (
    ServerState,
    observe_server,
    refuse_taken_ports,
)
from ansible_collections.port443.https.plugins.module_utils._tls import proof as _proof
from ansible_collections.port443.https.plugins.module_utils._tls import unknown_names as _unknown_names
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look
from ansible_collections.port443.https.plugins.module_utils._tls.unknown_names import StrangerLook

if TYPE_CHECKING:
    from ansible_collections.port443.https.plugins.module_utils._sites.mail import MailExpectation

LOCK_PATIENCE = 60.0  # seconds, beside what another run may spend on its proofs

Relabel = Callable[[str], None]


@dataclass(frozen=True)
class SitesOutcome:
    """What was, or in check mode would be, done, and what is, or would be, served.

    ``looks`` are those at the end, by site, ``contested`` those at places where another site has the very address,
    ``strangers`` those of clients who say no name of a site's, and ``mail_looks`` those at mail servers.
    ``tested`` is rehearsed, in place, or no. ``foreseen`` is set in check mode where something would change.
    """

    changed: bool
    plan: SitesPlan
    have: Mapping[str, store.CurrentGeneration] = field(default_factory=dict)
    looks: Mapping[str, Tuple[Look, ...]] = field(default_factory=dict)
    contested: Mapping[str, Tuple[Look, ...]] = field(default_factory=dict)
    strangers: Tuple[StrangerLook, ...] = ()
    mail_looks: Mapping[str, Tuple[Look, ...]] = field(default_factory=dict)
    tested: str = "not needed"
    commands: Tuple[Tuple[str, ...], ...] = ()
    warnings: Tuple[str, ...] = ()
    foreseen: bool = False


def ensure(
    request: SitesRequest, host: Host, check: bool, now: int, relabel: Relabel, private: Optional[str]
) -> SitesOutcome:
    """Makes the host serve what the request says, or with ``check`` only tells what that would take.

    ``now`` is in seconds of the epoch, ``private`` a folder of this run's own. Raises UserError, or
    MissingServerError where the web server is not installed.
    """
    pairs = {
        site: open_pair(site, given, host, now, private)
        for site, given in request.pairs.items()
        if request.state == "present"
    }
    with naming(request.certificate_directory), contextlib.ExitStack() as opened:
        folder = _open(opened, request, check)
        return _Run(request, host, check, relabel, pairs, folder).ensure()


@dataclass(frozen=True)
class _Run:
    """One request on one host; ``folder`` is that of the certificates, None in check mode where there is none."""

    request: SitesRequest
    host: Host
    check: bool
    relabel: Relabel
    pairs: Mapping[str, PreparedPair]
    folder: Optional[int]

    def ensure(self) -> SitesOutcome:
        told = recover(self.folder, self.request.certificate_directory, self.relabel, self.check)
        state = observe_server(self.host, self.request)
        return replace(self, pairs={**self.pairs, **self._make_placeholders()})._reach(state, told)

    def _reach(self, state: ServerState, told: Sequence[str]) -> SitesOutcome:
        have = observe_pairs(self.folder, self.pairs)
        plan = make_plan(self.host, self.request, state, self.pairs, have, list_addresses())
        if self.request.state == "present":
            refuse_taken_ports(self.host, self.request, state)
        missing = find_missing_roots(self.request.sites) if self.request.state == "present" else ()
        if missing and not self.check:
            raise HostError("; ".join(missing))
        beaten: Sequence[str] = ()
        if plan.expectations:
            beaten = state.language.overruled(self.request.sites, self.request.settings, state.others)
        # In check mode an earlier task may be what would make it.
        warnings = (
            *told,
            *missing,
            *beaten,
            *(warning for pair in self.pairs.values() for warning in pair.warnings),
        )
        plan = replace(plan, mail=_expect_mail(self.host, self.request, plan))
        outcome = replace(self._change(state, plan), have=have)
        return replace(outcome, changed=outcome.changed or bool(told), warnings=(*warnings, *outcome.warnings))

    def _change(self, state: ServerState, plan: SitesPlan) -> SitesOutcome:
        leftovers = self._find_leftovers()
        looks = _proof.look_at_all(plan.expectations)
        if plan.is_empty() and state.running:
            looks = _proof.look_again(plan.expectations, looks)
        strangers = _unknown_names.look_at_all(plan.refusal)
        mail_looks = _proof.look_at_all([one.one for one in plan.mail])
        is_served = all(one.is_met(looks) for one in plan.expectations) and _unknown_names.is_refused(strangers)
        is_served = is_served and all(one.is_met(mail_looks) for one in plan.mail)
        seen = SitesOutcome(False, plan, looks=looks, strangers=strangers, mail_looks=mail_looks)
        wants_server = bool(plan.expectations)
        if plan.is_empty() and not leftovers and (not wants_server or (is_served and state.running and state.enabled)):
            return replace(seen, contested=_proof.look_at_contested(plan.expectations))
        tested, words = foresee(self.host, state, plan, self.request, self.pairs)
        if words:
            raise HostError(f"{words}; nothing was changed")
        if self.check:
            commands, warnings = self._foretell(state, seen, tested, is_served)
            return replace(seen, changed=True, tested=tested, foreseen=True, commands=commands, warnings=warnings)
        return self._apply(state, seen, tested, leftovers)

    def _apply(
        self,
        state: ServerState,
        seen: SitesOutcome,
        tested: str,
        leftovers: Sequence[str],
    ) -> SitesOutcome:
        if self.folder is None:
            raise HostError(
                f"{self.request.certificate_directory} was removed by somebody else during this run; run again"
            )
        exchange = PairExchange(self.folder, self.request.certificate_directory, self.relabel)
        plan = seen.plan
        run = Application(self.host, self.request, state, plan, exchange, self.relabel, seen.looks)
        _journal.write(self.folder, run.journal())
        try:
            proof = run.carry_out()
        except HostError as problem:
            told = run.take_back()
            _journal.finish(self.folder)
            raise HostError(f"{problem.message}; {told}") from None
        warnings = list(_journal.finish(self.folder))
        if not warnings:  # what a journal can bring back has to stay
            warnings += [exchange.prune(site, self.request.keep) for site in plan.pairs]
            warnings += [exchange.remove(site) for site in leftovers]
        return SitesOutcome(
            True,
            plan,
            looks=proof.looks,
            contested=_proof.look_at_contested(plan.expectations),
            strangers=proof.strangers,
            mail_looks=proof.mail_looks,
            tested="in place" if tested == "no" else tested,
            commands=tuple(run.commands),
            warnings=tuple(filter(None, warnings)),
        )

    def _make_placeholders(self) -> Dict[str, PreparedPair]:
        """Makes self-signed pairs for sites whose certificates come afterwards and that have none until then."""
        return {
            site.name: open_placeholder(self.host, site.name, site.names)
            for site in self.request.sites
            if site.name in self.request.awaited and store.observe(self.folder, site.name).link is None
        }

    def _find_leftovers(self) -> Tuple[str, ...]:
        """The sites whose certificates are to be removed and that have some."""
        if self.folder is None or not self.request.remove_certificates:
            return ()
        exchange = PairExchange(self.folder, self.request.certificate_directory, self.relabel)
        return tuple(exchange.find(self.request.names()))

    def _foretell(
        self, state: ServerState, seen: SitesOutcome, tested: str, is_served: bool
    ) -> Tuple[Tuple[Tuple[str, ...], ...], Tuple[str, ...]]:
        commands: List[Tuple[str, ...]] = []
        if not seen.plan.is_empty() or not is_served:
            kinds = {one.service.kind: None for one in seen.plan.mail}
            due = {one.service.kind: None for one in seen.plan.mail if self._is_due(one, seen)}
            commands += [state.control.test_command, *(kind.test for kind in kinds)]
            commands += [state.control.reload_command] if state.running else []
            commands += [kind.reload for kind in due]
        warnings = []
        if tested == "no":
            warnings.append(
                f"{state.language.title} could not test the planned files, as this host lets nobody lay files over "
                "others in private: a real run tests them in place, and takes them back where the test fails"
            )
        return tuple(filter(None, commands)), tuple(warnings)

    def _is_due(self, one: MailExpectation, seen: SitesOutcome) -> bool:
        """Tells whether a mail server has to take something up: another pair, or what it should have already."""
        return one.site.name in seen.plan.pairs or not one.is_met(seen.mail_looks)


def _expect_mail(host: Host, request: SitesRequest, plan: SitesPlan) -> Tuple[MailExpectation, ...]:
    """What mail servers are expected to serve; what is about them is loaded where a site names one."""
    if request.state != "present" or not any(site.also_reload for site in request.sites):
        return ()
    from ansible_collections.port443.https.plugins.module_utils._sites import mail

    return mail.expect(host, request.sites, plan.leaves)


def _open(opened: contextlib.ExitStack, request: SitesRequest, check: bool) -> Optional[int]:
    """Returns the open folder of the certificates, with its lock held; a real run makes it where it is not there."""
    directory, patience = request.certificate_directory, LOCK_PATIENCE + 2 * request.prove_timeout
    if check:
        return opened.enter_context(hold_lock(directory, make=False, patience=patience))
    if not os.path.isdir(directory) or request.remove_certificates:
        opened.callback(_remove_empty, directory)
    return opened.enter_context(hold_lock(directory, make=True, patience=patience))


def _remove_empty(directory: str) -> None:
    with contextlib.suppress(OSError):  # it holds something
        os.rmdir(directory)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans how a certificate comes into the stores of Windows and to its bindings, and what it supersedes leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding, operation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import (
    IisExchange,
    place_of,
    plan_exchanges,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    SeenCertificate,
    StoreObservation,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import (
    OfferedCertificate,
    OfferedPair,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import (
    CHAIN_STORE,
    StoreOperation,
    StorePlan,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.place import name_owner, set_place
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    APPLICATION,
    StoreRequest,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

# The friendly name of an intermediate that this collection put into a store, whatever site it was for.
_CHAIN_NAME = "port443:chain:"


@dataclass(frozen=True)
class OtherSites:
    """What the other sites of a task will have: certificates, and the places that they ask for."""

    certificates: Tuple[OfferedCertificate, ...] = ()
    places: FrozenSet[str] = frozenset()


_NONE = OtherSites()


def plan_present(
    seen: StoreObservation,
    request: StoreRequest,
    pair: OfferedPair,
    to_the_end: bool = False,
    others: OtherSites = _NONE,
) -> StorePlan:
    """Returns what has the pair installed and bound, empty where all is so; raises HostError where that cannot be.

    What the configuration of IIS names stays until it is exchanged there; with ``to_the_end`` that is taken as done.
    """
    plan = _Planner(seen, request, others)
    new = pair.leaf.thumbprint
    superseded = plan.ours - {new}
    plan.install(pair)
    asked = {one.place: one.application for one in request.bindings}
    stray = plan.find_stray(asked)
    carried = {place for place, text in seen.bindings.items() if binding.thumbprint_of(text) in superseded}
    for place in dict.fromkeys([*asked, *sorted(carried - others.places - set(stray))]):
        plan.carry(place, new, plan.choose_application(place, asked))
    for place in stray:
        plan.bind(place, None)
    plan.exchange_in_iis(superseded, asked, new, to_the_end)
    plan.warn_of_shadows(asked)
    plan.remove_all(plan.oldest_first(superseded, request.keep - 1), pair)
    return plan.finish()


def plan_absent(seen: StoreObservation, request: StoreRequest, others: OtherSites = _NONE) -> StorePlan:
    """Returns what takes the site's certificates and their bindings away; raises HostError for what cannot be done."""
    plan = _Planner(seen, request, others)
    going = set() if request.certificates_stay else set(plan.ours)
    for place, text in sorted(seen.bindings.items()):
        thumbprint, application = binding.thumbprint_of(text), binding.application_of(text)
        if request.owns(application, thumbprint in plan.ours):
            plan.bind(place, None)
        elif thumbprint in plan.ours and application not in request.siblings:  # which go as well
            plan.warn(f"{place} is a binding of {name_owner(text)} and carries {thumbprint}: both stay")
            going.discard(thumbprint)
    plan.remove_all(sorted(going), None)
    return plan.finish()


class _Planner:
    """Collects the steps of one plan, and what was seen that each of them relies on."""

    def __init__(self, seen: StoreObservation, request: StoreRequest, others: OtherSites) -> None:
        self._seen = seen
        self._request = request
        self._others = others
        self._operations: List[StoreOperation] = []
        self._certificates: Dict[str, Optional[str]] = {}
        self._bindings: Dict[str, Optional[str]] = {}
        self._leaving: List[str] = []
        self._warnings: List[str] = []
        self._exchanges: Tuple[IisExchange, ...] = ()
        self._held: Set[str] = set()
        self._have = seen.read(request.store)
        self._chain = seen.read(CHAIN_STORE)
        self.ours = {thumbprint for thumbprint, one in self._have.items() if one.name == request.name_of(thumbprint)}

    def warn(self, message: str) -> None:
        self._warnings.append(message)

    def install(self, pair: OfferedPair) -> None:
        """Imports the leaf where it is missing or its key cannot be used, and adds intermediates that are missing."""
        store, new = self._request.store, pair.leaf.thumbprint
        have = self._have.get(new)
        if have is None or not have.key:
            self._rely_on_certificate(store, new)
            undo = [operation.withdraw(store, new)]
            if have is not None:
                undo.append(operation.add_certificate(store, pair.leaf, have.name))
            name = have.name if have is not None and have.name else self._request.name_of(new)
            self._operations.append(operation.import_pair(store, new, name, self._request.exportable, tuple(undo)))
        for one in pair.chain:
            if one.thumbprint not in self._chain:
                self._rely_on_certificate(CHAIN_STORE, one.thumbprint)
                back = (operation.withdraw(CHAIN_STORE, one.thumbprint),)
                name = _CHAIN_NAME + one.thumbprint[:8]
                self._operations.append(operation.add_certificate(CHAIN_STORE, one, name, back))

    def choose_application(self, place: str, asked: Mapping[str, str]) -> str:
        """Returns the application that a place gets, empty for the one that it has.

        Raises HostError where a site of the module sites asks for the place of somebody else.
        """
        have = self._seen.bindings.get(place)
        if place not in asked or asked[place]:
            return asked.get(place, "")
        if have is None:
            return self._request.application
        application = binding.application_of(have)
        if not self._request.siblings or application == binding.IIS:
            return ""
        if application != APPLICATION and application not in self._request.siblings:
            raise HostError(
                f"{place} is a binding of {name_owner(have)} ({{{application}}}), and a place has one certificate: "
                "remove that binding, or have the module win_certificate exchange its certificate. Nothing was changed"
            )
        return self._request.application

    def carry(self, place: str, thumbprint: str, application: str) -> None:
        """Has a binding carry the certificate, with all else that it is set to, and proves that it is shown."""
        have = self._seen.bindings.get(place)
        if have is None:
            self.bind(place, binding.make_binding(thumbprint, application, self._request.store))
        else:
            self._refuse_other_store(place, have)
            want = binding.with_thumbprint(have, thumbprint)
            if application:
                want = binding.with_application(want, application)
            if want == have:
                return
            self.bind(place, want)
        if self._request.prove:
            accept = _accepted(self._seen.at(place), "" if have is None else binding.thumbprint_of(have))
            self._operations.append(operation.prove(place, thumbprint, accept, self._request.prove_timeout))

    def bind(self, place: str, want: Optional[str]) -> None:
        self._bindings[place] = self._seen.bindings.get(place)
        self._operations.append(set_place(self._seen, place, want))

    def find_stray(self, asked: Iterable[str]) -> List[str]:
        """Returns the bindings of a site of the module sites that it is no longer asked to have."""
        if not self._request.siblings:
            return []
        own = self._request.application
        return [
            place
            for place, text in sorted(self._seen.bindings.items())
            if binding.is_of(text, own) and place not in asked and place not in self._others.places
        ]

    def exchange_in_iis(self, superseded: Set[str], asked: Iterable[str], new: str, to_the_end: bool) -> None:
        """Notes what of the configuration of IIS has to name the certificate, and what that keeps from leaving."""
        places = self._others.places
        configured = [one for one in self._seen.iis if not places or place_of(one) not in places]
        self._exchanges = plan_exchanges(configured, superseded, set(asked), new, self._request.store)
        if not to_the_end:
            self._held = {one.binding.thumbprint for one in self._exchanges}

    def warn_of_shadows(self, asked: Iterable[str]) -> None:
        """Warns of bindings by name on a port that a binding by address answers first."""
        places = dict.fromkeys([*sorted(self._seen.bindings), *asked])
        for place in asked:
            over = [
                one for one in places if binding.is_by_address(one) and binding.port_of(one) == binding.port_of(place)
            ]
            if binding.is_by_name(place) and over:
                self.warn(f"{over[0]} may answer before {place}, whatever name a client asks for")

    def oldest_first(self, superseded: Set[str], stay: int) -> List[str]:
        """Returns the superseded certificates but the ``stay`` that expire last."""
        order = sorted(superseded, key=lambda thumbprint: (self._have[thumbprint].until, thumbprint))
        return order[: len(order) - stay] if stay else order

    def remove_all(self, going: Iterable[str], pair: Optional[OfferedPair]) -> None:
        """Removes certificates of ours that nothing else uses, then intermediates of ours that issued nothing left."""
        gone = set()
        kept = {one.thumbprint for one in self._others.certificates}
        for thumbprint in going:
            if thumbprint in self._held or thumbprint in kept:
                continue
            users = self._users_of(thumbprint)
            if users:
                self.warn(f"{thumbprint} stays, as it is used by {', '.join(users)}")
                continue
            self._remove(self._request.store, thumbprint)
            gone.add(operation.identify(self._request.store, thumbprint))
        for thumbprint in self._idle_chain(gone, pair) if gone else ():
            self._remove(CHAIN_STORE, thumbprint)

    def _users_of(self, thumbprint: str) -> Tuple[str, ...]:
        """What else uses a certificate: parts of Windows, and sites of IIS that go on naming it."""
        going = {one.binding for one in self._exchanges}
        sites = [one.site for one in self._seen.iis if one.thumbprint == thumbprint and one not in going]
        return (*self._seen.users.get(thumbprint, ()), *(f"the IIS site {site}" for site in dict.fromkeys(sites)))

    def finish(self) -> StorePlan:
        return StorePlan(
            tuple(self._operations),
            self._certificates,
            self._bindings,
            tuple(self._leaving),
            self._exchanges,
            tuple(self._warnings),
        )

    def _idle_chain(self, gone: Set[str], pair: Optional[OfferedPair]) -> List[str]:
        """Intermediates that this collection added, and that issued no certificate that stays, a lower one first."""
        left = {name: one for name, one in self._seen.read_all().items() if name not in gone}
        wanted = [*([pair.leaf, *pair.chain] if pair else []), *self._others.certificates]
        kept = {one.thumbprint for one in wanted}
        waiting = [name for name, one in sorted(self._chain.items()) if one.name == _CHAIN_NAME + name[:8]]
        idle: List[str] = []
        while True:
            issuers = {one.issuer for one in left.values()} | {one.issuer for one in wanted}
            free = [name for name in waiting if name not in kept and self._chain[name].subject not in issuers]
            if not free:
                return idle
            idle += free
            waiting = [name for name in waiting if name not in free]
            left = {
                name: one
                for name, one in left.items()
                if name not in {operation.identify(CHAIN_STORE, one) for one in free}
            }

    def _remove(self, store: str, thumbprint: str) -> None:
        self._rely_on_certificate(store, thumbprint)
        self._leaving.append(thumbprint)
        self._operations.append(operation.remove(store, thumbprint))

    def _rely_on_certificate(self, store: str, thumbprint: str) -> None:
        name = operation.identify(store, thumbprint)
        self._certificates[name] = self._seen.certificates.get(name)

    def _refuse_other_store(self, place: str, text: str) -> None:
        there, store = binding.store_of(text), self._request.store
        if there.upper() != store.upper():
            by = "have the module win_certificate exchange it, with" if self._request.siblings else "set"
            raise HostError(
                f"{place} looks for its certificate in the store {there}, and this one goes to {store}: {by} store: "
                f"{there}. Nothing was changed"
            )


def _accepted(before: Optional[SeenCertificate], bound: str) -> Tuple[str, ...]:
    """What a handshake may show beside the new certificate: what was there before, if not by this binding."""
    if before is None or not before.listens:
        return ("",)
    return (before.thumbprint,) if before.thumbprint != bound and before.thumbprint else ()

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the certificates of several sites as one: the host carries out all of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import StoreObservation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import OfferedPair
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import StorePlan
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.place import plan_purge
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import (
    OtherSites,
    plan_absent,
    plan_present,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import StoreRequest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

WantedSite = Tuple[StoreRequest, Optional[OfferedPair]]


@dataclass(frozen=True)
class WantedSites:
    """What a task wants: requests with their pairs, None where a site goes.

    With ``purge`` the bindings go that the module sites made for any other site.
    """

    sites: Tuple[WantedSite, ...]
    purge: bool = False

    def kept(self) -> FrozenSet[str]:
        """Returns the applications of the sites that a purge leaves alone."""
        return frozenset(request.application for request, _pair in self.sites)


@dataclass(frozen=True)
class JointPlan:
    """The plan for all sites, ``each`` site's own part of it, what is ``purged``, and the state that comes of it."""

    whole: StorePlan
    each: Tuple[StorePlan, ...]
    purged: StorePlan
    foreseen: StoreObservation


def plan_together(seen: StoreObservation, wanted: WantedSites, to_the_end: bool = False) -> JointPlan:
    """Returns the plan for all sites, each made from what the ones before it leave; raises HostError.

    With ``to_the_end`` what the configuration of IIS names is taken as exchanged.
    """
    each: List[StorePlan] = []
    purged = plan_purge(seen, wanted.kept()) if wanted.purge else StorePlan()
    state = foresee(seen, purged, None)
    for number, (request, pair) in enumerate(wanted.sites):
        others = _gather(wanted.sites[:number] + wanted.sites[number + 1 :])
        try:
            if pair is None:
                plan = plan_absent(state, request, others)
            else:
                plan = plan_present(state, request, pair, to_the_end, others)
        except HostError as problem:
            raise HostError(label(request, wanted.sites) + problem.message) from None
        each.append(plan)
        state = foresee(state, plan, pair)
    return JointPlan(_join([purged, *each]), tuple(each), purged, state)


def label(request: StoreRequest, sites: Sequence[object]) -> str:
    """Returns what comes before what is told of one site, empty where the task is about it alone."""
    return f"{request.site}: " if len(sites) > 1 else ""


def _gather(sites: Sequence[WantedSite]) -> OtherSites:
    pairs = [pair for _request, pair in sites if pair is not None]
    return OtherSites(
        tuple(certificate for pair in pairs for certificate in (pair.leaf, *pair.chain)),
        frozenset(one.place for request, pair in sites if pair is not None for one in request.bindings),
    )


def _join(plans: Sequence[StorePlan]) -> StorePlan:
    """One plan of several that follow one another; it relies on what was seen before the first of them.

    Certificates leave last, when no binding of any site carries them.
    """
    certificates: Dict[str, Optional[str]] = {}
    bindings: Dict[str, Optional[str]] = {}
    for plan in plans:
        certificates = {**plan.certificates, **certificates}
        bindings = {**plan.bindings, **bindings}
    steps = [step for plan in plans for step in plan.operations]
    return StorePlan(
        tuple(sorted(steps, key=lambda step: step.do == "remove")),
        certificates,
        bindings,
        tuple(dict.fromkeys(thumbprint for plan in plans for thumbprint in plan.leaving)),
        tuple(one for plan in plans for one in plan.exchanges),
        tuple(dict.fromkeys(warning for plan in plans for warning in plan.warnings)),
    )

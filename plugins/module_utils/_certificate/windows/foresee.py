# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foresees the state of a host once a plan is carried out, for check mode and for the diff."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import thumbprint_of
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import exchange
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    SeenCertificate,
    StoredCertificate,
    StoreObservation,
    write_certificate,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import (
    OfferedCertificate,
    OfferedPair,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import StorePlan


def foresee(seen: StoreObservation, plan: StorePlan, pair: Optional[OfferedPair]) -> StoreObservation:
    """Returns what will be observed after the plan, what is shown at the places of its bindings included."""
    certificates, bindings = dict(seen.certificates), dict(seen.bindings)
    offered = {one.thumbprint: one for one in (pair.leaf, *pair.chain)} if pair else {}
    for step in plan.operations:
        if step.do in ("import", "add"):
            one = offered[step.fields["thumbprint"]]
            certificates[step.id] = write_certificate(_stored(one, step.do == "import", step.fields["name"]))
        elif step.do == "remove":
            certificates.pop(step.id, None)
        elif step.do == "bind":
            _put(bindings, step.id, step.fields["want"])
    configured = exchange(seen.iis, plan.exchanges)
    looks = tuple(_show(one, bindings.get(one.place), pair) for one in seen.seen)
    return replace(seen, certificates=certificates, bindings=bindings, seen=looks, iis=configured)


def _put(bindings: Dict[str, str], place: str, want: Optional[str]) -> None:
    if want is None:
        bindings.pop(place, None)
    else:
        bindings[place] = want


def _stored(one: OfferedCertificate, key: bool, name: str) -> StoredCertificate:
    return StoredCertificate(key, one.until, one.issuer, one.subject, name)


def _show(one: SeenCertificate, text: Optional[str], pair: Optional[OfferedPair]) -> SeenCertificate:
    """What a place shows where http.sys answers there: it is taken to show what its binding says."""
    if not one.listens or pair is None or text is None or thumbprint_of(text) != pair.leaf.thumbprint:
        return one
    return replace(one, thumbprint=pair.leaf.thumbprint, fingerprint=pair.leaf.fingerprint, problem="")


def places_of(seen: StoreObservation, thumbprint: str) -> Tuple[str, ...]:
    """Returns the places whose bindings carry a certificate, in order."""
    return tuple(sorted(place for place, text in seen.bindings.items() if thumbprint_of(text) == thumbprint))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the result of win_certificate: thumbprints, dates and bindings, and never the key."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import (
    application_of,
    thumbprint_of,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import places_of
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import StoreObservation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import (
    CHAIN_STORE,
    StoreOperation,
    StorePlan,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import StoreRequest
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.policy import days_left, show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import describe_name


def report_change(
    request: StoreRequest, before: StoreObservation, after: StoreObservation, plan: StorePlan
) -> Dict[str, Any]:
    """Returns what has changed, or will: the part of the result that both states have."""
    concerned = _concerned(request, before, after, plan)
    header = f"{request.site} (Cert:\\LocalMachine, http.sys)"
    return {
        "changed": plan.changes(),
        "bindings": [
            {"place": place, "before": _carried(before, place), "after": _carried(after, place)}
            for place in sorted(name for name in concerned if "=" in name)
        ],
        "removed": [step.fields["thumbprint"] for step in plan.operations if _leaves(step)],
        "commands": commands_of(plan),
        "diff": {
            "before_header": header,
            "after_header": header,
            "before": describe(before, concerned) + _describe_iis(before, plan),
            "after": describe(after, concerned) + _describe_iis(after, plan),
        },
    }


def report_pair(
    request: StoreRequest, pair: KeyPair, thumbprint: str, mended: Sequence[str], after: StoreObservation, now: int
) -> Dict[str, Any]:
    """Returns what is told of the pair itself and of where it is shown; ``now`` is seconds since 1970."""
    leaf = pair.leaf
    served, because = _judge_served(request, thumbprint, after)
    places = {*places_of(after, thumbprint), *(one.place for one in request.bindings)}
    return {
        "thumbprint": thumbprint,
        "fingerprint": leaf.fingerprint(),
        "not_after": show_time(leaf.not_after),
        "days_left": days_left(leaf, now),
        "subject_names": list(leaf.names()),
        "issuer": describe_name(leaf.issuer),
        "mended": [*mended, *pair.mended],
        "served": served,
        "served_because": because,
        "seen": [one.describe() for one in after.seen if one.place in places] if request.prove else [],
    }


def _judge_served(request: StoreRequest, thumbprint: str, after: StoreObservation) -> Tuple[str, str]:
    if not request.prove:
        return "unknown", "prove is false: nobody asked"
    places = places_of(after, thumbprint)
    if not places:
        return "no", "no binding of http.sys carries it"
    looks = [one for one in after.seen if one.place in places]
    for one in looks:
        if one.listens and one.thumbprint != thumbprint:
            return "other", f"{one.place} shows {one.thumbprint or one.problem}"
    silent = [one.place for one in looks if not one.listens]
    if silent:
        return "no", f"nothing listens at {', '.join(silent)}"
    return "yes", ""


def _leaves(step: StoreOperation) -> bool:
    return step.do == "remove" and step.fields["store"] != CHAIN_STORE


def _concerned(request: StoreRequest, before: StoreObservation, after: StoreObservation, plan: StorePlan) -> Set[str]:
    """The certificates and places that the site has, had, or that the plan touches."""
    names = {step.id for step in plan.operations}
    for seen in (before, after):
        ours = {
            thumbprint
            for thumbprint, one in seen.read(request.store).items()
            if one.name == request.name_of(thumbprint)
        }
        names |= {f"{request.store}\\{thumbprint}" for thumbprint in ours}
        names |= {place for place, text in seen.bindings.items() if thumbprint_of(text) in ours}
    return names


def _carried(seen: StoreObservation, place: str) -> Optional[str]:
    text = seen.bindings.get(place)
    return None if text is None else thumbprint_of(text)


def describe(seen: StoreObservation, concerned: Collection[str]) -> str:
    """Returns certificates and bindings as lines, of those that are named."""
    lines: List[str] = []
    stored = seen.read_all()
    for name in sorted(concerned):
        if name in stored:
            one = stored[name]
            key = "with its key" if one.key else "without a key"
            lines.append(f"{name}: {one.name or 'no name'}, expires {one.until}, {key}")
        elif name in seen.bindings:
            text = seen.bindings[name]
            lines.append(f"{name}: {thumbprint_of(text)} for {{{application_of(text)}}}")
    return "".join(line + "\n" for line in lines)


def _describe_iis(seen: StoreObservation, plan: StorePlan) -> str:
    touched = {(one.binding.site, one.binding.information) for one in plan.exchanges}
    lines = [
        f"IIS {one.site} {one.information} {one.thumbprint}"
        for one in seen.iis
        if (one.site, one.information) in touched
    ]
    return "".join(line + "\n" for line in lines)


def commands_of(plan: StorePlan) -> List[str]:
    """Returns what a person would type, in the order in which it is done: what is superseded goes last."""
    last = [step for step in plan.operations if step.do == "remove"]
    first = [step for step in plan.operations if step.do != "remove"]
    return [
        *(command for step in first for command in _command(step)),
        *(one.command() for one in plan.exchanges),
        *(command for step in last for command in _command(step)),
    ]


def _command(step: StoreOperation) -> List[str]:
    """What a person would type for a step; of a handshake, nothing."""
    path = f"Cert:\\LocalMachine\\{step.id}"
    folder = f"Cert:\\LocalMachine\\{step.fields.get('store')}"
    if step.do == "import":
        exportable = " -Exportable" if step.fields["exportable"] else ""
        return [
            f"Import-PfxCertificate -CertStoreLocation {folder}{exportable} -FilePath {step.fields['thumbprint']}.pfx"
        ]
    if step.do == "add":
        return [f"Import-Certificate -CertStoreLocation {folder} -FilePath {step.fields['thumbprint']}.cer"]
    if step.do == "remove":
        return [f"Remove-Item -LiteralPath {path}" + (" -DeleteKey" if _leaves(step) else "")]
    if step.do == "bind":
        want, have = step.fields["want"], step.undo[0].fields["want"]
        verb = "delete" if want is None else "add" if have is None else "update"
        words = [f'"{word}"' if set(word) & set(" {}") else word for word in step.fields["words"]]
        return [f"netsh http {verb} sslcert {' '.join(words)}"]
    return []

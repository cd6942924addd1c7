# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the result of the module certificate: fingerprints, dates and paths, and never the key."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import (
    DeploymentOutcome,
    DeploymentState,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.removal import Removal
from ansible_collections.port443.https.plugins.module_utils._certificate.request import CertificateRequest
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair, site_path
from ansible_collections.port443.https.plugins.module_utils._host.directory import File
from ansible_collections.port443.https.plugins.module_utils._pki.policy import days_left, show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate, describe_name


def report(
    one: RequestedPair, mended: Tuple[str, ...], state: DeploymentState, outcome: DeploymentOutcome, now: int
) -> Dict[str, Any]:
    """Returns the module's result for one site and ``state: present``; ``state`` is how the site stood before.

    ``mended`` is what was done to open the texts; what the pair itself took comes after it.
    """
    leaf = one.pair.leaf
    current = os.path.join(one.path, store.CURRENT)
    return {
        "changed": outcome.changed,
        "served": outcome.served,
        "served_because": outcome.why,
        "seen": [look.describe() for look in outcome.looks],
        "fingerprint": leaf.fingerprint(),
        "not_after": show_time(leaf.not_after),
        "days_left": days_left(leaf, now),
        "subject_names": list(leaf.names()),
        "issuer": describe_name(leaf.issuer),
        "mended": [*mended, *one.pair.mended],
        "paths": {
            "directory": current,
            "certificate": os.path.join(current, store.FULLCHAIN),
            "chain": os.path.join(current, store.CHAIN),
            "key": os.path.join(current, store.KEY),
            "combined": os.path.join(current, store.COMBINED),
        },
        "commands": [" ".join(command) for command in outcome.commands],
        "diff": _diff(current, leaf, state, outcome),
    }


def report_removal(request: CertificateRequest, removal: Removal) -> Dict[str, Any]:
    """Returns the module's result for one site and ``state: absent``."""
    path = site_path(request)
    changed = request.site in removal.removed
    before = f"{path}\n" if changed else ""
    return {
        "changed": changed,
        "diff": {"before_header": path, "after_header": path, "before": before, "after": ""},
    }


def report_all(
    each: Sequence[Mapping[str, Any]], reports: Sequence[Dict[str, Any]], states: Sequence[DeploymentState] = ()
) -> Dict[str, Any]:
    """Returns the module's result for several sites, of the options of each and its result alone.

    ``states`` are how the sites stood before, of which those had a pair that are told as exchanged.
    """
    fingerprints = {
        name.strip(): one["fingerprint"]
        for given, one in zip(each, reports)
        for name in given["names"] or [given["name"]]
        if "fingerprint" in one and "*" not in name
    }
    return {
        "changed": any(one["changed"] for one in reports),
        "sites": [
            {"name": given["name"], **{key: value for key, value in one.items() if key not in ("commands", "diff")}}
            for given, one in zip(each, reports)
        ],
        "fingerprints": fingerprints,
        "exchanged": [
            given["name"]
            for given, one, state in zip(each, reports, states)
            if state.have.link is not None and not state.have.holds(state.want)
        ],
        "commands": list(dict.fromkeys(command for one in reports for command in one.get("commands", ()))),
        "diff": [one["diff"] for one in reports if one["diff"]["before"] != one["diff"]["after"]],
    }


def _diff(current: str, leaf: Certificate, situation: DeploymentState, outcome: DeploymentOutcome) -> Dict[str, str]:
    """Before and after in words that hold no secret: the digest of a pair tells nothing about its key."""
    have, want = situation.have, situation.want
    before = describe_pair(store.read_leaf(have), have.link, have.files.get(store.KEY))
    after = describe_pair(leaf, have.link if have.holds(want) else want.name, want.files[store.KEY])
    if outcome.commands:
        before += [f"served: {look.fingerprint or look.problem} at {look.place}" for look in situation.looks]
        after += [f"served: {leaf.fingerprint()} at {look.place}" for look in situation.looks]
    return {
        "before_header": current,
        "after_header": current,
        "before": "".join(line + "\n" for line in before),
        "after": "".join(line + "\n" for line in after),
    }


def describe_pair(leaf: Optional[Certificate], link: Optional[str], key: Optional[File]) -> List[str]:
    """Returns an installed pair in lines that hold no secret, none where there is no certificate."""
    if leaf is None:
        return []
    lines = [
        f"generation: {link}",
        f"certificate: sha256:{leaf.fingerprint()}",
        f"names: {', '.join(leaf.names())}",
        f"expires: {show_time(leaf.not_after)}",
    ]
    if key is not None:
        lines.append(f"key: mode {key.access.mode:04o}, user {key.access.uid}, group {key.access.gid}")
    return lines

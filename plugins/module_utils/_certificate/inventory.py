# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists the sites of a host with the leaf that is installed and the leaf that is served; changes nothing."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import NO, OTHER, UNKNOWN, YES
from ansible_collections.port443.https.plugins.module_utils._certificate.request import CertificateRequest
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import find_places
from ansible_collections.port443.https.plugins.module_utils._errors import naming
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_folder
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._pki.policy import days_left, show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate, describe_name
from ansible_collections.port443.https.plugins.module_utils._tls import served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look, is_proved
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving, WantedPair, WebServer


def list_sites(
    request: CertificateRequest, names: Tuple[str, ...], service: WebServer, now: int
) -> List[Dict[str, Any]]:
    """Returns a description of each site of the request's directory, or of those in ``names``; raises HostError.

    ``now`` is seconds since 1970.
    """
    with naming(request.directory), open_folder(request.directory) as folder:
        sites = names or (_find_sites(folder) if folder is not None else ())
        found = {site: store.observe(folder, site) for site in sites}
    if not found:
        return []
    servings = service.observe(*(_wanted_pair(request, site, have) for site, have in found.items())).servings
    return [_describe(request, site, found[site], serving, now) for site, serving in zip(found, servings)]


def _find_sites(folder: int) -> Tuple[str, ...]:
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    return tuple(name for name in names if store.observe(folder, name).link is not None)


def _wanted_pair(request: CertificateRequest, site: str, have: store.CurrentGeneration) -> WantedPair:
    leaf = store.read_leaf(have)
    return WantedPair(os.path.join(request.directory, site), _choose_name(site, leaf), leaf.dns_names if leaf else ())


def _describe(
    request: CertificateRequest, site: str, have: store.CurrentGeneration, serving: Serving, now: int
) -> Dict[str, Any]:
    leaf = store.read_leaf(have)
    looks: Tuple[Look, ...] = ()
    if request.prove:
        places = find_places(request, serving, _choose_name(site, leaf))
        hoped_for = (leaf.fingerprint(), leaf.key.kind) if leaf else ("", "")
        looks = tuple(served_certificate.fetch(place, *hoped_for) for place in places)
    served, why = _compare(leaf, serving, looks)
    return {
        "name": site,
        "installed": None if leaf is None else _describe_leaf(leaf, have.files, now),
        "served": served if request.prove else UNKNOWN,
        "served_because": why if request.prove else "prove is false",
        "seen": [look.describe() for look in looks],
    }


def _describe_leaf(leaf: Certificate, files: Mapping[str, Any], now: int) -> Dict[str, Any]:
    key = files.get(store.KEY)
    return {
        "fingerprint": leaf.fingerprint(),
        "subject_names": list(leaf.names()),
        "issuer": describe_name(leaf.issuer),
        "not_before": show_time(leaf.not_before),
        "not_after": show_time(leaf.not_after),
        "days_left": days_left(leaf, now),
        "key_kind": leaf.key.describe(),
        "key_mode": f"{key.access.mode:04o}" if key is not None else None,
    }


def _choose_name(site: str, leaf: Optional[Certificate]) -> str:
    held = leaf.names() if leaf else (site,)
    names = [name for name in (site, *held) if name in held and not name.startswith("*") and not is_address(name)]
    return names[0] if names else ""


def _compare(leaf: Optional[Certificate], serving: Serving, looks: Tuple[Look, ...]) -> Tuple[str, str]:
    if leaf is not None and is_proved(looks, leaf.fingerprint()):
        return YES, "; ".join(serving.unproved)
    if any(look.fingerprint for look in looks) and serving.expected:
        return OTHER, "; ".join(filter(None, [serving.reason, *map(str, looks)]))
    return NO, serving.reason or "; ".join(map(str, looks))

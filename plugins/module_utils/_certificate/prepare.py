# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepares pairs for their installation: read, opened and judged, a handshake tried, and laid out as files."""

from __future__ import annotations

import grp
import os
import pwd
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder, store
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.openssl import Openssl
from ansible_collections.port443.https.plugins.module_utils._certificate.sources import read_texts
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import open_texts, refuse_public_keys


@dataclass(frozen=True)
class PreparedPair:
    """A pair that can be installed: judged, and laid out as files. ``mended`` is what was done to open it."""

    pair: KeyPair
    want: store.Generation
    mended: Tuple[str, ...]
    warnings: Tuple[str, ...]


def prepare_pair(
    request: _request.CertificateRequest, params: Mapping[str, Any], host: Runner, now: int, folder: Optional[str]
) -> PreparedPair:
    """Returns the pair that options of the module certificate bring, as it is to be installed.

    ``now`` is in seconds of the epoch, ``folder`` as for run. Raises RequestError or HostError for a pair that clients
    would refuse, or that cannot be read.
    """
    opened = open_texts(read_texts(params), params["passphrase"], Openssl(host))
    refuse_public_keys(opened.texts)
    pair, warnings = _request.read_request_pair(request, opened.texts, now)
    warnings += _request.rehearse_handshake(request, pair, opened.texts["ca"], folder)
    return PreparedPair(pair, store.lay_out(pair, find_key_access(request)), opened.mended, warnings)


def open_pair(site: str, given: Mapping[str, object], host: Runner, now: int, folder: Optional[str]) -> PreparedPair:
    """Returns the pair that options of the module certificate bring; raises a UserError that names the site.

    ``now`` is in seconds of the epoch, ``folder`` a private one, for where the system has no memfd.
    """
    params = {option: spec.get("default") for option, spec in _request.ARGUMENT_SPEC.items()}
    params.update(given)
    try:
        ready = prepare_pair(_request.parse(params), params, host, now, folder)
    except UserError as problem:
        raise type(problem)(f"{site}: {problem.message}") from None
    return replace(ready, warnings=tuple(f"{site}: {told}" for told in ready.warnings))


def open_placeholder(host: Runner, site: str, names: Sequence[str]) -> PreparedPair:
    """Returns a new self-signed pair for a site whose certificate comes afterwards; raises HostError naming the site.

    ``names`` are normalised host names. The pair is valid from now on, which is later than the beginning of the run.
    """
    try:
        given = placeholder.make_options(host, names)
    except HostError as problem:
        raise HostError(f"{site}: {problem.message}") from None
    return open_pair(site, {**given, "name": site, "names": list(names)}, host, int(time.time()), None)


def find_key_access(request: _request.CertificateRequest) -> Access:
    """Returns who may read the key; raises HostError for a user or group that this host does not have."""
    uid = _find_id(request.owner, "user", lambda name: pwd.getpwnam(name).pw_uid)
    gid = _find_id(request.group, "group", lambda name: grp.getgrnam(name).gr_gid)
    return Access(
        os.geteuid() if uid is None else uid,
        os.getegid() if gid is None else gid,
        0o600 if gid is None else 0o640,
    )


def _find_id(name: Optional[str], kind: str, look_up: Callable[[str], int]) -> Optional[int]:
    """Returns the number of a user or group given by name or number, None for none."""
    if name is None:
        return None
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return look_up(name)
    except KeyError:
        raise HostError(f"this host has no {kind} {name!r}: make it first, or give its number") from None

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a whole deployment from options to a served leaf; the module calls it, and so does each renewal."""

from __future__ import annotations

import grp
import os
import pwd
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import deploy, report, store
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.openssl import Openssl
from ansible_collections.port443.https.plugins.module_utils._certificate.sources import read_texts
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import open_texts, refuse_public_keys
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import choose_service

Result = Tuple[Dict[str, Any], Tuple[str, ...]]
Relabel = Callable[[str], None]


def run(
    params: Mapping[str, Any],
    host: Host,
    check_mode: bool,
    relabel: Relabel,
    folder: Optional[str] = None,
) -> Result:
    """Does what the options of the module certificate ask for, and returns its result and warnings.

    ``relabel`` is called with every path that was made; ``folder`` is a private one for a file that lives for a
    moment, used where the system has no memfd. Raises RequestError, HostError or OSError.
    """
    request = _request.parse(params)
    service = choose_service(
        host, request.service, request.service_config, request.test_command, request.reload_command
    )
    if request.state == "absent":
        removed = deploy.remove(request, service, check_mode)
        return report.report_removal(request, removed), removed.warnings
    now = int(time.time())
    ready = prepare_pair(request, params, host, now, folder)
    deployment = deploy.Deployment(request, ready.pair, ready.want, service, relabel)
    situation, outcome = deployment.check() if check_mode else deployment.deploy()
    warnings = ready.warnings + ((outcome.why,) if outcome.served == "other" else ())
    return report.report(request, ready.pair, ready.mended, situation, outcome, now), warnings + outcome.warnings


@dataclass(frozen=True)
class PreparedPair:
    """A pair that can be installed: judged, and laid out as files. ``mended`` is what was done to open it."""

    pair: KeyPair
    want: store.Generation
    mended: Tuple[str, ...]
    warnings: Tuple[str, ...]


def prepare_pair(
    request: _request.CertificateRequest, params: Mapping[str, Any], host: Host, now: int, folder: Optional[str]
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

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes all pairs of sites as one, unless a service still names one of them."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Callable, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.exchange import PairExchange, recover
from ansible_collections.port443.https.plugins.module_utils._certificate.request import CertificateRequest
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import site_path
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, naming
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.signals import uninterrupted
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ServiceControl,
    Serving,
    WantedPair,
    WebServer,
    tell_failure,
)

LOCK_PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Removal:
    """Sites whose pairs were, or in check mode would be, removed; ``recovered`` as for Deployed."""

    removed: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()
    recovered: bool = False


def remove(
    requests: Sequence[CertificateRequest], service: WebServer, check_mode: bool, relabel: Callable[[str], None]
) -> Removal:
    """Removes all pairs of sites, and the directories where they hold nothing else; raises HostError.

    Refuses while the service's configuration names one of them: it would not pass its test again.
    """
    directory = requests[0].directory
    place = site_path(requests[0]) if len(requests) == 1 else directory
    with naming(place), hold_lock(directory, make=False, patience=LOCK_PATIENCE) as folder:
        if folder is None:
            return Removal()
        told = recover(folder, directory, relabel, check_mode)
        there = [request for request in requests if store.is_there(folder, request.site)]
        if not there:
            return Removal((), told, bool(told))
        found = service.observe(*(WantedPair(site_path(one), one.site, ()) for one in there))
        _refuse_named(there, found.servings)
        sites = tuple(request.site for request in there)
        if check_mode:
            return Removal(sites, told, bool(told))
        exchange = PairExchange(folder, directory, relabel)
        running = any(serving.running for serving in found.servings)
        _detach(exchange, there, found.control if running else None)
        rest = tuple(filter(None, [exchange.remove(site) for site in sites]))
        with contextlib.suppress(OSError):
            os.rmdir(directory)
        return Removal(sites, (*told, *rest), bool(told))


def _refuse_named(there: Sequence[CertificateRequest], servings: Sequence[Serving]) -> None:
    named = [site_path(request) for request, serving in zip(there, servings) if serving.named]
    if named:
        verb, them, site = ("is", "it", "site") if len(named) == 1 else ("are", "them", "sites")
        raise HostError(
            f"{', '.join(named)} {verb} still named in the service's configuration, which would not pass its test "
            f"without {them}: remove the {site} there first"
        )


def _detach(exchange: PairExchange, there: Sequence[CertificateRequest], control: Optional[ServiceControl]) -> None:
    """Removes the links to the pairs, and puts them back where a service that runs, ``control``, misses one of them."""
    changes = [exchange.remember(request.site) for request in there]
    with uninterrupted():
        for request in there:
            exchange.detach(request.site)
    tested = control.test() if control is not None else None
    if tested is None or tested.returncode == 0:
        return
    if any(site_path(request) + "/" in tested.words() for request in there):
        with uninterrupted():
            told = [told for told in map(exchange.take_back, changes) if told]
        back = "the pair is back in place" if len(there) == 1 else "the pairs are back in place"
        raise HostError("; ".join([tell_failure(tested), *(told or [back])]))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The key pairs of sites: opened and judged, exchanged as one, taken back as one, removed."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder, store
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.install import PreparedPair, prepare_pair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_below
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._sites.journal import PairChange

Relabel = Callable[[str], None]


def open_pair(site: str, given: Mapping[str, object], host: Host, now: int, folder: Optional[str]) -> PreparedPair:
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


def open_placeholder(host: Host, site: str, names: Sequence[str]) -> PreparedPair:
    """Returns a new self-signed pair for a site whose certificate comes afterwards; raises HostError naming the site.

    ``names`` are normalised host names. The pair is valid from now on, which is later than the beginning of the run.
    """
    try:
        certificate, key = placeholder.make(host, names)
    except HostError as problem:
        raise HostError(f"{site}: {problem.message}") from None
    given = {"certificate": certificate.decode("ascii"), "key": key.decode("ascii"), "self_signed": True}
    return open_pair(site, {**given, "name": site, "names": list(names), "trust": "none"}, host, int(time.time()), None)


def observe_pairs(folder: Optional[int], wanted: Mapping[str, PreparedPair]) -> Dict[str, store.CurrentGeneration]:
    """Returns what each site has in an open folder of certificates; nothing is made."""
    return {site: store.observe(folder, site) for site in wanted}


class PairExchange:
    """Exchanges the pairs of several sites in an open folder of certificates, and takes that back.

    ``directory`` is the folder's path. Methods raise OSError or HostError.
    """

    def __init__(self, folder: int, directory: str, relabel: Relabel) -> None:
        self._folder = folder
        self._directory = directory
        self._relabel = relabel

    def remember(self, site: str) -> PairChange:
        """Returns how a site stands, for the journal."""
        try:
            with open_below(self._folder, site) as home:
                there = self._site(home, site)
                return PairChange(site, there.link(), tuple(there.generations()), True)
        except FileNotFoundError:
            return PairChange(site, None, (), False)

    def exchange(self, site: str, want: store.Generation) -> None:
        """Lets a site's link lead to the wanted pair, made where it is not there."""
        with open_below(self._folder, site, make=True) as home:
            self._site(home, site).exchange(want)

    def take_back(self, change: PairChange) -> str:
        """Undoes a site's exchange if it was made; returns what was against it, empty if nothing was."""
        try:
            with open_below(self._folder, change.site) as home:
                there = self._site(home, change.site)
                if there.link() != change.link:
                    there.point(change.link)
                for made in set(there.generations()) - set(change.generations):
                    there.forget(made)
                if not change.existed:
                    there.clear()
            if not change.existed:
                os.rmdir(change.site, dir_fd=self._folder)
        except FileNotFoundError:
            return ""
        except OSError as problem:
            return f"{self._directory}/{change.site} could not be put back: {problem.strerror}"
        return ""

    def prune(self, site: str, keep: int) -> str:
        """Removes former pairs of a site beyond ``keep``; returns what was against it, empty if nothing was."""
        try:
            with open_below(self._folder, site) as home:
                self._site(home, site).prune(keep)
        except OSError as problem:
            return f"a former pair in {self._directory}/{site} could not be removed: {problem.strerror}"
        return ""

    def remove(self, site: str) -> str:
        """Removes all pairs of a site, and its folder where that holds nothing else; returns what has to be told."""
        try:
            with open_below(self._folder, site) as home:
                there = self._site(home, site)
                there.point(None)
                rest = there.clear()
        except FileNotFoundError:
            return ""
        with contextlib.suppress(OSError):
            os.rmdir(site, dir_fd=self._folder)
        if rest:
            return f"{self._directory}/{site} stays: it holds {', '.join(rest)}, which was not made here"
        return ""

    def find(self, sites: Tuple[str, ...]) -> List[str]:
        """Returns which of the sites have a folder there."""
        return [site for site in sites if store.is_there(self._folder, site)]

    def _site(self, home: int, site: str) -> store.SiteFolder:
        return store.SiteFolder(home, os.path.join(self._directory, site), self._relabel)

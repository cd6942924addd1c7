# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Exchanges the key pairs of several sites as one, takes that back, and what a run that was cut off left behind."""

from __future__ import annotations

import contextlib
import os
from typing import Callable, Dict, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import PairChange
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_below

Relabel = Callable[[str], None]


def observe_pairs(folder: Optional[int], sites: Iterable[str]) -> Dict[str, store.CurrentGeneration]:
    """Returns what each site has in an open folder of certificates; nothing is made.

    What a run that was cut off left there is seen as it is once that is taken back.
    """
    left = _journal.read(folder) if folder is not None else None
    links = {change.site: change.link for change in left.pairs} if left is not None else {}
    return {
        site: store.observe_at(folder, site, links[site]) if site in links else store.observe(folder, site)
        for site in sites
    }


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

    def exchange(self, site: str, want: store.Generation) -> bool:
        """Lets a site's link lead to the wanted pair, made where it is not there; tells whether it did not before."""
        with open_below(self._folder, site, make=True) as home:
            there = self._site(home, site)
            step = there.exchange(want)
            return bool(step.made) or there.link() != step.link

    def take_back(self, change: PairChange, have: Optional[store.CurrentGeneration] = None) -> str:
        """Undoes a site's exchange if it was made; returns what was against it, empty if nothing was.

        ``have`` is what the site had, for those who may read the files.
        """
        try:
            with open_below(self._folder, change.site) as home:
                there = self._site(home, change.site)
                if there.link() != change.link:
                    there.point(change.link)
                for made in set(there.generations()) - set(change.generations):
                    there.forget(made)
                if have is not None and have.link is not None and have.link == change.link:
                    there.correct_access(have.link, have.files)
                if not change.existed:
                    there.clear()
            if not change.existed:
                os.rmdir(change.site, dir_fd=self._folder)
        except FileNotFoundError:
            return ""
        except (HostError, OSError) as problem:
            why = problem.message if isinstance(problem, HostError) else problem.strerror
            return f"the previous pair could not be put back into {self._directory}/{change.site}: {why}"
        return ""

    def prune(self, site: str, keep: int) -> str:
        """Removes former pairs of a site beyond ``keep``; returns what was against it, empty if nothing was."""
        try:
            with open_below(self._folder, site) as home:
                self._site(home, site).prune(keep)
        except OSError as problem:
            return f"a former pair in {self._directory}/{site} could not be removed: {problem.strerror}"
        return ""

    def detach(self, site: str) -> None:
        """Removes a site's link, so that nobody opens its pair any more, which stays."""
        with open_below(self._folder, site) as home:
            self._site(home, site).point(None)

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


def recover(folder: Optional[int], directory: str, relabel: Relabel, check: bool) -> Tuple[str, ...]:
    """Takes back what a run that was cut off left, files and pairs; returns what has to be told of it, a sentence each.

    ``folder`` is the open folder of the certificates, whose lock is held, ``directory`` its path. With ``check``
    nothing is changed. Raises HostError or OSError.
    """
    left = _journal.read(folder) if folder is not None else None
    if left is None or folder is None:
        return ()
    if check:
        return ("a run before this one was cut off: the next real run first takes back what it had done",)
    exchange = PairExchange(folder, directory, relabel)
    told = [_journal.take_back(change, relabel) for change in reversed(left.files)]
    told += [exchange.take_back(change) for change in left.pairs]
    told += [_journal.take_back_folder(path) for path in reversed(left.folders)]
    _journal.remove(folder)
    return ("a run before this one was cut off: what it had done was taken back first", *filter(None, told))

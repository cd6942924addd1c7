# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stores key pairs as generations ``<directory>/<site>/<generation>/``; ``current`` is a link swapped by rename.

Key and certificate are one directory and ``current`` is one link, so that whoever opens files through it gets a whole
pair, whenever this process or the machine stops. Callers hold the lock of the directory (hold_lock).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.atomic import (
    make_file,
    remove_entry,
    remove_leftovers,
    replace_link,
)
from ansible_collections.port443.https.plugins.module_utils._host.directory import (
    PUBLIC_FOLDER,
    Access,
    File,
    open_below,
    read_file,
    remove_folder,
    set_access,
)
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate, read_certificate

CURRENT = "current"
KEY, FULLCHAIN, CHAIN = "privkey.pem", "fullchain.pem", "chain.pem"
COMBINED = "haproxy.pem"  # HAProxy reads certificate, chain and key from one file
FILES = (KEY, FULLCHAIN, CHAIN, COMBINED)
PUBLIC_MODE = 0o644

_GENERATION = re.compile(r"[0-9a-f]{64}(?:-[0-9]+)?")
_LEFTOVER = re.compile(r"\.(?:new|current)-[0-9]+")  # the links are those of version 0.1.0


@dataclass(frozen=True)
class Generation:
    """The files a generation has to consist of, each with who may read it; ``name`` is the pair's digest."""

    name: str
    files: Mapping[str, File]


@dataclass(frozen=True)
class CurrentGeneration:
    """What ``current`` leads to: the link's text (None: no link) and the files found behind it."""

    link: Optional[str] = None
    files: Mapping[str, File] = field(default_factory=dict)

    def holds(self, want: Generation) -> bool:
        """Tells whether these are the wanted files, byte for byte, whoever may read them."""
        return {name: file.content for name, file in self.files.items()} == {
            name: file.content for name, file in want.files.items()
        }


def lay_out(pair: KeyPair, key_access: Access) -> Generation:
    """Returns the files of a pair; the certificates are root's (or this user's) and public, what holds the key is as
    asked."""
    public = Access(os.geteuid(), os.getegid(), PUBLIC_MODE)
    return Generation(
        pair.generation(),
        {
            KEY: File(pair.key.pem, key_access),
            FULLCHAIN: File(pair.fullchain_pem(), public),
            CHAIN: File(pair.chain_pem(), public),
            COMBINED: File(pair.fullchain_pem() + pair.key.pem, key_access),
        },
    )


def observe(folder: Optional[int], site: str) -> CurrentGeneration:
    """Returns what a site has in an open directory; nothing is made."""
    if folder is None:
        return CurrentGeneration()
    try:
        with open_below(folder, site) as home:
            return _read_current(home, _read_link(home))
    except FileNotFoundError:
        return CurrentGeneration()


def observe_at(folder: Optional[int], site: str, link: Optional[str]) -> CurrentGeneration:
    """Returns what a site would have in an open directory if ``current`` had that text; nothing is made."""
    if folder is None or link is None:
        return CurrentGeneration()
    try:
        with open_below(folder, site) as home:
            return _read_current(home, link)
    except FileNotFoundError:
        return CurrentGeneration()


def is_there(folder: int, site: str) -> bool:
    """Tells whether a site has a directory in an open one, whatever is in it; raises HostError as open_folder does."""
    try:
        with open_below(folder, site):
            return True
    except FileNotFoundError:
        return False


def read_leaf(have: CurrentGeneration) -> Optional[Certificate]:
    """Returns the site's certificate that is installed, None where there is none that can be read."""
    fullchain = have.files.get(FULLCHAIN)
    try:
        block = read_pem(fullchain.content, FULLCHAIN).blocks[0] if fullchain is not None else None
        return read_certificate(block.der, FULLCHAIN) if block is not None else None
    except (RequestError, IndexError):
        return None


class SiteFolder:
    """One site's directory, open; every change is on the disk before the next begins. Methods raise OSError."""

    def __init__(self, home: int, path: str, relabel: Callable[[str], None]) -> None:
        self._home = home
        self._path = path
        self._relabel = relabel

    def exchange(self, want: Generation) -> Exchange:
        """Lets ``current`` lead to the wanted files, made where there are none; returns how to undo it.

        Where this fails, everything is as before.
        """
        self._remove_leftovers()
        link, before = self.link(), self.generations()
        generation = self._find(want, link) or self._add(want)
        step = Exchange(self, link, "" if generation in before else generation)
        try:
            self.correct_access(generation, want.files)
            if generation != link:
                self.point(generation)
        except OSError:
            step.undo()
            raise
        return step

    def _find(self, want: Generation, link: Optional[str]) -> str:
        for name in sorted(self.generations(), key=lambda name: name != link):
            if name.startswith(want.name) and CurrentGeneration(name, _read_generation(self._home, name)).holds(want):
                return name
        return ""

    def _add(self, want: Generation) -> str:
        # A damaged generation may be in use: the whole one gets a name of its own beside it.
        taken = os.listdir(self._home)
        name, number = want.name, 0
        while name in taken:
            number += 1
            name = f"{want.name}-{number}"
        self._make(name, want)
        return name

    def correct_access(self, name: str, want: Mapping[str, File]) -> None:
        """Gives the files of a generation the owners and modes of the wanted ones where they differ."""
        have = _read_generation(self._home, name)
        with open_below(self._home, name) as generation:
            for file, wanted in want.items():
                if file not in have or have[file].access != wanted.access:
                    set_access(generation, file, wanted.access)

    def point(self, link: Optional[str]) -> None:
        """Lets ``current`` lead to a generation, in one step; None removes it."""
        if link is None:
            remove_entry(self._home, CURRENT)
            return
        replace_link(self._home, CURRENT, link)
        with contextlib.suppress(OSError, NotImplementedError):  # Python for old macOS has no utimensat
            os.utime(link, dir_fd=self._home, follow_symlinks=False)  # prune goes by when it was last chosen
        self._relabel(os.path.join(self._path, CURRENT))

    def prune(self, keep: int) -> None:
        """Removes all generations but the ``keep`` that were chosen last; the current one always stays."""
        current = self.link()
        rest = sorted((name for name in self.generations() if name != current), key=self._chosen_at, reverse=True)
        for name in rest[keep - 1 :]:
            remove_folder(self._home, name, FILES)
        os.fsync(self._home)

    def forget(self, name: str) -> None:
        """Removes one generation."""
        remove_folder(self._home, name, FILES)
        os.fsync(self._home)

    def clear(self) -> Tuple[str, ...]:
        """Removes everything that was made here but the directory itself; returns the names of what is not ours."""
        self._remove_leftovers()
        kept = []
        for name in self.generations():
            if not remove_folder(self._home, name, FILES):
                kept.append(name)
        os.fsync(self._home)
        return tuple(sorted(set(os.listdir(self._home)) - {CURRENT} | set(kept)))

    def link(self) -> Optional[str]:
        """Returns the text of the link ``current``, None where there is none."""
        return _read_link(self._home)

    def generations(self) -> List[str]:
        """Returns the names of all generations."""
        return sorted(name for name in os.listdir(self._home) if _GENERATION.fullmatch(name))

    def _make(self, name: str, want: Generation) -> None:
        temporary = f".new-{os.getpid()}"
        os.mkdir(temporary, 0o700, dir_fd=self._home)
        try:
            with open_below(self._home, temporary) as generation:
                for file, wanted in want.files.items():
                    make_file(generation, file, wanted.content, wanted.access.give_to)
                os.fchmod(generation, PUBLIC_FOLDER)
                os.fsync(generation)
            os.rename(temporary, name, src_dir_fd=self._home, dst_dir_fd=self._home)
        except BaseException:
            remove_folder(self._home, temporary, FILES)
            raise
        os.fsync(self._home)
        for file in ("", *want.files):
            self._relabel(os.path.join(self._path, name, file).rstrip("/"))

    def _chosen_at(self, name: str) -> int:
        return os.stat(name, dir_fd=self._home, follow_symlinks=False).st_mtime_ns

    def _remove_leftovers(self) -> None:
        """What a killed run was in the middle of; the lock says that it is no longer running."""
        remove_leftovers(self._home, CURRENT)
        for name in os.listdir(self._home):
            if _LEFTOVER.fullmatch(name):
                if name.startswith(".new-"):
                    remove_folder(self._home, name, FILES)
                else:
                    os.unlink(name, dir_fd=self._home)


@dataclass(frozen=True)
class Exchange:
    """A step taken: the link as it was before, and the generation that was made for it ('' if none)."""

    site: SiteFolder
    link: Optional[str]
    made: str

    def undo(self) -> bool:
        """Takes the step back; returns False where nothing had been exchanged. Raises OSError."""
        moved = self.site.link() != self.link  # what made the step fail may make any link fail
        if moved:
            self.site.point(self.link)
        if self.made:
            self.site.forget(self.made)
        return moved or bool(self.made)


def _read_current(home: int, link: Optional[str]) -> CurrentGeneration:
    return CurrentGeneration(link, _read_generation(home, link)) if link is not None else CurrentGeneration()


def _read_link(home: int) -> Optional[str]:
    try:
        return os.readlink(CURRENT, dir_fd=home)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.EINVAL):  # nothing, or no link
            return None
        raise


def _read_generation(home: int, name: str) -> Dict[str, File]:
    """Returns the files found, none for a link that leads anywhere else than to a generation."""
    if not _GENERATION.fullmatch(name):
        return {}
    try:
        with open_below(home, name) as generation:
            found = {file: read_file(generation, file) for file in FILES}
    except (HostError, FileNotFoundError):
        return {}  # a link, a directory others can write to, or nothing at all
    return {name: file for name, file in found.items() if file is not None}

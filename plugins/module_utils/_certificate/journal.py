# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A journal of what a run is about to change, so that the next one can take back what a run that was cut off left."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.atomic import (
    SECRET,
    remove_entry,
    remove_leftovers,
    replace_file,
)
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.files import FoundFile, exchange, look_at

_PUBLIC_FOLDER = 0o755
NAME = ".sites-journal"  # in the folder of the certificates, which each run holds the lock of


@dataclass(frozen=True)
class FileChange:
    """A file or link of the server's configuration as it is and as it is to be; ``path`` is absolute."""

    path: str
    before: FoundFile
    after: FoundFile


@dataclass(frozen=True)
class PairChange:
    """A site's link to its pair, as it was, and the generations that were there (store.SiteFolder)."""

    site: str
    link: Optional[str]
    generations: Tuple[str, ...]
    existed: bool


@dataclass(frozen=True)
class Journal:
    """All that a run is about to change; nothing in it is secret. ``folders`` are those that it makes, outer first."""

    files: Tuple[FileChange, ...]
    pairs: Tuple[PairChange, ...]
    folders: Tuple[str, ...] = ()


def write(folder: int, journal: Journal) -> None:
    """Writes the journal into an open folder, whole, and waits for the disk; raises OSError."""
    remove(folder)
    content = json.dumps(
        {
            "files": [
                {"path": one.path, "before": _pack(one.before), "after": _pack(one.after)} for one in journal.files
            ],
            "pairs": [
                {"site": one.site, "link": one.link, "generations": one.generations, "existed": one.existed}
                for one in journal.pairs
            ],
            "folders": journal.folders,
        }
    )
    try:
        replace_file(folder, NAME, content.encode("ascii"), Access(os.geteuid(), os.getegid(), SECRET).give_to)
    except OSError:
        with contextlib.suppress(OSError):
            remove(folder)
        raise


def read(folder: int) -> Optional[Journal]:
    """Returns the journal that a run left in an open folder, None where there is none; raises HostError or OSError."""
    try:
        descriptor = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read()
    try:
        given = json.loads(content.decode("ascii"))
        return Journal(
            tuple(FileChange(one["path"], _unpack(one["before"]), _unpack(one["after"])) for one in given["files"]),
            tuple(
                PairChange(one["site"], one["link"], tuple(one["generations"]), one["existed"])
                for one in given["pairs"]
            ),
            tuple(map(str, given.get("folders", ()))),
        )
    except (ValueError, KeyError, TypeError):
        raise HostError(
            f"{NAME} in the folder of the certificates was not written here, or is damaged: nobody knows what the run "
            "that left it had done. Look at the sites, and remove it"
        ) from None


def remove(folder: int) -> None:
    """Removes the journal from an open folder: what was to be done is done, or nothing is left of it."""
    remove_leftovers(folder, NAME)
    remove_entry(folder, NAME)


def finish(folder: int) -> Tuple[str, ...]:
    """Removes the journal of what is done and stays, or is taken back; returns what was against that, a sentence."""
    try:
        remove(folder)
    except OSError as problem:
        return (
            f"{NAME} in the folder of the certificates could not be removed: {problem.strerror}. Remove it, or the "
            "next run takes back what this one has done",
        )
    return ()


def carry_out(change: FileChange, relabel: Callable[[str], None]) -> None:
    """Makes one change of a file; raises HostError."""
    exchange(change.path, change.before, change.after, relabel)


def make_folder(path: str, relabel: Callable[[str], None]) -> None:
    """Makes a folder that everybody may enter and its owner alone may fill; raises HostError where it is there."""
    try:
        os.mkdir(path)
        os.chmod(path, _PUBLIC_FOLDER)  # whatever the umask is
    except OSError as problem:
        raise HostError(f"the folder {path} could not be made: {describe_os_error(problem)}") from None
    relabel(path)


def take_back_folder(path: str) -> str:
    """Removes a folder that a run made, if it did; returns what was against it: what somebody put there stays."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return ""
    except OSError as problem:
        return f"the folder {path} stays, as it could not be removed: {describe_os_error(problem)}"
    return ""


def take_back(change: FileChange, relabel: Callable[[str], None]) -> str:
    """Undoes one change of a file, if it was made; returns what was against it, empty if nothing was.

    What somebody changed meanwhile is theirs.
    """
    try:
        now = look_at(change.path)
        if now.is_like(change.before):
            return ""
        if not now.is_like(change.after):
            return f"{change.path} was changed by somebody else meanwhile, and stays as it is"
        exchange(change.path, change.after, change.before, relabel)
    except HostError as problem:
        return problem.message
    return ""


def _pack(found: FoundFile) -> Dict[str, Any]:
    packed: Dict[str, Any] = {"link": found.link}
    if found.content is not None:
        packed["content"] = base64.b64encode(found.content).decode("ascii")
    if found.access is not None:
        packed["access"] = [found.access.uid, found.access.gid, found.access.mode]
    return packed


def _unpack(packed: Dict[str, Any]) -> FoundFile:
    content, access = packed.get("content"), packed.get("access")
    return FoundFile(
        None if content is None else base64.b64decode(content), packed["link"], Access(*access) if access else None
    )

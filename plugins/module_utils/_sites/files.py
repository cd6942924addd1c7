# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration files of a host with planned files laid over them, for the readers of configurations."""

from __future__ import annotations

import fnmatch
import glob
import os
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._webservers.base import read_files
from ansible_collections.port443.https.plugins.module_utils._webservers.site import ConfigFile

LINKS = 10  # on one way; a loop has more


class PlannedFiles:
    """The files of a host with those of a plan in their places; without a plan, as they are."""

    def __init__(self, host: Files, planned: Iterable[ConfigFile] = ()) -> None:
        self._host = host
        self._planned: Dict[str, ConfigFile] = {file.path: file for file in planned}

    def find(self, pattern: str) -> Sequence[Tuple[str, str]]:
        """Returns path and text of each file that an absolute path or pattern stands for, sorted; a folder has none."""
        found = [(path, self._read(path, LINKS)) for path in self._expand(pattern)]
        return [(path, text) for path, text in found if text is not None]

    def texts(self, pattern: str) -> Sequence[str]:
        """Returns the texts alone."""
        return [text for _path, text in self.find(pattern)]

    def list_folder(self, path: str) -> Sequence[str]:
        """Returns the names in a folder, sorted; empty where there is no such folder."""
        names = set(self._host.list_folder(path))
        for file in self._planned.values():
            folder, name = os.path.split(file.path)
            if folder == path.rstrip("/"):
                (names.add if _is_there(file) else names.discard)(name)
        return sorted(names)

    def _expand(self, pattern: str) -> List[str]:
        if not glob.has_magic(pattern):
            return [pattern]
        paths = {path for path in glob.glob(pattern) if path not in self._planned}
        # As glob(3) does it: a star stands for no slash, and for no dot at the beginning of a name.
        paths |= {path for path, file in self._planned.items() if _is_there(file) and _matches(path, pattern)}
        return sorted(paths)

    def _read(self, path: str, left: int) -> Optional[str]:
        file = self._planned.get(path)
        if file is None:
            found = read_files(self._host, glob.escape(path)) if not os.path.isdir(path) else ()
            return found[0] if found else None
        if file.link and left:
            return self._read(os.path.normpath(os.path.join(os.path.dirname(path), file.link)), left - 1)
        return file.text


def _is_there(file: ConfigFile) -> bool:
    return file.text is not None or bool(file.link)


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want) and not (part.startswith(".") and not want.startswith("."))
        for part, want in zip(parts, wanted)
    )

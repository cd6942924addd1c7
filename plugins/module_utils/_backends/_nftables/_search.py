# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where nft looks for the files that an include stands for."""

from __future__ import annotations

import fnmatch
import os
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._host import Host

WILDCARDS = frozenset("*?[")

_DEFAULT_FOLDER = "/etc"  # what the packages of all distributions are built with


def find_included(host: Host, pattern: str) -> Tuple[str, ...]:
    """Returns the files that an include stands for, in nft's order: sorted by name, hidden ones left out."""
    # Such a path is searched nowhere: it starts where nft runs, and services run in /.
    if pattern.startswith(("/", "./", "../")):
        return _matches(host, pattern)
    return _matches(host, f"{_DEFAULT_FOLDER}/{pattern}")


def _matches(host: Host, path: str) -> Tuple[str, ...]:
    """The files that a path stands for, seen from /, each by a name without detours."""
    found = ["/"]
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            # What is above a folder is not in its name where it is reached by a link.
            found = [os.path.dirname(host.real_path(folder)) for folder in found if host.has_link(folder)]
        elif WILDCARDS.intersection(part):
            found = [
                f"{folder.rstrip('/')}/{name}"
                for folder in found
                for name in host.list_folder(folder)
                if fnmatch.fnmatchcase(name, part) and (part[0] == "." or name[0] != ".")
            ]
        else:
            found = [f"{folder.rstrip('/')}/{part}" for folder in found]
    return tuple(name for name in found if host.is_file(name))

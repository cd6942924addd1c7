# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves the file names of nft's include statements as nft does."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

WILDCARDS = frozenset("*?[")

DEFAULT_FOLDER = "/etc"  # what the packages of all distributions are built with

_VERSION = ("nft", "--version")
_NUMBER = re.compile(r"\bv(\d+)\.(\d+)(?:\.(\d+))?")
_OWN_FOLDER_SINCE = (1, 1, 0)  # "add base directory of -f/--filename to include path" in nftables' changes
_DEFAULT_ONCE_SINCE = (1, 1, 6)  # "do not re-add default include directory in include search path"


def is_searched(pattern: str) -> bool:
    """Tells whether nft searches folders for what an include names; else it starts where nft runs, for services /."""
    return not pattern.startswith(("/", "./", "../"))


def observe_folders(host: FirewallHost, path: str) -> Tuple[str, ...]:
    """Returns the folders that the nft of this host searches, in its order, where it is told to load ``path``.

    Raises HostError where it does not tell its version.
    """
    version = _ask_version(host) if host.find(_VERSION[0]) else ()
    if version < _OWN_FOLDER_SINCE:
        return (DEFAULT_FOLDER,)
    own = os.path.dirname(path)
    if version >= _DEFAULT_ONCE_SINCE and host.real_path(own) == DEFAULT_FOLDER:
        return (DEFAULT_FOLDER,)
    return (own, DEFAULT_FOLDER)


def _ask_version(host: FirewallHost) -> Tuple[int, ...]:
    ended = host.run(_VERSION)
    said = _NUMBER.search(ended.out)
    if said is None:
        raise HostError(
            "'nft --version' does not tell its version, and with that where it looks for files: it ended with code "
            f"{ended.returncode} and said: {ended.words()}"
        )
    return tuple(int(number or 0) for number in said.groups())


def find_included(host: FirewallHost, pattern: str, folders: Tuple[str, ...]) -> Tuple[str, ...]:
    """Returns the files that an include stands for, in nft's order: sorted by name, hidden ones left out."""
    if not is_searched(pattern):
        return _matches(host, pattern)
    found = [_matches(host, f"{folder}/{pattern}") for folder in folders]
    if WILDCARDS.intersection(pattern):
        # All that match are read, what was found last first: nft piles them up. A folder that is searched twice, as
        # that of /etc/nftables.conf is by some, gives each of its files twice.
        return tuple(name for names in reversed(found) for name in names)
    return next(filter(None, found), ())


def _matches(host: FirewallHost, path: str) -> Tuple[str, ...]:
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

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the folders of files that sites name and that are not there: who has to make them, or what is to be made."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site


def find_missing_roots(sites: Sequence[Site]) -> Tuple[str, ...]:
    """Returns which folders are not there that nobody makes, one sentence each.

    One that cannot be looked at counts as there.
    """
    return tuple(
        f"{what}: the folder {root} is not there, so that every request would be answered 404: make it first, or set "
        "make_root"
        for site in sites
        for what, root in _list_roots(site)
        if not site.make_root and _is_missing(root)
    )


def find_folders(sites: Sequence[Site]) -> Tuple[str, ...]:
    """Returns the folders to make, outer first: of sites with ``make_root`` those missing, and what is missing above.

    Raises HostError where something else is in the place of one.
    """
    found: Dict[str, None] = {}
    for root in [root for site in sites if site.make_root for _what, root in _list_roots(site)]:
        missing: List[str] = []
        while root not in ("", "/") and _is_missing(root):
            if os.path.lexists(root):
                raise HostError(f"the folder {root} cannot be made: what is there is no folder")
            missing.append(root)
            root = posixpath.dirname(root)
        found.update(dict.fromkeys(reversed(missing)))
    return tuple(found)


def _list_roots(site: Site) -> List[Tuple[str, str]]:
    """The folders of a site's files, each with what it is for."""
    folders = [] if site.backends else [(site.name, site.root)]
    folders += [(f"{site.name}, {one.path}", one.root) for one in site.locations if not one.backends]
    return [(what, posixpath.normpath(root)) for what, root in folders if root]


def _is_missing(path: str) -> bool:
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves the folder that relative paths of a task start from on the controller."""

from __future__ import annotations

import os
import re
from typing import Any, Optional

_PART_OF_COLLECTION = re.compile(r"/ansible_collections/[^/]+/[^/]+/playbooks(/|$)")


def working_folder(playbook_folder: str) -> Optional[str]:
    """Returns the folder that ansible-playbook was started in, for a playbook that is part of a collection, else None.

    Such a playbook's own folder holds nothing of the user's, and is replaced when the collection is installed again.
    """
    return os.getcwd() if _PART_OF_COLLECTION.search(playbook_folder) else None


def place_folder(loader: Any, given: str) -> str:
    """Returns the path of a folder that a task names: beside the playbook, or where a collection's is started from."""
    working = working_folder(loader.get_basedir())
    return str(loader.path_dwim(given)) if working is None else os.path.join(working, given)

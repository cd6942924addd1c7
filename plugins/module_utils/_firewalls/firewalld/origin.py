# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the zone or policy file that a chain of firewalld was made from."""

from __future__ import annotations

import re
from typing import Callable, Optional

from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict

_FOLDERS = ("/etc/firewalld", "/usr/lib/firewalld")
# With nftables filter_IN_public_allow, with iptables IN_public_allow; a zone's own chain has no suffix.
_CHAIN = re.compile(r"(?:filter_)?(?:IN|OUT)_(policy_)?(.+?)(?:_(?:pre|log|deny|allow|post))?")


def find_origin(answer: Verdict, is_file: Callable[[str], bool]) -> str:
    """Returns the file of the zone or policy whose chain holds what decided; empty where it is none's."""
    name = _CHAIN.fullmatch(answer.chain)
    if name is None:
        return ""
    folder = "policies" if name.group(1) else "zones"
    paths = (f"{parent}/{folder}/{name.group(2)}.xml" for parent in _FOLDERS)
    found: Optional[str] = next((path for path in paths if is_file(path)), None)
    return found or ""

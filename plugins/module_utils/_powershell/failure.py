# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the error of a script on a Windows host: the system's number, whether a right is missing, and its words."""

from __future__ import annotations

import re
from typing import Any, Mapping

# What to have where a right is missing.
ADMINISTRATOR = (
    "an administrator's token (over WinRM a local account needs LocalAccountTokenFilterPolicy, over ssh it has to be "
    "in the group Administrators)"
)
_DENIED = 5  # ERROR_ACCESS_DENIED
_WIN32 = 0x80070000  # HRESULT_FROM_WIN32
_SYSTEM = re.compile(r"Windows System Error (\d+)\b", re.ASCII)  # in an id, which no language changes


def system_number(failure: Mapping[str, Any]) -> int:
    """Returns the system's number of an error, wherever it stands; 0 where it is none of the system's."""
    named = _SYSTEM.match(str(failure.get("error_id") or ""))
    if named:
        return int(named.group(1))
    number = int(failure["hresult"]) & 0xFFFFFFFF
    return number - _WIN32 if number & 0xFFFF0000 == _WIN32 else number if number < 0x10000 else 0


def is_denied(failure: Mapping[str, Any]) -> bool:
    """Tells whether it is a right that is missing."""
    return system_number(failure) == _DENIED or failure.get("category") == "PermissionDenied"


def tell_no_answer(answer: Mapping[str, Any]) -> str:
    """Returns what came in place of an answer of the script."""
    failure = answer.get("failure")
    said = " ".join(str(answer[key]).strip() for key in ("msg", "module_stderr") if answer.get(key))
    rights = f" (this takes {ADMINISTRATOR})" if isinstance(failure, Mapping) and is_denied(failure) else ""
    return f"the script on the host did not run: {said or 'it said nothing'}{rights}"

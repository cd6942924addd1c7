# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What went wrong on a Windows host, in a sentence with its own words, and what would work."""

from __future__ import annotations

import re
from typing import Any, Mapping

_DENIED = 5  # ERROR_ACCESS_DENIED
_NO_SERVICE = (1753, 1058, 1062)  # EPT_S_NOT_REGISTERED, ERROR_SERVICE_DISABLED, ERROR_SERVICE_NOT_ACTIVE
_WIN32 = 0x80070000  # HRESULT_FROM_WIN32
_SYSTEM = re.compile(r"Windows System Error (\d+)\b", re.ASCII)  # in an id, which no language changes


def tell_failure(failure: Mapping[str, Any]) -> str:
    """Returns what an error of the script was."""
    words, number = failure["message"], _number(failure)
    where = f"{failure['do']} of rule {failure['id']}: " if failure.get("id") else ""
    told = f"{where}Windows said: {words}"
    left = failure.get("not_undone")
    if left:
        told += f"; and taking back what had been done before it failed too: {'; '.join(left)}"
    if number == _DENIED or failure["category"] == "PermissionDenied":
        return (
            f"no right to look at or change Windows Firewall, which takes an administrator's token (over WinRM a local "
            f"account needs LocalAccountTokenFilterPolicy, over ssh it has to be in the group Administrators): {told}"
        )
    if number in _NO_SERVICE:
        return f"the services of Windows Firewall (MpsSvc, BFE) do not run, start them: {told}"
    if "NetFirewallRule" in words and failure["category"] == "ObjectNotFound":
        return f"the host has no module NetSecurity; Windows 8 and Server 2012 are the first that do: {told}"
    return told


def tell_no_answer(answer: Mapping[str, Any]) -> str:
    """Returns what came in place of an answer of the script."""
    failure = answer.get("failure")
    if failure:
        return tell_failure(failure)
    said = " ".join(str(answer[key]).strip() for key in ("msg", "module_stderr") if answer.get(key))
    return f"the script on the host did not run: {said or repr(answer)}"


def _number(failure: Mapping[str, Any]) -> int:
    """Returns the system's number of an error, wherever it stands; 0 where it is none of the system's."""
    named = _SYSTEM.match(failure.get("error_id", ""))
    if named:
        return int(named.group(1))
    number = int(failure["hresult"]) & 0xFFFFFFFF
    return number - _WIN32 if number & 0xFFFF0000 == _WIN32 else number if number < 0x10000 else 0

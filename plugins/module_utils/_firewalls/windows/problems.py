# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What went wrong on a Windows host, in a sentence with its own words, and what would work."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.port443.https.plugins.module_utils._powershell import failure as _failure

_NO_SERVICE = (1753, 1058, 1062)  # EPT_S_NOT_REGISTERED, ERROR_SERVICE_DISABLED, ERROR_SERVICE_NOT_ACTIVE


def tell_failure(failure: Mapping[str, Any]) -> str:
    """Returns what an error of the script was."""
    words = failure["message"]
    where = f"{failure['do']} of rule {failure['id']}: " if failure.get("id") else ""
    told = f"{where}Windows said: {words}"
    left = failure.get("not_undone")
    if left:
        told += f"; and taking back what had been done before it failed too: {'; '.join(left)}"
    if _failure.is_denied(failure):
        return f"no right to look at or change Windows Firewall, which takes {_failure.ADMINISTRATOR}: {told}"
    if _failure.system_number(failure) in _NO_SERVICE:
        return f"the services of Windows Firewall (MpsSvc, BFE) do not run, start them: {told}"
    if "NetFirewallRule" in words and failure["category"] == "ObjectNotFound":
        return f"the host has no module NetSecurity; Windows 8 and Server 2012 are the first that do: {told}"
    return told


def tell_no_answer(answer: Mapping[str, Any]) -> str:
    """Returns what came in place of an answer of the script."""
    failure = answer.get("failure")
    return tell_failure(failure) if failure else _failure.tell_no_answer(answer)

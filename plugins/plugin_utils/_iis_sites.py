# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has sites of IIS name another certificate, with microsoft.iis, as a part of a task of this collection."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import (
    WEBSITE,
    WEBSITE_INFO,
    IisExchange,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

_STATES = {"Started": "started", "Stopped": "stopped"}


class IisSites:
    """The sites of a task's host; each of its calls runs a module of microsoft.iis there."""

    def __init__(self, action: ActionBase, task_vars: Optional[Dict[str, Any]]) -> None:
        self._action = action
        self._task_vars = task_vars

    def demand(self) -> None:
        """Raises HostError where the controller has no microsoft.iis."""
        found = self._action._shared_loader_obj.module_loader.find_plugin_with_context(WEBSITE, mod_type=".ps1")
        if not found.resolved:
            raise HostError(
                "the configuration of IIS names the certificate that is to be exchanged, and only the collection "
                "microsoft.iis changes that. Nothing was changed: install it on the controller, with ansible-galaxy "
                "collection install microsoft.iis, or ansible from PyPI, which brings it"
            )

    def exchange(self, exchanges: Sequence[IisExchange]) -> None:
        """Has bindings name their certificates, site by site; a site that is stopped stays so. Raises HostError."""
        for site in dict.fromkeys(one.binding.site for one in exchanges):
            told = self._run(WEBSITE_INFO, {"name": site}, site).get("site") or [{}]
            state = _STATES.get(str(told[0].get("state")))
            if state is None:
                raise HostError(_tell(site, f"IIS does not say whether it is started or stopped: {told[0]}"))
            bindings = [one.options() for one in exchanges if one.binding.site == site]
            self._run(WEBSITE, {"name": site, "state": state, "bindings": {"add": bindings}}, site)

    def _run(self, module: str, arguments: Dict[str, Any], site: str) -> Dict[str, Any]:
        ended: Dict[str, Any] = self._action._execute_module(
            module_name=module, module_args=arguments, task_vars=self._task_vars
        )
        if ended.get("failed"):
            words: List[str] = [str(ended[said]).strip() for said in ("msg", "module_stderr") if ended.get(said)]
            raise HostError(_tell(site, ": ".join(words) or "it said nothing"))
        return ended


def _tell(site: str, said: str) -> str:
    return (
        f"the certificate is installed and http.sys has it, but the configuration of the IIS site {site!r} goes on "
        f"naming the one before, which is kept for that: {said}. Run again when that is mended"
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and opens a pair's files on the controller, and refuses a bad pair there, before any host is touched."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import SECRET_OPTIONS, PairReader

MODULE = "port443.https.certificate"


class ActionModule(ActionBase):
    """Runs the module certificate in one execution on the host, with PEM in place of what is the controller's."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a pair or a request that will not do."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(f"{MODULE} manages POSIX hosts; this connection leads to Windows")
        reader = PairReader(self, MODULE)
        arguments, mended = reader.fetch(dict(self._task.args))
        result.update(execute(self, MODULE, arguments, SECRET_OPTIONS, task_vars))
        self._name_variables(result)
        if reader.new_ca and (result.get("diff") or {}).get("before"):
            self._display.warning(
                f"own_ca: {reader.new_ca} had no CA, and the site has a certificate already: whoever trusts the CA "
                "behind that one does not trust the new CA. If this was not meant, put the folder back"
            )
        if "mended" in result:
            result["mended"] = [*mended, *result["mended"]]
        return result

    def _name_variables(self, result: Dict[str, Any]) -> None:
        """Has a message that names an option name the variables that set it, where a role runs the task."""
        if self._task._role is not None and "give it as ca" in str(result.get("msg", "")):
            result["msg"] += (
                " (ca is the variable install_certificate_ca, and with enable_https enable_https_ca or "
                "enable_https_ca_file; trust is install_certificate_trust or enable_https_trust)"
            )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses variables that no role takes, and values that may be a key, before a role does anything."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_variables
short_description: Refuse variables that the roles of this collection do not take
author:
  - port443.https contributors (@port443)
description:
  - Fails where a variable begins with the name of a role, such as C(open_ports_), and the role takes none of that name;
    it names the nearest one that it takes. A rule that was meant for some would otherwise be made for everybody.
  - Fails where a variable of a role holds what may be a private key and is not for one, and does not show the value.
    Ansible itself would, in the message for a value that is not among the choices, or no number.
  - The roles use it while Ansible checks their arguments, so that it takes no task.
options:
  _terms:
    description: The roles whose variables are looked at.
    type: list
    elements: str
    required: true
notes:
  - Variables of your own, or of other people's roles, may begin the same way. The names in the variable
    C(port443_other_variables), a list, are left alone.
"""

EXAMPLES = r"""
- name: See that no variable of a role is misspelt
  ansible.builtin.debug:
    msg: "{{ lookup('port443.https.role_variables', 'open_ports', 'serve_https') or 'all are known' }}"
"""

RETURN = r"""
_list:
  description: Nothing; the lookup fails where something is wrong.
  type: list
  elements: str
"""

from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.plugin_utils._misplaced import refuse_misplaced
from ansible_collections.port443.https.plugins.plugin_utils._role_variables import OTHERS, names_of, unknown


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core has no types
    """Looks at the variables of the host that a task is for."""

    def run(self, terms: List[str], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> List[str]:
        """Returns nothing; raises AnsibleLookupError for a variable, or a value, that cannot be meant."""
        given = variables or {}
        others = self._value(given[OTHERS]) if OTHERS in given else []
        strange = unknown(terms, given, [others] if isinstance(others, str) else others or [])
        if strange:
            told = ", ".join(f"{name} (did you mean {nearest}?)" for name, nearest in strange)
            raise AnsibleLookupError(
                f"no role takes these variables: {told}. If they are not meant for the roles of port443.https, list "
                f"their names in {OTHERS}"
            )
        try:
            refuse_misplaced(self._values(terms, given))
        except RequestError as problem:
            raise AnsibleLookupError(problem.message) from None
        return []

    def _values(self, roles: List[str], given: Mapping[str, Any]) -> Dict[str, Any]:
        """The values of the roles' variables. One that cannot be templated Ansible tells of, which needs it too."""
        values = {}
        for name in sorted(name for role in roles for name in names_of(role) if name in given):
            try:
                values[name] = self._value(given[name])
            except AnsibleError:
                continue
        return values

    def _value(self, text: Any) -> Any:
        return self._templar.template(text)

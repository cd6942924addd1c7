# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the arguments of a task on the controller, before any host is touched."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Mapping

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._secrets import mask
from ansible_collections.port443.https.plugins.plugin_utils._misplaced import refuse_misplaced


def check_arguments(
    module: str,
    spec: Mapping[str, Mapping[str, Any]],
    given: Dict[str, Any],
    read: Callable[[Dict[str, Any]], Dict[str, Any]] = dict,
    secrets: Iterable[str] = (),
    spell_out: Callable[[Dict[str, Any]], Dict[str, Any]] = dict,
    **rules: Any,
) -> Dict[str, Any]:
    """Returns what ``read`` makes of the validated parameters; raises AnsibleActionFail with all that is wrong.

    ``read`` raises RequestError for what cannot be meant; ``spell_out`` is applied to the arguments before Ansible
    reads them in its own way; ``rules`` are those between options, as of AnsibleModule. None of ``secrets`` is in a
    message, which begins with the name of the ``module``.
    """
    try:
        refuse_misplaced(given)
        validated = ArgumentSpecValidator(spec, **rules).validate(spell_out(given))
        wrong = _tell(validated)
        if wrong:
            raise RequestError(wrong)
        return read(dict(validated.validated_parameters))
    except RequestError as problem:
        raise AnsibleActionFail(mask(f"{module}: {problem.message}", secrets)) from None


def _tell(validated: ValidationResult) -> str:
    """Returns what is wrong with the arguments as a sentence, empty if nothing is."""
    # Of an option that does not exist, Ansible's own text is its name and those that do.
    return "; ".join(
        f"there is no option {error.msg}" if isinstance(error, UnsupportedError) else error.msg
        for error in validated.errors
    )

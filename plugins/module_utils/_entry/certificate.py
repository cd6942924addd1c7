# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends the modules that install certificates: SELinux labels, exit_json and fail_json."""

from __future__ import annotations

from typing import Callable, TypeVar

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._certificate.install import Relabel, Result
from ansible_collections.port443.https.plugins.module_utils._errors import UserError, tell_error

Module = TypeVar("Module", bound=AnsibleModule)


def exit_with(module: Module, run: Callable[[Module], Result]) -> None:
    """Ends a module with the result and the warnings of ``run``, or with the message of what it raises."""
    try:
        result, warnings = run(module)
    except (UserError, OSError) as problem:
        module.fail_json(msg=tell_error(problem))
    else:
        for warning in warnings:
            module.warn(warning)
        module.exit_json(**result)


def relabel_with(module: AnsibleModule) -> Relabel:
    """Returns what gives a path the label that the host's SELinux policy has for it, if the host has SELinux."""
    if not module.selinux_enabled():
        return lambda path: None
    return lambda path: module.set_default_selinux_context(path, False) and None

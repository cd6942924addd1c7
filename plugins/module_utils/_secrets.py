# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hands secrets to a module apart from its parameters, so that Ansible neither logs nor returns nor keeps them.

Up to ansible-core 2.21 a module blanks the values of its ``no_log`` options itself. From 2.22 on it gives them to the
controller beside its result (``_ansible_new_secrets``), for the controller to mask: they are in what a task with async
keeps on the host, in a file that others can read, and in what ANSIBLE_DEBUG prints. What AnsibleModule never sees is in
none of these, whichever version it is.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, Iterable, List, Mapping

from ansible.module_utils.basic import AnsibleModule

# The argument with the path of a file that holds secrets, for a task that runs with async.
FILE = "_secrets_file"
# The argument with what was read of the pairs of several sites, options by site, as JSON.
PAIRS = "_pairs"
SECRET_OPTIONS = ("key", "bundle", "passphrase")
_APART = "given apart from the other parameters"
_MASK = "********"


class SecretModule(AnsibleModule):  # type: ignore[misc]  # ansible-core has no types
    """An AnsibleModule whose ``no_log`` options are in ``secrets``, and words in their places in ``params``.

    ``pairs`` are the options of the pairs of several sites, by site.
    """

    secrets: Dict[str, str]
    pairs: Dict[str, Dict[str, str]]

    def all_params(self) -> Dict[str, Any]:
        """Returns the parameters with the secrets in their places, those of several sites among these."""
        params = {**self.params, **self.secrets}
        if self.pairs:
            params["sites"] = [{**site, **self.pairs.get(site["name"], {})} for site in params["sites"]]
        return params

    def exit_json(self, **kwargs: Any) -> None:
        """Ends the module, its result without what is secret."""
        super().exit_json(**mask(kwargs, self._hidden()))

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        """Ends the module with a failure, its message and its result without what is secret."""
        hidden = self._hidden()
        super().fail_json(mask(msg, hidden), **mask(kwargs, hidden))

    def _hidden(self) -> List[str]:
        # Before the secrets are there, Ansible itself may end the module.
        pairs = getattr(self, "pairs", {}).values()
        of_pairs = [pair[name] for pair in pairs for name in SECRET_OPTIONS if name in pair]
        return [*getattr(self, "secrets", {}).values(), *of_pairs]

    def _load_params(self) -> None:
        """Called by AnsibleModule before it looks at the parameters, logs them, or remembers what is secret."""
        super()._load_params()
        path = self.params.pop(FILE, None)
        if path is not None:
            self.params.update(_take(path))
        self.pairs = json.loads(self.params.pop(PAIRS, None) or "{}")
        self.secrets = {
            name: self.params[name]
            for name, option in self.argument_spec.items()
            if option.get("no_log") and isinstance(self.params.get(name), str) and self.params[name]
        }
        self.params.update(dict.fromkeys(self.secrets, _APART))


def mask(value: Any, secrets: Iterable[str]) -> Any:
    """Returns what is to be shown, with stars in place of every one of the secrets, however deep it stands."""
    hidden = sorted(filter(None, secrets), key=len, reverse=True)
    return _mask(value, hidden) if hidden else value


def _mask(value: Any, hidden: Iterable[str]) -> Any:
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, _MASK)
        return value
    if isinstance(value, Mapping):
        return {name: _mask(one, hidden) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(one, hidden) for one in value]
    return value


def _take(path: str) -> Dict[str, str]:
    """Reads the file and takes it away before anything else is done, so that it is gone however the module ends."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        # A user that is not the folder's may only read there: it then goes with the folder, when the task ends.
        with contextlib.suppress(PermissionError):
            os.unlink(path)
        secrets: Dict[str, str] = json.load(stream)
    return secrets

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a pair's files on the controller and refuses a bad pair there, before any host is touched."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional, Tuple

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate import _request
from ansible_collections.port443.https.plugins.module_utils._certificate._handshake import load_pair
from ansible_collections.port443.https.plugins.module_utils._certificate._sources import (
    read_regular_file,
    refuse_public_keys,
    to_text,
)
from ansible_collections.port443.https.plugins.module_utils._errors import Problem

MODULE = "port443.https.certificate"


class ActionModule(ActionBase):
    """Runs the module certificate in one execution on the host, with the content of the controller's files."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a pair or a request that will not do."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(f"{MODULE} manages POSIX hosts; this connection leads to Windows")
        arguments = self._fetch(dict(self._task.args))
        result.update(self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars))
        return result

    def _fetch(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """Returns the module's arguments: the given ones, with content in the place of the controller's files."""
        params, secrets = _validate(given)
        try:
            request = _request.parse(params)
            if request.state == "absent":
                return {name: value for name, value in given.items() if name not in _sources()}
            contents = {} if params["remote_src"] else self._read_files(params)
            texts: Dict[str, Optional[bytes]] = {name: contents.get(name) for name in _request.TEXTS}
            for name in _request.TEXTS:
                if params[name] is not None:
                    texts[name] = params[name].encode("utf-8", "surrogateescape")
            if texts["certificate"] is not None and texts["key"] is not None:
                pair, _warnings = _request.read_request_pair(request, texts, int(time.time()))
                load_pair(pair)
            refuse_public_keys(texts)
        except Problem as problem:
            raise AnsibleActionFail(remove_values(f"{MODULE}: {problem.message}", secrets)) from None
        arguments = {name: value for name, value in given.items() if name not in {f"{read}_file" for read in contents}}
        arguments.update({name: to_text(content) for name, content in contents.items()})
        return arguments

    def _read_files(self, params: Dict[str, Any]) -> Dict[str, bytes]:
        """Returns the content of every file that is named, opened with the vault's secrets where it is encrypted."""
        contents = {}
        for name in _request.TEXTS:
            path = params[f"{name}_file"]
            if path is None:
                continue
            found = self._find_needle("files", path)
            read_regular_file(found, f"{name}_file")  # refuses a pipe, which the loader would wait for
            # Latin-1 is one character a byte: the loader gives text, and the bytes are wanted.
            contents[name] = self._loader.get_text_file_contents(found, encoding="latin-1").encode("latin-1")
        return contents


def _validate(given: Dict[str, Any]) -> Tuple[Dict[str, Any], Any]:
    """Returns checked parameters and what must not be shown; raises AnsibleActionFail, without showing it."""
    checked = ArgumentSpecValidator(
        _request.ARGUMENT_SPEC, mutually_exclusive=_request.MUTUALLY_EXCLUSIVE, required_if=_request.REQUIRED_IF
    ).validate(given)
    secrets = {text for text in (given.get("key"),) if isinstance(text, str)}
    if checked.error_messages:
        raise AnsibleActionFail(remove_values(f"{MODULE}: {'; '.join(checked.error_messages)}", secrets))
    return dict(checked.validated_parameters), secrets


def _sources() -> Tuple[str, ...]:
    return tuple(name + ending for name in _request.TEXTS for ending in ("", "_file"))

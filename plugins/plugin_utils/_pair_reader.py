# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and opens a pair's files on the controller, and refuses a bad pair there, before any host is touched."""

from __future__ import annotations

import codecs
import os
import time
from typing import Any, Dict, List, Optional, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.sources import read_regular_file
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import (
    SOURCES,
    open_texts,
    refuse_public_keys,
)
from ansible_collections.port443.https.plugins.module_utils._secrets import SECRET_OPTIONS, mask
from ansible_collections.port443.https.plugins.module_utils._tls.self_handshake import load_pair
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import Cryptography
from ansible_collections.port443.https.plugins.plugin_utils._folders import place_folder, working_folder

Texts = Dict[str, Optional[bytes]]


class PairReader:
    """Reads the pairs that a task names, as options of the module certificate; ``module`` is named in messages."""

    def __init__(self, action: ActionBase, module: str) -> None:
        self._action = action
        self.module = module
        self.new_ca: Optional[str] = None  # the folder of a CA that this task makes

    def warn_of_new_ca(self, whose: str) -> None:
        """Warns of a CA that was made although sites, as in "the site has", had a certificate before."""
        if self.new_ca:
            self._action._display.warning(
                f"own_ca: {self.new_ca} had no CA, and {whose} a certificate already: whoever trusts the CA behind "
                "that one does not trust the new CA. If this was not meant, put the folder back"
            )

    def fetch(self, given: Dict[str, Any]) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
        """Returns the module's arguments, PEM in the clear for what is the controller's, and what was mended for it.

        Raises AnsibleActionFail, without showing a secret.
        """
        params, secrets = _validate(given, self.module)
        try:
            request = _request.parse(params)
            if request.state == "absent":
                return {name: value for name, value in given.items() if name not in _source_options()}, ()
            texts = self._read(params, request)
            opened = open_texts(texts, params["passphrase"], Cryptography())
            if opened.texts["certificate"] is not None and opened.texts["key"] is not None:
                pair, _warnings = _request.read_request_pair(request, opened.texts, int(time.time()))
                load_pair(pair)
            refuse_public_keys(opened.texts)
        except UserError as problem:
            raise AnsibleActionFail(mask(f"{self.module}: {problem.message}", secrets)) from None
        return _replace(given, params, texts, opened.texts), opened.mended

    def _read(self, params: Dict[str, Any], request: _request.CertificateRequest) -> Texts:
        """Returns what was given as content, and the content of every file that is the controller's."""
        texts: Texts = dict.fromkeys(SOURCES)
        for name in SOURCES:
            if params[name] is not None:
                texts[name] = params[name].encode("utf-8", "surrogateescape")
            elif params[f"{name}_file"] is not None and not params["remote_src"]:
                texts[name] = self._read_file(params[f"{name}_file"], f"{name}_file")
        if params["own_ca"] is not None:
            texts.update(self._ask_own_ca(params, request))
        return texts

    def _ask_own_ca(self, params: Dict[str, Any], request: _request.CertificateRequest) -> Texts:
        """Returns what the CA of one's own has for a site, or issues to it."""
        # Here, as it loads the library cryptography, which takes a tenth of a second.
        from ansible_collections.port443.https.plugins.plugin_utils import _own_ca

        folder = self._place_own_ca(params["own_ca"])
        if not os.path.exists(os.path.join(folder, f"{_own_ca.CA}.pem")):
            self.new_ca = folder
        check_mode = bool(self._action._task.check_mode)
        issued: Texts = _own_ca.provide(
            folder, request.site, request.demand, params["passphrase"], check_mode, int(time.time())
        )
        return issued

    def _place_own_ca(self, given: str) -> str:
        """Returns the folder that own_ca means; raises RequestError where its CA is at a place that does not last."""
        beside: str = self._action._loader.path_dwim(given)
        folder = place_folder(self._action._loader, given)
        if folder != beside and os.path.exists(beside) and not os.path.exists(folder):
            raise RequestError(f"own_ca: {beside} is lost when its collection is installed again: move it to {folder}")
        return folder

    def _read_file(self, path: str, given: str) -> bytes:
        """Returns the content of a file, opened with the vault's secrets where it is encrypted."""
        working = working_folder(self._action._loader.get_basedir())
        places = [*self._action._task.get_search_path(), *([] if working is None else [working])]
        found = self._action._loader.path_dwim_relative_stack(places, "files", path)
        read_regular_file(found, given)  # refuses a pipe, which the loader would wait for
        # Latin-1 is one character a byte: the loader gives text, and the bytes are wanted.
        content: bytes = self._action._loader.get_text_file_contents(found, encoding="latin-1").encode("latin-1")
        return content


def _validate(given: Dict[str, Any], module: str) -> Tuple[Dict[str, Any], Any]:
    """Returns checked parameters and what must not be shown; raises AnsibleActionFail, without showing it."""
    secrets = {text for text in (given.get(name) for name in SECRET_OPTIONS) if isinstance(text, str) and text}
    params = check_arguments(
        module,
        _request.ARGUMENT_SPEC,
        given,
        secrets=secrets,
        mutually_exclusive=_request.MUTUALLY_EXCLUSIVE,
        required_one_of=_request.REQUIRED_ONE_OF,
        required_if=_request.PAIR_REQUIRED_IF,
    )
    return params, secrets


def _replace(given: Dict[str, Any], params: Dict[str, Any], texts: Texts, opened: Texts) -> Dict[str, Any]:
    """Returns the given arguments with PEM instead of what was read; a passphrase stays for files of the host alone."""
    read: List[str] = [name for name in SOURCES if texts[name] is not None]
    gone = {"own_ca", *(name + ending for name in read for ending in ("", "_file"))}
    if not params["remote_src"]:
        gone.add("passphrase")
    arguments = {name: value for name, value in given.items() if name not in gone}
    arguments.update({name: _to_text(text) for name, text in opened.items() if text is not None})
    return arguments


def _to_text(raw: bytes) -> str:
    """Returns bytes as text that JSON can carry; a byte order mark stays, for read_pem to tell of it."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    return raw.decode("utf-8", "replace")


def _source_options() -> Tuple[str, ...]:
    return ("own_ca", "passphrase", *(name + ending for name in SOURCES for ending in ("", "_file")))

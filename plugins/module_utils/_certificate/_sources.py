# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the texts of a pair come from: options, files of the controller, files of the host."""

from __future__ import annotations

import codecs
import os
import stat
from typing import Any, Dict, Mapping, Optional

from ansible_collections.port443.https.plugins.module_utils._certificate._pem import SIZE_LIMIT, read_pem
from ansible_collections.port443.https.plugins.module_utils._certificate._request import TEXTS
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RuleError


def read_texts(params: Mapping[str, Any]) -> Dict[str, Optional[bytes]]:
    """Returns the texts (by the names in TEXTS, None where not given) from options and this machine's files.

    Raises RuleError where a file was meant to be the controller's, HostError where one cannot be read.
    """
    texts: Dict[str, Optional[bytes]] = {}
    for name in TEXTS:
        path = params[name + "_file"]
        if path is not None and not params["remote_src"]:
            raise RuleError(f"{name}_file is read on the controller, which did not happen: set remote_src: true")
        if path is not None:
            texts[name] = read_regular_file(path, name + "_file")
        else:
            texts[name] = None if params[name] is None else params[name].encode("utf-8", "surrogateescape")
    return texts


def read_regular_file(path: str, given: str) -> bytes:
    """Returns a file's bytes; raises HostError at once for what would hang (a pipe, a device) or is far too long."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise HostError(f"{given}: {path} is not a regular file")
            return stream.read(SIZE_LIMIT + 1)
    except OSError as problem:
        raise HostError(f"{given}: {path} cannot be read: {problem.strerror}") from None


def to_text(raw: bytes) -> str:
    """Returns a file's bytes as text that JSON can carry; a byte order mark stays, for read_pem to tell of it."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    return raw.decode("utf-8", "replace")


def refuse_public_keys(texts: Mapping[str, Optional[bytes]]) -> None:
    """Raises RuleError where a private key was put into an option that is not kept secret."""
    for name in TEXTS:
        raw = texts.get(name)
        if name != "key" and raw is not None and any(block.is_key() for block in read_pem(raw, name).blocks):
            raise RuleError(f"{name} holds a private key, and {name} is no secret option: the key belongs into key")

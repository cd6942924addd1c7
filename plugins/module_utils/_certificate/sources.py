# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the texts of a pair from options, files of the controller or files of the host."""

from __future__ import annotations

import os
import stat
from typing import Any, Dict, Mapping, Optional

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import SOURCES
from ansible_collections.port443.https.plugins.module_utils._pki.pem import SIZE_LIMIT


def read_texts(params: Mapping[str, Any]) -> Dict[str, Optional[bytes]]:
    """Returns the texts (by the names in SOURCES, None where not given) from options and this machine's files.

    Raises RequestError where a file was meant to be the controller's, HostError where one cannot be read.
    """
    texts: Dict[str, Optional[bytes]] = {}
    if params["own_ca"] is not None:
        raise RequestError(
            "own_ca is a folder of the controller, and was not read there: call the module by its full name"
        )
    for name in SOURCES:
        path = params[name + "_file"]
        if path is not None and not params["remote_src"]:
            raise RequestError(f"{name}_file is read on the controller, which did not happen: set remote_src: true")
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
        raise HostError(f"{given}: {path} cannot be read: {describe_os_error(problem)}") from None

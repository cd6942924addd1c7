# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks from the host itself that the web server answers an http-01 challenge (RFC 8555, 8.3).

A CA counts failed attempts and soon listens no more, and a web server that was just reloaded may not be ready yet.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import time
from typing import Sequence

from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import make_folders

PATH = "/.well-known/acme-challenge/"
PATIENCE, PAUSE = 5.0, 0.2  # seconds
_ANSWER_TIMEOUT = 2.0


def wait_for_answer(webroot: str, names: Sequence[str], address: str = "127.0.0.1", port: int = 80) -> str:
    """Returns what is wrong with the answer to a file below ``webroot``, asked for each name; empty if nothing is.

    Another machine may answer for the host, so what is wrong here need not be wrong for the CA. Raises OSError where
    the file cannot be made.
    """
    token = "port443-" + os.urandom(16).hex()
    folder = webroot + PATH.rstrip("/")
    existed = os.path.isdir(folder)
    make_folders(folder)
    path = os.path.join(folder, token)
    with open(path, "x", encoding="ascii") as stream:
        stream.write(token)
    os.chmod(path, 0o644)
    try:
        deadline = time.monotonic() + PATIENCE
        return next(filter(None, (_ask(name, token, address, port, deadline) for name in names)), "")
    finally:
        os.unlink(path)
        if not existed:
            for made in (folder, os.path.dirname(folder)):
                with contextlib.suppress(OSError):
                    os.rmdir(made)


def _ask(name: str, token: str, address: str, port: int, deadline: float) -> str:
    """Asks until the answer is right or time is up."""
    while True:
        problem = _ask_once(name, token, address, port)
        if not problem or time.monotonic() > deadline:
            return problem and f"asked for http://{name}{PATH}, {address}:{port} {problem}"
        time.sleep(PAUSE)


def _ask_once(name: str, token: str, address: str, port: int) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=_ANSWER_TIMEOUT)
    try:
        connection.request("GET", PATH + token, headers={"Host": name, "Connection": "close"})
        response = connection.getresponse()
        body = response.read(1024)
    except (OSError, http.client.HTTPException) as problem:
        return f"does not answer ({getattr(problem, 'strerror', None) or problem})"
    finally:
        connection.close()
    if response.status != 200:
        return f"answers with status {response.status} and not with the file"
    return "" if body.strip() == token.encode("ascii") else "answers with something else than the file"

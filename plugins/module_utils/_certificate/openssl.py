# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens encrypted keys and PKCS#12 on a host with its openssl command; no secret is an argument or in a file."""

from __future__ import annotations

import os
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import (
    COMMAND_ENVIRONMENT,
    COMMAND_TIMEOUT,
    Ended,
    Runner,
    execute,
)
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import CannotOpenError

# Since 3.0 OpenSSL keeps RC2, DES and MD5 in a provider of its own (crypto(7)); 1.1.1 knows neither these options nor
# any need for them.
_LEGACY_KEY = ("-provider", "legacy", "-provider", "default")
_LEGACY_PKCS12 = ("-legacy",)


class Openssl:
    """What opens things that are locked, by the openssl of a host."""

    def __init__(self, host: Runner) -> None:
        self._host = host

    def open_key(self, pem: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of an encrypted key in the clear; raises CannotOpenError, or HostError without openssl."""
        return self._open(("pkey",), _LEGACY_KEY, pem, passphrase)

    def open_pkcs12(self, der: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of all that PKCS#12 holds, keys in the clear; raises as open_key does."""
        return self._open(("pkcs12", "-nodes"), _LEGACY_PKCS12, der, passphrase)

    def _open(self, command: Tuple[str, ...], legacy: Tuple[str, ...], locked: bytes, passphrase: bytes) -> bytes:
        path = self._host.find("openssl")
        if path is None:
            raise HostError(
                "opening a passphrase on this host takes its openssl command, which is not installed: install it, or "
                "give the file from the controller"
            )
        for options in ((), legacy):
            ended = run((path, *command, *options), locked, passphrase)
            if ended.returncode == 0 and b"-----BEGIN " in ended.stdout:
                return ended.stdout
        raise CannotOpenError


def run(argv: Tuple[str, ...], stdin: bytes, passphrase: bytes) -> Ended:
    """Runs openssl with ``stdin``, and with the passphrase in a pipe (openssl-passphrase-options(1), ``fd:``)."""
    reader, writer = os.pipe()
    try:
        os.write(writer, passphrase[:4096] + b"\n")  # less than a pipe holds, so that nobody waits
        os.close(writer)
        return execute(
            (*argv, "-passin", f"fd:{reader}"), COMMAND_ENVIRONMENT, COMMAND_TIMEOUT, input=stdin, pass_fds=[reader]
        )
    finally:
        os.close(reader)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a self-signed pair, so that a web server can start before there is a certificate."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem, write_pem

_COMMAND = (
    *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "90"),
    *("-config", "/dev/stdin", "-keyout", "/dev/stdout", "-out", "/dev/stdout"),
)
# All of it, so that nothing depends on the configuration of the host's openssl.
_CONFIG = """[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = placeholder until the certificate is issued
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


def make_options(host: Runner, names: Sequence[str]) -> Dict[str, Union[str, bool]]:
    """Returns options of the module certificate that bring a new self-signed pair; raises HostError as make does."""
    certificate, key = make(host, names)
    return {
        "certificate": certificate.decode("ascii"),
        "key": key.decode("ascii"),
        "self_signed": True,
        "trust": "none",
    }


def make(host: Runner, names: Sequence[str]) -> Tuple[bytes, bytes]:
    """Returns a new self-signed certificate for normalised DNS names, and its key, as PEM; raises HostError.

    The host's openssl makes them, and hands them over by a pipe: the key is in no file before it is installed.
    """
    if host.find("openssl") is None:
        raise HostError("a first certificate for the web server takes the host's openssl, which is not installed")
    made = host.run(_COMMAND, _CONFIG.format(names=",".join(f"DNS:{name}" for name in names)))
    whole = made.returncode == 0 and "-----BEGIN " in made.out
    blocks = read_pem(made.out.encode("ascii", "replace"), "openssl").blocks if whole else ()
    pems = [
        b"".join(write_pem(block.label, block.der) for block in blocks if block.is_key() == is_key)
        for is_key in (False, True)
    ]
    if not all(pems):
        raise HostError(f"openssl made no certificate: {made.err.strip()[-500:]}")
    return pems[0], pems[1]

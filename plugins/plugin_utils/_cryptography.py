# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens encrypted keys and PKCS#12 on the controller, where ansible-core itself brings the library cryptography."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import CannotOpenError


def demand_cryptography() -> None:
    """Raises HostError where the controller's Python has no cryptography."""
    try:  # here, as it takes long to load, and most pairs are in the clear
        import_module("cryptography.hazmat.primitives.serialization.pkcs12")
    except ImportError:  # ansible-core requires it, and does without where it has to
        raise HostError(
            "the controller's Python has no library cryptography, which ansible-core requires: install it"
        ) from None


class Cryptography:
    """What opens things that are locked, by the library cryptography (RC2 of 40 bits included, cryptography 3.4)."""

    def open_key(self, pem: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of an encrypted key in the clear; raises CannotOpenError, or HostError for want of it."""
        demand_cryptography()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            return write_key(load_pem_private_key(pem, passphrase))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise CannotOpenError from None

    def open_pkcs12(self, der: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of all that PKCS#12 holds, the key in the clear; raises as open_key does."""
        demand_cryptography()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

        try:
            held = pkcs12.load_pkcs12(der, passphrase or None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise CannotOpenError from None
        parts = [] if held.key is None else [write_key(held.key)]
        certificates = [one for one in (held.cert, *held.additional_certs) if one is not None]
        return b"".join([*parts, *(one.certificate.public_bytes(Encoding.PEM) for one in certificates)])


def write_key(key: Any) -> bytes:
    """Returns a private key as PKCS#8 in the clear."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def write_pfx(key: bytes, leaf: bytes, password: str) -> bytes:
    """Returns PKCS#12 of a key in PEM and its certificate in DER that every Windows reads; raises HostError.

    Windows reads AES there from Server 2019 on, so it is PBES1 with SHA-1 and 3DES, and HMAC-SHA1 (RFC 7292, appendix
    C): no more than a wrapping, as the session that it travels in is encrypted. No name is in it, as Windows may take
    that of a key for its container's.
    """
    demand_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key, pkcs12
    from cryptography.x509 import load_der_x509_certificate

    try:
        lock = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2000)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())  # noqa: S303
            .build(password.encode("ascii"))
        )
        own = load_pem_private_key(key, None)
        certificate = load_der_x509_certificate(leaf)
        pfx: bytes = pkcs12.serialize_key_and_certificates(None, own, certificate, None, lock)  # type: ignore[arg-type]
    except (AttributeError, UnsupportedAlgorithm, ValueError) as problem:
        raise HostError(
            f"the controller's library cryptography writes no PKCS#12 that every Windows reads ({problem}): version 38 "
            "or newer does, with an OpenSSL that still has 3DES"
        ) from None
    return pfx

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the public half out of a private key, without any mathematics: enough to name a mismatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.der import (
    BIT_STRING,
    INTEGER,
    NULL,
    OCTET_STRING,
    OID,
    SEQUENCE,
    DerElement,
    DerError,
    explain,
    read_bits,
    read_element,
    read_elements,
    write_element,
)
from ansible_collections.port443.https.plugins.module_utils._pki.pem import PemBlock, write_pem
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import PublicKey, read_public_key

_RSA = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1
_EC = bytes.fromhex("2a8648ce3d0201")  # 1.2.840.10045.2.1


@dataclass(frozen=True)
class PrivateKey:
    """A private key in the clear: its PEM and its public half, None where only mathematics would tell it."""

    pem: bytes
    public: Optional[PublicKey]

    def __repr__(self) -> str:
        # A key must not reach a log by way of somebody's debug print.
        return "PrivateKey({})".format(self.public.describe() if self.public else "unknown kind")


def read_private_key(block: PemBlock, given: str) -> PrivateKey:
    """Returns the key a PEM block holds; raises RequestError, which never quotes the key.

    PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017) and SEC1 (RFC 5915) are read.
    """
    if block.is_locked():
        raise RequestError(f"{given} is encrypted with a passphrase")
    if block.label == "OPENSSH PRIVATE KEY":
        raise RequestError(f"{given} is an OpenSSH key: convert it with 'ssh-keygen -p -m PKCS8 -f'")
    if block.label == "DSA PRIVATE KEY":
        raise RequestError(f"{given} is a DSA key, which no TLS client accepts: make an RSA or ECDSA one")
    try:
        public = _read_public_half(block)
    except (ValueError, IndexError) as problem:
        raise RequestError(f"{given} is damaged: {explain(problem)}") from None
    return PrivateKey(write_pem(block.label, block.der), public)


def _read_public_half(block: PemBlock) -> Optional[PublicKey]:
    fields = read_elements(read_element(block.der, SEQUENCE).content)
    if block.label == "RSA PRIVATE KEY":
        return _from_rsa(fields[1], fields[2])
    if block.label == "EC PRIVATE KEY":
        return _from_ec(block.der, None)
    algorithm = read_elements(fields[1].content)
    inner = fields[2].content
    if algorithm[0].content == _RSA:
        rsa = read_elements(read_element(inner, SEQUENCE).content)
        return _from_rsa(rsa[1], rsa[2])
    if algorithm[0].content == _EC:
        return _from_ec(inner, algorithm[1])
    return None


def _from_rsa(modulus: DerElement, exponent: DerElement) -> PublicKey:
    if modulus.tag != INTEGER or exponent.tag != INTEGER:
        raise DerError("no RSA numbers in it")
    numbers = write_element(SEQUENCE, modulus.whole, exponent.whole)
    algorithm = write_element(SEQUENCE, write_element(OID, _RSA), write_element(NULL))
    return read_public_key(write_element(SEQUENCE, algorithm, write_element(BIT_STRING, b"\x00", numbers)))


def _from_ec(sec1: bytes, curve: Optional[DerElement]) -> Optional[PublicKey]:
    """The public point and, outside PKCS#8, the curve are optional fields; most tools write both."""
    fields = read_elements(read_element(sec1, SEQUENCE).content)
    if len(fields) < 2 or fields[1].tag != OCTET_STRING:
        raise DerError("no EC number in it")
    point = None
    for field in fields[2:]:
        if field.tag == 0xA0 and curve is None:
            curve = read_element(field.content)
        elif field.tag == 0xA1:
            point = read_bits(read_element(field.content))
    if curve is None or point is None:
        return None
    algorithm = write_element(SEQUENCE, write_element(OID, _EC), curve.whole)
    return read_public_key(write_element(SEQUENCE, algorithm, write_element(BIT_STRING, b"\x00", point)))

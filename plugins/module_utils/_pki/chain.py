# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a key pair: the leaf, its key and the intermediates, put into the order of TLS."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.pem import (
    CERTIFICATE_LABELS,
    CSR_LABELS,
    PemBlock,
    Reading,
    read_pem,
    write_pem,
)
from ansible_collections.port443.https.plugins.module_utils._pki.private_key import PrivateKey, read_private_key
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import (
    Certificate,
    PublicKey,
    describe_name,
    read_certificate,
)


@dataclass(frozen=True)
class KeyPair:
    """What is installed together. ``root`` is the root that came along and is not served, if one did."""

    leaf: Certificate
    intermediates: Tuple[Certificate, ...]
    key: PrivateKey
    root: Optional[Certificate]
    mended: Tuple[str, ...]

    def is_self_signed(self) -> bool:
        """Tells whether the certificate vouches for itself."""
        return self.leaf.is_self_issued()

    def last(self) -> Certificate:
        """Returns the end of the chain that is served, whose issuer a client has to have."""
        return self.intermediates[-1] if self.intermediates else self.leaf

    def chain_pem(self) -> bytes:
        """Returns the intermediates alone, empty where there are none."""
        return b"".join(write_pem("CERTIFICATE", certificate.der) for certificate in self.intermediates)

    def fullchain_pem(self) -> bytes:
        """Returns the certificate and its intermediates, the order RFC 8446, 4.4.2 asks for."""
        return write_pem("CERTIFICATE", self.leaf.der) + self.chain_pem()

    def generation(self) -> str:
        """Returns the SHA-256 of chain and key together: the same files have the same, any other pair another."""
        return hashlib.sha256(self.fullchain_pem() + self.key.pem).hexdigest()


def read_pair(certificate: bytes, key: bytes, chain: Optional[bytes], now: int) -> KeyPair:
    """Returns the pair that three PEM texts make, mended and in order; ``now`` is seconds since 1970.

    Raises RequestError where a text is not what its option says, or is damaged.
    """
    certificate_reading, key_reading = read_pem(certificate, "certificate"), read_pem(key, "key")
    if any(block.is_key() for block in certificate_reading.blocks):
        _refuse_key_in_certificate(key_reading)
    private_key, mended = _pick_key(key_reading)
    blocks = [(block, "certificate") for block in certificate_reading.blocks]
    mended = list(certificate_reading.mended) + mended
    if chain is not None:
        chain_reading = read_pem(chain, "chain")
        blocks += [(block, "chain") for block in chain_reading.blocks]
        mended += chain_reading.mended
    certificates = _read_certificates(blocks, mended)
    leaf = _find_leaf(certificates, private_key.public)
    intermediates, root = _follow(leaf, certificates, now)
    mended += _compare_orders(certificates, (leaf, *intermediates), root)
    return KeyPair(leaf, intermediates, private_key, root, tuple(mended))


def read_authorities(text: bytes) -> bytes:
    """Returns the PEM of the CA certificates in a text, cleaned up; raises RequestError if there are none or others."""
    certificates = []
    for block in read_pem(text, "ca").blocks:
        _refuse_other_block(block, "ca")
        read_certificate(block.der, "ca")
        certificates.append(write_pem("CERTIFICATE", block.der))
    return b"".join(certificates)


def _refuse_key_in_certificate(key_reading: Reading) -> None:
    if not any(block.is_key() for block in key_reading.blocks):
        raise RequestError("key and certificate are swapped: certificate holds a private key and key holds none")
    raise RequestError(
        "certificate holds a private key, and certificate is no secret option: give the key as key and the "
        "certificates alone as certificate, or all in one as bundle"
    )


def _pick_key(reading: Reading) -> Tuple[PrivateKey, List[str]]:
    keys = [block for block in reading.blocks if block.is_key()]
    mended = list(reading.mended)
    if not keys:
        held = ", ".join(sorted({block.label for block in reading.blocks})) or "nothing of use"
        raise RequestError(f"key holds no private key but {held}")
    if len(keys) > 1:
        raise RequestError(f"key holds {len(keys)} different private keys: give the one of this certificate")
    if len(reading.blocks) > 1:
        mended.append(f"key: {len(reading.blocks) - 1} blocks beside the private key left out")
    return read_private_key(keys[0], "key"), mended


def _refuse_other_block(block: PemBlock, given: str) -> None:
    if block.label in CERTIFICATE_LABELS:
        return
    if block.label in CSR_LABELS:
        raise RequestError(
            f"{given} holds a certificate request (CSR), not a certificate: give what the CA made from it"
        )
    if block.is_key():
        raise RequestError(f"{given} holds a private key: it belongs into key alone")
    hints = {
        "PKCS7": ": take the certificates out with 'openssl pkcs7 -print_certs'",
        "TRUSTED CERTIFICATE": ", OpenSSL's own form: convert it with 'openssl x509'",
    }
    raise RequestError(f"{given} holds a {block.label}{hints.get(block.label, ', not a certificate')}")


def _read_certificates(blocks: Sequence[Tuple[PemBlock, str]], mended: List[str]) -> List[Certificate]:
    certificates: List[Certificate] = []
    for block, given in blocks:
        _refuse_other_block(block, given)
        certificate = read_certificate(block.der, given)
        if certificate in certificates:
            mended.append("chain: a second copy of a certificate that is in certificate left out")
        else:
            certificates.append(certificate)
    if not certificates:
        raise RequestError("certificate holds no certificate")
    return certificates


def _find_leaf(certificates: Sequence[Certificate], key: Optional[PublicKey]) -> Certificate:
    """The one of the key; else the first that issued none of the others, one that is no CA before one that is."""
    if key is not None:
        of_key = [certificate for certificate in certificates if certificate.key.spki == key.spki]
        if of_key:
            return max(of_key, key=lambda certificate: certificate.not_after)
    last = [
        candidate
        for candidate in certificates
        if not any(other.is_issued_by(candidate) for other in certificates if other is not candidate)
    ]
    return min(last or certificates, key=lambda certificate: certificate.is_ca)


def _follow(
    leaf: Certificate, certificates: Sequence[Certificate], now: int
) -> Tuple[Tuple[Certificate, ...], Optional[Certificate]]:
    """Returns the intermediates from the leaf's issuer upwards, and the root where it is among the certificates."""
    path = [leaf]
    while not path[-1].is_self_issued():
        issuers = [other for other in certificates if other not in path and path[-1].is_issued_by(other)]
        if not issuers:
            break
        # Cross-signed twins have one name and one key: what is valid and leads on to another root reaches more clients.
        path.append(
            max(issuers, key=lambda other: (other.not_after > now, not other.is_self_issued(), other.not_after))
        )
    root = path.pop() if len(path) > 1 and path[-1].is_self_issued() else None
    return tuple(path[1:]), root


def _compare_orders(
    given: Sequence[Certificate], served: Sequence[Certificate], root: Optional[Certificate]
) -> List[str]:
    mended = []
    if [certificate for certificate in given if certificate in served] != list(served):
        mended.append("chain put into order, the site's certificate first")
    for certificate in given:
        if certificate in served:
            continue
        name = describe_name(certificate.subject)
        if certificate == root:
            mended.append(f"root '{name}' left out: clients have their own copy or do not trust it")
        else:
            mended.append(f"'{name}' left out: it has no part in this chain")
    return mended

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Good and bad certificates for the tests, made at the moment they are asked for. Needs ``cryptography``."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from dataclasses import dataclass
from typing import Any, Optional, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
RSA_WITH_SHA256, RSA_WITH_SHA1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}


@functools.lru_cache(maxsize=None)
def make_key(kind: str, number: int = 0) -> Any:
    """A private key of a kind such as 'rsa2048', 'p256' or 'ed25519'; the same number gives the same key again."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind.startswith("dsa"):
        return dsa.generate_private_key(int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    curves = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "secp256k1": ec.SECP256K1}
    return ec.generate_private_key(curves[kind]())


def write_key(key: Any, form: str = "pkcs8", passphrase: Optional[bytes] = None) -> bytes:
    """The PEM of a key: 'pkcs8', 'traditional' (PKCS#1 or SEC1) or 'openssh'."""
    formats = {
        "pkcs8": serialization.PrivateFormat.PKCS8,
        "traditional": serialization.PrivateFormat.TraditionalOpenSSL,
        "openssh": serialization.PrivateFormat.OpenSSH,
    }
    lock: Any = serialization.NoEncryption()
    if passphrase is not None:
        lock = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, formats[form], lock)


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Any

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self, form: str = "pkcs8", passphrase: Optional[bytes] = None) -> bytes:
        return write_key(self.key, form, passphrase)

    def pkcs12(self, others: Sequence[Issued], passphrase: bytes) -> bytes:
        certificates = [other.certificate for other in others]
        lock = serialization.BestAvailableEncryption(passphrase)
        return pkcs12.serialize_key_and_certificates(b"site", self.key, self.certificate, certificates, lock)

    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def spki_sha256(self) -> str:
        return spki_sha256(self.key)


def fingerprint_of(pem: bytes) -> str:
    """The SHA-256 of the first certificate in a PEM text."""
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()


def spki_sha256(key: Any) -> str:
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public)
    return digest.finalize().hex()


def issue(
    common_name: str,
    names: Sequence[str] = (),
    *,
    issuer: Optional[Issued] = None,
    key: str = "p256",
    number: int = 0,
    days: Sequence[float] = (-1, 90),
    ca: Optional[bool] = False,
    purposes: Optional[Sequence[str]] = ("server",),
    signs: bool = True,
    digest: str = "sha256",
    issuer_url: str = "",
    more: Sequence[Any] = (),
    path_length: Optional[int] = None,
) -> Issued:
    """A certificate signed by ``issuer``, or by itself; ``days`` are from now; ``ca`` None: no basicConstraints.

    ``more`` are further extensions, none of them critical.
    """
    private = make_key(key, number)
    subject = _subject(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=days[0]))
        .not_valid_after(NOW + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False)
    )
    signer = issuer.key if issuer else private
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    usual = _extensions(names, ca, purposes, signs, issuer_url, path_length)
    for extension, critical in (*usual, *((one, False) for one in more)):
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    if digest == "sha1":
        # cryptography signs with SHA-1 no more: an RSA signature of another digest is renamed, for those who only look.
        der = certificate.public_bytes(serialization.Encoding.DER)
        certificate = x509.load_der_x509_certificate(der.replace(RSA_WITH_SHA256, RSA_WITH_SHA1))
    return Issued(certificate, private)


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def _extensions(names, ca, purposes, signs, issuer_url, path_length):
    if names:
        yield x509.SubjectAlternativeName([_general_name(name) for name in names]), False
    if ca is not None:
        yield x509.BasicConstraints(ca, path_length), True
    yield (
        x509.KeyUsage(signs or bool(ca), False, not signs, False, False, bool(ca), bool(ca), False, False),
        True,
    )
    if purposes is not None and not ca:
        yield x509.ExtendedKeyUsage([PURPOSES[purpose] for purpose in purposes]), False
    if issuer_url:
        location = x509.UniformResourceIdentifier(issuer_url)
        description = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)
        yield x509.AuthorityInformationAccess([description]), False


def _general_name(name: str) -> x509.GeneralName:
    if name.startswith("dns:"):
        return x509.DNSName(name[4:])
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@functools.lru_cache(maxsize=None)
def root() -> Issued:
    """The root every good chain of the tests ends at."""
    return issue("Test Root", ca=True, number=100, days=(-1000, 1000))


@functools.lru_cache(maxsize=None)
def intermediate() -> Issued:
    """The CA that issues the tests' certificates."""
    return issue("Test Intermediate", issuer=root(), ca=True, number=101, days=(-500, 500))


@functools.lru_cache(maxsize=None)
def site(name: str = "www.example.com", number: int = 1, key: str = "p256", days: Sequence[float] = (-1, 90)) -> Issued:
    """A good certificate for one name, and another for another number."""
    return issue(name, [name], issuer=intermediate(), key=key, number=number, days=days)


def request_pem(name: str) -> bytes:
    """A certificate request (CSR)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    return builder.sign(make_key("p256"), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

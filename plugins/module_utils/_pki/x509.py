# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses X.509 certificates, as far as serving HTTPS depends on them (RFC 5280)."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.der import (
    BIT_STRING,
    OCTET_STRING,
    SEQUENCE,
    DerElement,
    explain,
    read_bits,
    read_element,
    read_elements,
    read_oid,
    read_time,
)
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._printable import printable

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
_CA_ISSUERS = "1.3.6.1.5.5.7.48.2"
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
# RFC 3279, RFC 5480, RFC 8410
_KEY_KINDS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
RSA_KINDS = ("RSA", "RSA-PSS")
_CURVES = {
    "1.2.840.10045.3.1.7": "P-256",
    "1.3.132.0.34": "P-384",
    "1.3.132.0.35": "P-521",
    "1.3.132.0.10": "secp256k1",
}
_WEAK_SIGNATURES = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
}


@dataclass(frozen=True)
class PublicKey:
    """A public key: its ``spki`` (SubjectPublicKeyInfo, DER), kind, size in bits (RSA) and curve (EC)."""

    spki: bytes
    kind: str
    bits: int = 0
    curve: str = ""

    def describe(self) -> str:
        """Returns its kind with its size or curve: 'RSA 2048', 'EC P-256', 'Ed25519'."""
        if self.kind in RSA_KINDS:
            return f"{self.kind} {self.bits}"
        return f"EC {self.curve}" if self.kind == "EC" else self.kind

    def fingerprint(self) -> str:
        """Returns the SHA-256 of the SubjectPublicKeyInfo, hexadecimal."""
        return hashlib.sha256(self.spki).hexdigest()


@dataclass(frozen=True)
class Certificate:
    """A certificate. Times are seconds since 1970; ``issuer`` and ``subject`` are DER, compared byte by byte.

    ``misplaced`` are addresses written as DNS names, which no client takes for an address (RFC 6125, 1.7.2).
    ``purposes`` are the extended key usages as object identifiers, None where the certificate does not limit them.
    """

    der: bytes
    issuer: bytes
    subject: bytes
    not_before: int
    not_after: int
    key: PublicKey
    weak_signature: str
    dns_names: Tuple[str, ...]
    ip_names: Tuple[str, ...]
    misplaced: Tuple[str, ...]
    is_ca: bool
    signs_handshakes: bool
    purposes: Optional[Tuple[str, ...]]
    subject_key_id: bytes
    authority_key_id: bytes
    issuer_urls: Tuple[str, ...]
    must_staple: bool

    def fingerprint(self) -> str:
        """Returns the SHA-256 of the certificate, hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    def names(self) -> Tuple[str, ...]:
        """Returns the names it is valid for; a common name is none."""
        return self.dns_names + self.ip_names

    def common_name(self) -> str:
        """Returns the last common name of its subject, empty if there is none."""
        found = [value for name, value in read_name(self.subject) if name == "CN"]
        return found[-1] if found else ""

    def is_issued_by(self, other: Certificate) -> bool:
        """Tells whether names and key identifiers say that ``other`` issued it (RFC 4158, 3.5.12)."""
        if self.issuer != other.subject:
            return False
        both = self.authority_key_id and other.subject_key_id
        return not both or self.authority_key_id == other.subject_key_id

    def is_self_issued(self) -> bool:
        """Tells whether it names itself as its issuer: a root, or a self-signed certificate."""
        return self.is_issued_by(self)


def read_certificate(der: bytes, given: str) -> Certificate:
    """Returns what a DER certificate says; ``given`` names the option it came from. Raises RequestError."""
    try:
        return _read(der)
    except (ValueError, IndexError) as problem:
        raise RequestError(f"{given}: a certificate in it is damaged: {explain(problem)}") from None


def read_public_key(spki: bytes) -> PublicKey:
    """Returns what a DER SubjectPublicKeyInfo holds; raises DerError."""
    algorithm, bits = read_elements(read_element(spki, SEQUENCE).content)
    parts = read_elements(algorithm.content)
    oid = read_oid(parts[0].content)
    kind = _KEY_KINDS.get(oid, oid)
    if kind in RSA_KINDS:
        modulus = read_elements(read_element(read_bits(bits), SEQUENCE).content)[0]
        return PublicKey(spki, kind, bits=int.from_bytes(modulus.content, "big").bit_length())
    if kind == "EC":
        curve = (
            read_oid(parts[1].content) if len(parts) > 1 and parts[1].tag != SEQUENCE else "with explicit parameters"
        )
        return PublicKey(spki, kind, curve=_CURVES.get(curve, curve))
    return PublicKey(spki, kind)


def read_name(name: bytes) -> Tuple[Tuple[str, str], ...]:
    """Returns a DER Name as (attribute, value) pairs, values made safe to print; raises DerError."""
    pairs = []
    for rdn in read_elements(read_element(name, SEQUENCE).content):
        for attribute in read_elements(rdn.content):
            oid, value = read_elements(attribute.content)[:2]
            dotted = read_oid(oid.content)
            encoding = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}.get(value.tag, "utf-8")
            pairs.append((_ATTRIBUTES.get(dotted, dotted), printable(value.content.decode(encoding, "replace"))))
    return tuple(pairs)


def describe_name(name: bytes) -> str:
    """Returns a DER Name in one line, most specific part last as in the certificate; never raises."""
    try:
        return ", ".join("{}={}".format(*pair) for pair in read_name(name)) or "an empty name"
    except (ValueError, IndexError):
        return "an unreadable name"


def _read(der: bytes) -> Certificate:
    tbs_element, algorithm = read_elements(read_element(der, SEQUENCE).content)[:2]
    fields = list(read_elements(tbs_element.content))
    if fields[0].tag == 0xA0:
        fields.pop(0)  # version: v1 certificates have none
    issuer, validity, subject, spki = fields[2], fields[3], fields[4], fields[5]
    not_before, not_after = (read_time(part) for part in read_elements(validity.content))
    extensions = _read_extensions(tuple(fields[6:]))
    dns_names, ip_names = _read_alternative_names(extensions.get("2.5.29.17"))
    return Certificate(
        der=der,
        issuer=issuer.whole,
        subject=subject.whole,
        not_before=not_before,
        not_after=not_after,
        key=read_public_key(spki.whole),
        weak_signature=_WEAK_SIGNATURES.get(read_oid(read_elements(algorithm.content)[0].content), ""),
        dns_names=tuple(name for name in dns_names if not is_address(name)),
        misplaced=tuple(name for name in dns_names if is_address(name)),
        ip_names=ip_names,
        is_ca=_read_is_ca(extensions.get("2.5.29.19")),
        signs_handshakes=_read_signs_handshakes(extensions.get("2.5.29.15")),
        purposes=_read_purposes(extensions.get("2.5.29.37")),
        subject_key_id=_read_tagged(extensions.get("2.5.29.14"), OCTET_STRING),
        authority_key_id=_read_tagged(extensions.get("2.5.29.35"), 0x80),
        issuer_urls=_read_issuer_urls(extensions.get("1.3.6.1.5.5.7.1.1")),
        must_staple=_read_must_staple(extensions.get("1.3.6.1.5.5.7.1.24")),
    )


def _read_extensions(fields: Tuple[DerElement, ...]) -> Dict[str, DerElement]:
    extensions: Dict[str, DerElement] = {}
    for field in fields:
        if field.tag == 0xA3:
            for extension in read_elements(read_element(field.content, SEQUENCE).content):
                parts = read_elements(extension.content)
                extensions[read_oid(parts[0].content)] = read_element(parts[-1].content)
    return extensions


def _read_alternative_names(element: Optional[DerElement]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    dns_names, ip_names = [], []
    for name in read_elements(element.content) if element else ():
        if name.tag == 0x82:
            dns_names.append(printable(name.content.decode("ascii", "backslashreplace")).lower())
        elif name.tag == 0x87 and len(name.content) in (4, 16):
            ip_names.append(str(ipaddress.ip_address(name.content)))
    return tuple(dns_names), tuple(ip_names)


def _read_is_ca(element: Optional[DerElement]) -> bool:
    parts = read_elements(element.content) if element else ()
    return bool(parts) and parts[0].tag == 0x01 and parts[0].content != b"\x00"


def _read_signs_handshakes(element: Optional[DerElement]) -> bool:
    """Bit 0 of keyUsage is digitalSignature; a certificate without keyUsage may be used for anything."""
    if element is None or element.tag != BIT_STRING:
        return True
    return bool(read_bits(element)[:1] and read_bits(element)[0] & 0x80)


def _read_purposes(element: Optional[DerElement]) -> Optional[Tuple[str, ...]]:
    return None if element is None else tuple(read_oid(purpose.content) for purpose in read_elements(element.content))


def _read_tagged(element: Optional[DerElement], tag: int) -> bytes:
    """The identifier itself, or the part of the authority's that has the given tag; empty where there is none."""
    if element is None:
        return b""
    if element.tag == tag:
        return element.content
    return next((part.content for part in read_elements(element.content) if part.tag == tag), b"")


def _read_must_staple(element: Optional[DerElement]) -> bool:
    """TLS features that the server has to offer (RFC 7633): status_request is the extension of TLS numbered 5."""
    return any(feature.content == b"\x05" for feature in read_elements(element.content)) if element else False


def _read_issuer_urls(element: Optional[DerElement]) -> Tuple[str, ...]:
    urls = []
    for description in read_elements(element.content) if element else ():
        method, location = read_elements(description.content)[:2]
        if read_oid(method.content) == _CA_ISSUERS and location.tag == 0x86:
            urls.append(printable(location.content.decode("ascii", "backslashreplace")))
    return tuple(urls)

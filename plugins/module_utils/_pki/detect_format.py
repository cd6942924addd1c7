# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Detects the format of a certificate or key, and turns binary and bare base64 into PEM."""

from __future__ import annotations

import base64
import binascii
from typing import List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.der import (
    BIT_STRING,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    DerElement,
    DerError,
    read_element,
    read_elements,
)
from ansible_collections.port443.https.plugins.module_utils._pki.pem import write_pem

PKCS12 = "PKCS12"  # no label of RFC 7468, but GnuTLS' certtool writes it

_JAVA_KEYSTORE = b"\xfe\xed\xfe\xed"
# The start of a PFX of indefinite length, which is BER and no DER; older programs write PKCS#12 so (RFC 7292, 4).
_BER_PKCS12 = b"0\x80\x02\x01\x03"


def to_pem(raw: bytes, given: str, mended: List[str]) -> bytes:
    """Returns PEM for a DER certificate, a DER key or PKCS#12, be it binary or base64, and anything else as it is.

    ``given`` names the option; what was done is added to ``mended``. Raises RequestError for a Java keystore.
    """
    if raw.startswith(_JAVA_KEYSTORE):
        raise RequestError(
            f"{given} is a Java keystore: make it PKCS#12 with 'keytool -importkeystore -deststoretype PKCS12'"
        )
    der, words = (raw, "DER") if raw[:1] == b"0" else (_decode(raw), "base64 without BEGIN and END lines")
    label = _find_label(der) if der is not None else None
    if der is None or label is None:
        return raw
    if label != PKCS12:
        mended.append(f"{given}: {words} made PEM")
    return write_pem(label, der)


def _decode(raw: bytes) -> Optional[bytes]:
    try:
        der = base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        return None
    return der if der[:1] == b"0" else None


def _find_label(der: bytes) -> Optional[str]:
    """The PEM label of what bytes are, by the shape of their outermost SEQUENCE; None if they are nothing known."""
    if der.startswith(_BER_PKCS12):
        return PKCS12
    try:
        parts = read_elements(read_element(der, SEQUENCE).content)
        return _name_shape(parts)
    except DerError:
        return None


def _name_shape(parts: Sequence[DerElement]) -> Optional[str]:
    """RFC 7292, 4 · RFC 5958, 2 and 3 · RFC 5915, 3 · RFC 8017, A.1.2 · RFC 5280, 4.1 · RFC 2986, 4.2 · RFC 5652, 3."""
    tags = tuple(part.tag for part in parts)
    if tags[:2] == (INTEGER, SEQUENCE) and parts[0].content == b"\x03":
        return PKCS12
    if tags == (SEQUENCE, SEQUENCE, BIT_STRING):
        return "CERTIFICATE REQUEST" if _is_request(read_elements(parts[0].content)) else "CERTIFICATE"
    if tags[:9] == (INTEGER,) * 9:
        return "RSA PRIVATE KEY"
    shapes = {
        (INTEGER, SEQUENCE, OCTET_STRING): "PRIVATE KEY",
        (SEQUENCE, OCTET_STRING): "ENCRYPTED PRIVATE KEY",
        (INTEGER, OCTET_STRING): "EC PRIVATE KEY",
        (INTEGER,) * 6: "DSA PRIVATE KEY",
        (SEQUENCE, BIT_STRING): "PUBLIC KEY",
        (OID, 0xA0): "PKCS7",
    }
    return next((label for shape, label in shapes.items() if tags[: len(shape)] == shape), None)


def _is_request(fields: Sequence[DerElement]) -> bool:
    """A request is version, subject, public key and [0] attributes; a certificate has two dates and more."""
    return [field.tag for field in fields] == [INTEGER, SEQUENCE, SEQUENCE, 0xA0]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads PEM out of other text, normalises what has one meaning, refuses what has not."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from dataclasses import dataclass
from typing import List, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.der import SEQUENCE, DerError, read_element

CERTIFICATE_LABELS = frozenset(["CERTIFICATE", "X509 CERTIFICATE"])
KEY_LABELS = frozenset(["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"])
# What tools write beside a key or a certificate without any meaning for this pair.
LEFT_OUT_LABELS = frozenset(["EC PARAMETERS", "DH PARAMETERS", "X509 CRL"])
CSR_LABELS = frozenset(["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"])
SIZE_LIMIT = 1 << 20  # bytes; a chain of twenty certificates with thousands of names each is smaller

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class PemBlock:
    """One PEM block: its label, its DER and whether its headers say that it is encrypted.

    ``armoured`` is the block with these headers, as it was found, where it is.
    """

    label: str
    der: bytes
    encrypted: bool = False
    armoured: bytes = b""

    def is_key(self) -> bool:
        """Tells whether this is a private key, in the clear or encrypted."""
        return self.label in KEY_LABELS or self.label in ("ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY")

    def is_locked(self) -> bool:
        """Tells whether this is a private key that a passphrase opens."""
        return self.label == "ENCRYPTED PRIVATE KEY" or (self.encrypted and self.label in KEY_LABELS)


@dataclass(frozen=True)
class Reading:
    """The blocks of one text in their order, and what was mended to get at them."""

    blocks: Tuple[PemBlock, ...]
    mended: Tuple[str, ...]


def read_pem(raw: bytes, given: str) -> Reading:
    """Returns the blocks in ``raw``; ``given`` names the option in messages.

    Raises RequestError, which never quotes what is inside, for anything that is not PEM or is PEM damaged beyond
    doubt (RFC 7468 says what PEM is).
    """
    if len(raw) > SIZE_LIMIT:
        raise RequestError(f"{given}: {len(raw)} bytes are more than any certificate or key has")
    mended: List[str] = []
    text = _decode(raw, given, mended)
    _refuse_foreign(text, given)
    found, around = _find_blocks(text, given)
    if any(part.strip() for part in around):
        mended.append(f"{given}: text around the PEM removed")
    if not text.endswith("\n"):
        mended.append(f"{given}: final newline added")
    blocks = [_read_block(label, body, given) for label, body in found]
    if any(_is_wrapped_otherwise(block, body) for block, (_label, body) in zip(blocks, found)):
        mended.append(f"{given}: lines wrapped again at 64 characters")
    return Reading(_without_left_out(blocks, given, mended), tuple(mended))


def write_pem(label: str, der: bytes) -> bytes:
    """Returns one PEM block as every tool reads it: 64 columns, Unix line ends, a final newline."""
    body = base64.b64encode(der).decode("ascii")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----\n"]).encode("ascii")


def _decode(raw: bytes, given: str, mended: List[str]) -> str:
    encoding = "latin-1"  # never fails; PEM itself is ASCII, and the text around it may be anything
    for mark, name in _MARKS:
        if raw.startswith(mark):
            raw, encoding = raw[len(mark) :], name
            mended.append(f"{given}: byte order mark removed")
            break
    text = raw.decode(encoding, "replace")
    if "\r" in text:
        mended.append(f"{given}: CRLF line ends made LF")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "-----\\n" in text:
        mended.append(f"{given}: '\\n' written as two characters made a line end")
        text = text.replace("\\r", "").replace("\\n", "\n")
    if not text.strip():
        raise RequestError(f"{given} is empty")
    return text


def _refuse_foreign(text: str, given: str) -> None:
    if text.startswith("$ANSIBLE_VAULT;"):
        raise RequestError(
            f"{given} is still encrypted with ansible-vault: give it from the controller, which can open it"
        )
    if _BEGIN.search(text):
        return
    if "-----END " in text:
        raise RequestError(f"{given} is truncated: an END line without its BEGIN line")
    if text.startswith(("0\x82", "0\x81", "0\x80")):
        raise RequestError(f"{given} is binary, and neither a certificate nor a key in DER nor PKCS#12; is it damaged?")
    raise RequestError(f"{given} is not PEM: no '-----BEGIN ...-----' line in its {len(text)} characters")


def _find_blocks(text: str, given: str) -> Tuple[List[Tuple[str, str]], List[str]]:
    """Returns (label, what is between its lines) of every block, and the texts around them."""
    found: List[Tuple[str, str]] = []
    around: List[str] = []
    at = 0
    begin = _BEGIN.search(text)
    while begin is not None:
        end_mark = f"-----END {begin.group(1)}-----"
        end = text.find(end_mark, begin.end())
        following = _BEGIN.search(text, begin.end())
        if end < 0 or (following is not None and following.start() < end):
            raise RequestError(f"{given} is truncated: a {begin.group(1)} block has no '{end_mark}' line")
        found.append((begin.group(1), text[begin.end() : end]))
        around.append(text[at : begin.start()])
        at = end + len(end_mark)
        begin = following
    around.append(text[at:])
    return found, around


def _read_block(label: str, body: str, given: str) -> PemBlock:
    what = f"{given}: the {label} block"
    headers, encrypted, armoured = re.match(r"(?:\s*[A-Za-z0-9-]+:[^\n]*\n)*", body), False, b""
    if headers and headers.group():
        encrypted = "ENCRYPTED" in headers.group()
        if encrypted:
            armoured = f"-----BEGIN {label}-----\n{body.strip()}\n-----END {label}-----\n".encode("ascii", "replace")
        body = body[headers.end() :]
    encoded = "".join(body.split())
    if not encoded:
        raise RequestError(f"{what} is empty")
    try:
        der = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise RequestError(f"{what} is damaged: what is between its lines is not base64") from None
    if encrypted or label == "OPENSSH PRIVATE KEY" or label in LEFT_OUT_LABELS:
        return PemBlock(label, der, encrypted, armoured)
    if label == "PKCS12":
        return PemBlock(label, der)  # may be BER, which read_element does not know
    try:
        read_element(der, SEQUENCE)
    except DerError as problem:
        raise RequestError(f"{what} is damaged or truncated: {problem}") from None
    return PemBlock("CERTIFICATE" if label in CERTIFICATE_LABELS else label, der)


def _is_wrapped_otherwise(block: PemBlock, body: str) -> bool:
    """Encrypted blocks are refused later: their headers are not looked at here."""
    lines = write_pem("-", block.der).decode("ascii").split("\n")[1:-2]
    return not block.encrypted and body.strip("\n").split("\n") != lines


def _without_left_out(blocks: List[PemBlock], given: str, mended: List[str]) -> Tuple[PemBlock, ...]:
    kept: List[PemBlock] = []
    seen: Set[bytes] = set()
    for block in blocks:
        if block.label in LEFT_OUT_LABELS:
            mended.append(f"{given}: {block.label} left out")
        elif block.der in seen:
            mended.append(f"{given}: a second copy of the same {block.label.lower()} left out")
        else:
            seen.add(block.der)
            kept.append(block)
    return tuple(kept)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns DER, PKCS#12, encrypted keys and bundles into PEM in the clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Protocol, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.detect_format import PKCS12, to_pem
from ansible_collections.port443.https.plugins.module_utils._pki.pem import PemBlock, read_pem, write_pem

Texts = Mapping[str, Optional[bytes]]

# What may be given to the module, each as content or as a file.
SOURCES = ("certificate", "key", "bundle", "chain", "ca")
SECRETS = ("key", "bundle")


class CannotOpenError(Exception):
    """The passphrase is another, or the bytes are damaged: what opens them cannot tell which."""


class Opener(Protocol):
    """What opens things that are locked: cryptography on the controller, the openssl command on a host."""

    def open_key(self, pem: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of an encrypted key in the clear; raises CannotOpenError, or HostError for want of a tool."""

    def open_pkcs12(self, der: bytes, passphrase: bytes) -> bytes:
        """Returns the PEM of all that PKCS#12 holds, keys in the clear; raises as open_key does."""


@dataclass(frozen=True)
class Opened:
    """The texts as PEM in the clear, ``bundle`` taken apart into key and certificate, and what was done for it."""

    texts: Dict[str, Optional[bytes]]
    mended: Tuple[str, ...]

    def __repr__(self) -> str:
        # The texts hold the key.
        return f"Opened({', '.join(name for name, text in self.texts.items() if text is not None)})"


def open_texts(texts: Texts, passphrase: Optional[str], opener: Opener) -> Opened:
    """Returns the texts (by the names in SOURCES, None if not given) in the clear; raises RequestError or HostError."""
    mended: List[str] = []
    clear = {name: None if raw is None else to_pem(raw, name, mended) for name, raw in texts.items()}
    secret = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
    for name in SOURCES:
        text = clear.get(name)
        if name != "bundle" and text is not None and text.startswith(b"-----BEGIN PKCS12"):
            raise RequestError(f"{name} is PKCS#12, which holds key and certificates in one: give it as bundle")
    bundle = clear.get("bundle")
    clear["bundle"] = None
    if bundle is not None:
        clear["certificate"], clear["key"] = _take_apart(bundle, secret, opener, mended)
    key = clear.get("key")
    if key is not None:
        given = "key" if bundle is None else "bundle"
        clear["key"] = _unlock(key, given, secret, opener, mended)
    return Opened(clear, tuple(mended))


def refuse_public_keys(texts: Texts) -> None:
    """Raises RequestError where a private key was put into an option that is not kept secret; takes opened texts."""
    for name in SOURCES:
        raw = texts.get(name)
        if name in SECRETS or raw is None:
            continue
        if any(block.is_key() for block in read_pem(raw, name).blocks):
            raise RequestError(
                f"{name} holds a private key, and {name} is no secret option: the key belongs into key, or both into "
                "bundle"
            )


def _take_apart(
    bundle: bytes, passphrase: Optional[bytes], opener: Opener, mended: List[str]
) -> Tuple[Optional[bytes], Optional[bytes]]:
    """Returns certificates and key of a bundle, each as PEM; an encrypted key stays so."""
    reading = read_pem(bundle, "bundle")
    blocks = list(reading.blocks)
    mended += reading.mended
    for block in reading.blocks:
        if block.label == PKCS12:
            blocks.remove(block)
            blocks += _open_pkcs12(block, passphrase, opener)
    keys = [block for block in blocks if block.is_key()]
    certificates = [block for block in blocks if not block.is_key()]
    for found, what in ((keys, "private key"), (certificates, "certificate")):
        if not found:
            raise RequestError(f"bundle holds no {what}: where the two come apart, give them as key and certificate")
    return b"".join(map(_write, certificates)), b"".join(map(_write, keys))


def _open_pkcs12(block: PemBlock, passphrase: Optional[bytes], opener: Opener) -> Tuple[PemBlock, ...]:
    try:
        return read_pem(opener.open_pkcs12(block.der, passphrase or b""), "bundle").blocks
    except CannotOpenError:
        if passphrase is None:
            raise RequestError(
                "bundle is PKCS#12 that does not open without a passphrase: give its passphrase as passphrase"
            ) from None
        raise RequestError("bundle is PKCS#12 that does not open with the given passphrase, or is damaged") from None


def _unlock(key: bytes, given: str, passphrase: Optional[bytes], opener: Opener, mended: List[str]) -> bytes:
    """Returns the key's PEM, with what is encrypted in it in the clear."""
    reading = read_pem(key, given)
    if not any(block.is_locked() for block in reading.blocks):
        return key
    if passphrase is None:
        raise RequestError(
            f"{given}: the key is encrypted with a passphrase, which a web server would ask for at every start: give "
            "it as passphrase, and the key is installed without"
        )
    mended += [*reading.mended, f"{given}: passphrase taken off the key"]
    try:
        return b"".join(
            opener.open_key(_write(block), passphrase) if block.is_locked() else _write(block)
            for block in reading.blocks
        )
    except CannotOpenError:
        raise RequestError(
            f"{given}: the key does not open with the given passphrase, is damaged, or is encrypted in a way that is "
            "not known"
        ) from None


def _write(block: PemBlock) -> bytes:
    return block.armoured or write_pem(block.label, block.der)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pair as it is offered to Windows: what of it may be told, thumbprints and DER, and never the key."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate

_CURVES = ("P-256", "P-384", "P-521")


@dataclass(frozen=True)
class OfferedCertificate:
    """A certificate as Windows names it; ``issuer``, ``subject`` and ``der`` are base64 of DER.

    ``thumbprint`` is its SHA-1, upper-case as Windows writes it, ``fingerprint`` its SHA-256, lower-case.
    """

    thumbprint: str
    fingerprint: str
    der: str
    issuer: str
    subject: str
    until: str


@dataclass(frozen=True)
class OfferedPair:
    """The leaf and its intermediates; a root never leaves the controller."""

    leaf: OfferedCertificate
    chain: Tuple[OfferedCertificate, ...]


def offer(pair: KeyPair) -> OfferedPair:
    """Returns what of a pair goes into the plan; raises RequestError for a key that Schannel does not serve."""
    public = pair.leaf.key
    if public.kind != "RSA" and not (public.kind == "EC" and public.curve in _CURVES):
        raise RequestError(
            f"Windows serves RSA keys and EC keys on {', '.join(_CURVES)}, and this one is {public.describe()}"
        )
    return OfferedPair(_offer_one(pair.leaf), tuple(_offer_one(one) for one in pair.intermediates))


def _offer_one(certificate: Certificate) -> OfferedCertificate:
    return OfferedCertificate(
        thumbprint=hashlib.sha1(certificate.der).hexdigest().upper(),  # noqa: S324  # what Windows calls it by
        fingerprint=certificate.fingerprint(),
        der=_text(certificate.der),
        issuer=_text(certificate.issuer),
        subject=_text(certificate.subject),
        until=show_time(certificate.not_after),
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

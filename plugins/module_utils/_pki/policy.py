# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates a key pair against the policy for a site: every reason against it, with what would work."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address, is_covered
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import (
    RSA_KINDS,
    SERVER_AUTH,
    Certificate,
    PublicKey,
    describe_name,
)
from ansible_collections.port443.https.plugins.module_utils._printable import printable

DAY = 86400
MINIMUM_RSA_BITS = 2048  # CA/Browser Forum baseline requirements, 6.1.5
LONGEST_DAYS = 825  # support.apple.com/103769, whichever CA it is
LONGEST_PUBLIC_DAYS = 398  # support.apple.com/102028, and browsers, under the roots that they come with
UNSTAPLED = (
    "demands OCSP stapling (must-staple, RFC 7633), and the service is not set up for that on this site, so clients "
    "such as Firefox would refuse it: set stapling up first, or have the certificate issued again without the demand"
)
SERVED_CURVES = ("P-256", "P-384", "P-521")
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Demand:
    """What a certificate has to meet: normalised ``names``, ``minimum_days`` left, whether it may be self-signed."""

    names: Tuple[str, ...]
    minimum_days: int = 0
    self_signed: bool = False


@dataclass(frozen=True)
class PolicyVerdict:
    """Why a pair is refused (empty: it is not), and what to know although it is accepted."""

    problems: Tuple[str, ...]
    warnings: Tuple[str, ...]


def evaluate(pair: KeyPair, demand: Demand, now: int) -> PolicyVerdict:
    """Returns the verdict on a pair; ``now`` is seconds since 1970. Whether anybody trusts it is not looked at."""
    leaf = pair.leaf
    warnings: List[str] = []
    problems = _compare_keys(pair) + _judge_issuer(pair, demand, warnings)
    problems += _judge_dates(leaf, "the certificate", now) or _judge_days_left(leaf, demand.minimum_days, now)
    warnings += judge_lifetime(leaf, LONGEST_DAYS, "Apple's clients refuse more than {} whoever issued it")
    problems += _judge_names(leaf, demand.names)
    problems += _judge_usage(leaf, warnings) + _judge_purpose(leaf)
    problems += _judge_key(leaf.key, "the certificate", warnings)
    if not pair.is_self_signed():
        problems += _judge_signature(leaf, "the certificate")
    for certificate in pair.intermediates:
        what = f"the intermediate '{_subject(certificate)}'"
        problems += _judge_dates(certificate, what, now)
        problems += _judge_key(certificate.key, what, [])
        problems += _judge_signature(certificate, what)
        if not certificate.is_ca:
            problems.append(f"{what} is not a CA's, so it cannot have issued anything")
    return PolicyVerdict(tuple(problems), tuple(warnings))


def judge_lifetime(leaf: Certificate, most: int, refusal: str) -> List[str]:
    """Returns a warning of a certificate that is valid for more than ``most`` days, by whose ``refusal``."""
    days = -(-(leaf.not_after - leaf.not_before) // DAY)
    return [f"the certificate is valid for {days} days, and {refusal.format(most)}"] if days > most else []


def describe_mismatch(certificate: PublicKey, private: PublicKey) -> str:
    """Returns the refusal of a key that is not the certificate's; fingerprints are of the public keys (SPKI)."""
    return (
        f"the key is not the certificate's: the certificate is for {certificate.describe()} "
        f"sha256:{certificate.fingerprint()}, the key is {private.describe()} sha256:{private.fingerprint()}"
    )


def days_left(certificate: Certificate, now: int) -> int:
    """Returns the whole days until a certificate expires, negative once it has."""
    return (certificate.not_after - now) // DAY


def show_time(seconds: int) -> str:
    """Returns seconds since 1970 as '2031-05-04T03:02:01Z'."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _subject(certificate: Certificate) -> str:
    return describe_name(certificate.subject)


def _compare_keys(pair: KeyPair) -> List[str]:
    public = pair.key.public
    if public is None or public.spki == pair.leaf.key.spki:
        return []
    return [describe_mismatch(pair.leaf.key, public)]


def _judge_issuer(pair: KeyPair, demand: Demand, warnings: List[str]) -> List[str]:
    leaf = pair.leaf
    if pair.is_self_signed():
        if not demand.self_signed:
            return [
                "the certificate is self-signed, no client trusts it: set self_signed: true if that is meant, "
                "or give one a CA issued"
            ]
        if leaf.is_ca:
            warnings.append("the self-signed certificate is also a CA: whoever trusts it trusts all it could sign")
        return []
    if leaf.is_ca:
        return [f"the certificate '{_subject(leaf)}' is a CA's, not a site's: give the one that CA issued for the site"]
    return []


def _judge_dates(certificate: Certificate, what: str, now: int) -> List[str]:
    if certificate.not_after < now:
        ago = (now - certificate.not_after) // DAY
        return [f"{what} expired on {show_time(certificate.not_after)}, {ago} days ago: renew it"]
    if certificate.not_before > now:
        return [
            f"{what} is not valid before {show_time(certificate.not_before)}, and it is {show_time(now)} now: "
            "wait, or set the clock"
        ]
    return []


def _judge_days_left(certificate: Certificate, minimum_days: int, now: int) -> List[str]:
    if certificate.not_after - now >= minimum_days * DAY:
        return []
    return [
        f"the certificate expires on {show_time(certificate.not_after)}, in {days_left(certificate, now)} days, "
        f"and minimum_days asks for {minimum_days}: renew it first"
    ]


def _judge_names(leaf: Certificate, names: Sequence[str]) -> List[str]:
    held = set(leaf.names())
    missing = [name for name in names if not is_covered(name, held)]
    if not missing:
        return []
    if leaf.misplaced and any(is_address(name) for name in missing):
        return [
            f"the certificate does not cover {_list_names(missing)}: it holds {_list_names(leaf.misplaced)} as a DNS "
            "name (dNSName), and clients look for addresses among the iPAddress names alone: have it issued again with "
            "it there"
        ]
    if not held:
        common_name = leaf.common_name()
        return [
            "the certificate names no host in subjectAltName{}: have it issued again with {} there".format(
                f", only in the common name '{common_name}', which no client looks at" if common_name else "",
                _list_names(missing),
            )
        ]
    return [f"the certificate does not cover {_list_names(missing)}: it is for {_list_names(leaf.names())}"]


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"


def _judge_usage(leaf: Certificate, warnings: List[str]) -> List[str]:
    """An RSA key may still decrypt (RFC 5246, 7.4.2), every other key can do nothing but sign."""
    if leaf.signs_handshakes:
        return []
    if leaf.key.kind != "RSA":
        return [
            f"the certificate's keyUsage lacks digitalSignature, without which its {leaf.key.describe()} key serves no "
            "client of TLS 1.2: have it issued again with digitalSignature"
        ]
    warnings.append("the certificate's keyUsage lacks digitalSignature, which current browsers ask for")
    return []


def _judge_purpose(leaf: Certificate) -> List[str]:
    # anyExtendedKeyUsage does not stand in for it: OpenSSL 3.0 refuses such a server.
    if leaf.purposes is None or SERVER_AUTH in leaf.purposes:
        return []
    names = {"1.3.6.1.5.5.7.3.2": "clientAuth", "2.5.29.37.0": "anyExtendedKeyUsage"}
    return [
        "the certificate is not for servers: its extendedKeyUsage is {} and lacks serverAuth".format(
            ", ".join(names.get(purpose, purpose) for purpose in leaf.purposes)
        )
    ]


def _judge_key(key: PublicKey, what: str, warnings: List[str]) -> List[str]:
    if key.kind in RSA_KINDS and key.bits < MINIMUM_RSA_BITS:
        return [f"{what} has an RSA key of {key.bits} bits; clients want {MINIMUM_RSA_BITS} or more"]
    if (key.kind == "EC" and key.curve not in SERVED_CURVES) or key.kind not in (*RSA_KINDS, "EC", "Ed25519", "Ed448"):
        return [
            f"{what} has a key of kind {key.describe()}, which browsers do not know: use RSA, or ECDSA on P-256 "
            "or P-384"
        ]
    if key.kind in ("Ed25519", "Ed448", "RSA-PSS") or key.curve == "P-521":
        warnings.append(f"{what} has an {key.describe()} key, which browsers do not accept; other clients may")
    return []


def _judge_signature(certificate: Certificate, what: str) -> List[str]:
    if not certificate.weak_signature:
        return []
    return [f"{what} is signed with {certificate.weak_signature}, which clients refuse: have it issued again"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shakes hands with a pair in memory: does the key fit, and would a client trust the chain?"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Iterator, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.pem import write_pem
from ansible_collections.port443.https.plugins.module_utils._pki.policy import describe_mismatch, show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import (
    Certificate,
    describe_name,
    read_certificate,
)

PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN, x509_vfy.h; named in Python's ssl since 3.10
# x509_vfy.h: the second all mean that no trusted issuer was found
_BAD_SIGNATURE, _NO_ISSUER = 7, (2, 18, 19, 20, 21)
ROUNDS = 20  # a handshake takes two; a limit, so that a surprise cannot loop
# A pair may serve the one and not the other: TLS 1.2 chooses its ciphers by the certificate's key and keyUsage.
VERSIONS: Tuple[Tuple[str, ssl.TLSVersion], ...] = (
    ("TLS 1.2", ssl.TLSVersion.TLSv1_2),
    *((("TLS 1.3", ssl.TLSVersion.TLSv1_3),) if ssl.HAS_TLSv1_3 else ()),
)


@dataclass(frozen=True)
class Trust:
    """Whom a client is taken to trust: the host's own store (``system``), ``authorities`` (PEM) alone, or nobody."""

    system: bool
    authorities: bytes = b""


class _PassphraseAskedError(Exception):
    """OpenSSL wanted a passphrase; without a callback it would ask on the terminal and hang."""


def load_pair(pair: KeyPair, folder: Optional[str] = None) -> ssl.SSLContext:
    """Returns a server's context that holds the pair; raises RequestError if the key is not the certificate's.

    ``folder`` is a private one for a file that lives as long as the call, used where the system has no memfd.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever this host's policy is, web servers set their own
    with _as_path(pair.fullchain_pem() + pair.key.pem, folder) as path:
        try:
            context.load_cert_chain(path, password=_refuse_passphrase)
        except _PassphraseAskedError:
            raise RequestError("key is encrypted with a passphrase: give it decrypted") from None
        except ssl.SSLError as problem:
            if "MISMATCH" in (problem.reason or ""):
                raise RequestError(_mismatch(pair)) from None
            raise RequestError(f"OpenSSL refuses the pair: {problem.reason or problem}") from None
    return context


def verify_chain(pair: KeyPair, trust: Trust, server: ssl.SSLContext, folder: Optional[str] = None) -> List[str]:
    """Returns warnings if a client with this trust would accept the pair at this moment; raises RequestError if not.

    A client of each version of TLS is asked, whomever it trusts. ``server`` and ``folder`` are those of load_pair.
    """
    for words, version in VERSIONS:
        _shake_hands(server, _open_client(version), words)
    if trust == Trust(system=False):
        if pair.is_self_signed():
            return []
        flaw = _find_flaw(pair, folder)
        if flaw is not None:
            raise RequestError(f"the chain is refused {flaw}")
        return [f"nobody was asked whether '{describe_name(pair.last().issuer)}' is trusted (trust: none)"]
    if pair.is_self_signed():
        trust = Trust(system=False, authorities=pair.fullchain_pem())
    client = _client(trust, strict=False)
    problem = _shake_hands(server, client)
    if problem is not None:
        flaw = _find_flaw(pair, folder)
        raise RequestError(f"the chain is refused {flaw}" if flaw else _explain(pair, trust, problem, client))
    problem = _shake_hands(server, _client(trust, strict=True))
    if problem is None or pair.is_self_signed():
        return []
    return [f"clients that check strictly, such as Python 3.13, refuse the chain: {problem.verify_message}"]


def _open_client(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version and judges nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


def _client(trust: Trust, strict: bool) -> ssl.SSLContext:
    """Names are not compared here: a certificate may hold thousands, and _check does that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    flags = int(context.verify_flags) & ~int(ssl.VERIFY_X509_STRICT)
    if strict:
        flags |= int(ssl.VERIFY_X509_STRICT)
    if trust.system:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        flags |= PARTIAL_CHAIN  # a given CA may be an intermediate
        context.load_verify_locations(cadata=trust.authorities.decode("ascii"))
    context.verify_flags = ssl.VerifyFlags(flags)
    return context


def _shake_hands(
    server: ssl.SSLContext, client: ssl.SSLContext, version: str = "TLS"
) -> Optional[ssl.SSLCertVerificationError]:
    """Returns what the client has against the server's chain, or None; raises RequestError for anything else."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    try:
        for _round in range(ROUNDS):
            for side in sides:
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
                    if side is sides[0]:
                        return None
    except ssl.SSLCertVerificationError as problem:
        return problem
    except ssl.SSLError as problem:
        raise RequestError(f"no handshake of {version} succeeds with the pair: {problem.reason or problem}") from None
    raise RequestError(f"no handshake of {version} succeeds with the pair")


def _find_flaw(pair: KeyPair, folder: Optional[str]) -> Optional[str]:
    """Returns where a chain is broken whoever is trusted, and in what way; None where it holds.

    The chain is served as far as each of its links in turn, to a client that trusts nothing but that link: the first
    that fails is to blame.
    """
    path = (pair.leaf, *pair.intermediates)
    for number, link in enumerate(path):
        server = load_pair(replace(pair, intermediates=path[1 : number + 1]), folder)
        problem = _shake_hands(server, _client(Trust(False, write_pem("CERTIFICATE", link.der)), strict=False))
        if problem is None:
            continue
        where, words = f"at '{describe_name(link.subject)}'", problem.verify_message
        if number and problem.verify_code in (_BAD_SIGNATURE, *_NO_ISSUER):
            return f"{where}: it did not sign '{describe_name(path[number - 1].subject)}' ({words})"
        return f"{where}: {words}"
    return None


def _explain(pair: KeyPair, trust: Trust, problem: ssl.SSLCertVerificationError, client: ssl.SSLContext) -> str:
    """Returns why a chain that holds in itself is refused: what it ends at is to blame."""
    last, whom = pair.last(), "this host's trust store" if trust.system else "ca"
    issuer = describe_name(last.issuer)
    if problem.verify_code not in _NO_ISSUER:
        return (
            f"the chain is refused at {_find_root(last, client, int(time.time()))} in {whom}: {problem.verify_message}"
        )
    if trust.system and not _has_system_store():
        return "this host has no trust store: install its ca-certificates package, give ca, or set trust: none"
    if pair.root is not None:
        return f"the root '{issuer}' is not in {whom}: give it as ca, or set trust: none"
    where = " (its CA offers it at {})".format(", ".join(last.issuer_urls)) if last.issuer_urls else ""
    return (
        f"an intermediate certificate is missing: '{describe_name(last.subject)}' was issued by '{issuer}', which is "
        f"neither in the chain nor in {whom}: add it to chain{where}; if it is a CA of your own, give it as ca"
    )


def _find_root(last: Certificate, client: ssl.SSLContext, now: int) -> str:
    """Returns the trusted certificate above a chain by name, the first that is out of date before any other."""
    above: List[Certificate] = []
    for der in client.get_ca_certs(binary_form=True):  # those of a folder as far as they were used (ssl, get_ca_certs)
        with contextlib.suppress(RequestError):
            above.append(read_certificate(der, "ca"))
    path = [last]
    while not path[-1].is_self_issued():
        issuers = [one for one in above if one not in path and path[-1].is_issued_by(one)]
        if not issuers:
            break
        path.append(issuers[0])
    for one in path[1:]:
        if not one.not_before <= now <= one.not_after:
            dates = f"valid from {show_time(one.not_before)} to {show_time(one.not_after)}"
            return f"'{describe_name(one.subject)}', {dates},"
    return f"'{describe_name(path[-1].subject if path[1:] else last.issuer)}'"


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile) or bool(paths.capath and os.listdir(paths.capath))


def _mismatch(pair: KeyPair) -> str:
    if pair.key.public is not None:
        return describe_mismatch(pair.leaf.key, pair.key.public)
    public = pair.leaf.key
    return (
        f"the key is not the certificate's: the certificate is for {public.describe()} "
        f"sha256:{public.fingerprint()}, the key is another"
    )


def _refuse_passphrase() -> str:
    raise _PassphraseAskedError


@contextlib.contextmanager
def _as_path(secret: bytes, folder: Optional[str]) -> Iterator[str]:
    """A path OpenSSL can open for the moment: anonymous memory on Linux, elsewhere a 0600 file of a private folder."""
    with contextlib.ExitStack() as stack:
        path = None
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("pair", os.MFD_CLOEXEC)
            stream = stack.enter_context(os.fdopen(descriptor, "wb"))
            path = f"/proc/self/fd/{descriptor}"
        if path is None or not os.path.exists(path):
            private = stack.enter_context(tempfile.TemporaryDirectory(dir=folder))
            path = os.path.join(private, "pair.pem")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            stream = stack.enter_context(os.fdopen(os.open(path, flags, 0o600), "wb"))
        stream.write(secret)
        stream.flush()
        yield path

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small CA of one's own in a folder of the controller, for tests and intranets: made once, it issues what is asked.

The folder holds ``ca.pem``, for clients to trust, ``ca.key``, and for each site ``<site>.pem`` and ``<site>.key``.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.atomic import replace_file
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._pki.policy import Demand, evaluate
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import demand_cryptography

with contextlib.suppress(ImportError):  # which demand_cryptography tells
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
SITE_DAYS = 397  # what browsers take from public CAs at most; Apple's take no more than 825 from any
RENEW_DAYS = 30  # a pair with fewer days left is issued anew
CA = "ca"


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: Any


class OwnCa:
    """The CA in a folder. With ``passphrase`` its keys, and those of the sites, are encrypted on the disk."""

    def __init__(self, folder: str, passphrase: Optional[str], check_mode: bool) -> None:
        self._folder = Path(folder)
        self._lock: Any = NoEncryption()
        self._passphrase = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
        if self._passphrase:
            self._lock = BestAvailableEncryption(self._passphrase)
        self._check_mode = check_mode

    def provide(self, site: str, demand: Demand, now: int) -> Dict[str, bytes]:
        """Returns certificate, key (in the clear) and ca for a site, as PEM; issues what is missing or will not do.

        In check mode nothing is written. Raises RequestError for a folder that does not fit, HostError for its disk.
        """
        if site == CA:
            raise RequestError(f"name {site!r} is what the CA itself is called in own_ca: give another")
        try:
            with self._hold_folder():
                authority = self._load_authority() or self._make_authority()
                pair = self._load_site(site, demand, authority, now) or self._issue(site, demand, authority)
        except OSError as problem:
            raise HostError(f"own_ca: {problem.filename or self._folder}: {problem.strerror}") from None
        return {"certificate": pair[0], "key": pair[1], "ca": authority.certificate.public_bytes(Encoding.PEM)}

    @contextlib.contextmanager
    def _hold_folder(self) -> Iterator[None]:
        """Hosts of one play come here at the same time, each in a process of its own."""
        if self._check_mode:
            yield
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _load_authority(self) -> Optional[_Authority]:
        found = self._read(CA)
        if found is None:
            return None
        certificate, key = x509.load_pem_x509_certificate(found[0]), self._open(found[1], CA)
        if certificate.public_key() != key.public_key():
            raise RequestError(f"own_ca: ca.key in {self._folder} is not the key of ca.pem: put the two back together")
        return _Authority(certificate, key)

    def _make_authority(self) -> _Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"{self._folder.absolute().name} CA made by port443.https")
        certificate = (
            _build(name, name, key.public_key(), key.public_key(), CA_DAYS)
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(_key_usage(signs_certificates=True), True)
            .sign(key, hashes.SHA256())
        )
        self._write(CA, certificate.public_bytes(Encoding.PEM), key)
        return _Authority(certificate, key)

    def _load_site(self, site: str, demand: Demand, authority: _Authority, now: int) -> Optional[Tuple[bytes, bytes]]:
        """The pair that is there, None where it will not do (much longer)."""
        found = self._read(site)
        if found is None:
            return None
        key = _write_key(self._open(found[1], site), NoEncryption())
        wanted = Demand(demand.names, max(demand.minimum_days, RENEW_DAYS))
        try:
            pair = read_pair(found[0], key, None, now)
            x509.load_der_x509_certificate(pair.leaf.der).verify_directly_issued_by(authority.certificate)
        except Exception:  # damaged, or another CA's, in whichever words: it is replaced
            return None
        return None if evaluate(pair, wanted, now).problems else (found[0], key)

    def _issue(self, site: str, demand: Demand, authority: _Authority) -> Tuple[bytes, bytes]:
        if demand.minimum_days > SITE_DAYS - RENEW_DAYS:
            raise RequestError(
                f"minimum_days {demand.minimum_days} is more than own_ca gives: its certificates are for {SITE_DAYS} "
                "days"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = authority.certificate.subject
        certificate = (
            _build(_name(site[:64]), issuer, key.public_key(), authority.key.public_key(), SITE_DAYS)
            .add_extension(x509.SubjectAlternativeName(list(map(_general_name, demand.names))), False)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(_key_usage(signs_certificates=False), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(authority.key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )
        self._write(site, certificate, key)
        return certificate, _write_key(key, NoEncryption())

    def _open(self, pem: bytes, name: str) -> Any:
        for passphrase in (self._passphrase, None):
            with contextlib.suppress(ValueError, TypeError):
                return load_pem_private_key(pem, passphrase)
        raise RequestError(
            f"own_ca: {name}.key in {self._folder} does not open with the given passphrase, or is damaged"
        )

    def _read(self, name: str) -> Optional[Tuple[bytes, bytes]]:
        paths = [self._folder / f"{name}{ending}" for ending in (".pem", ".key")]
        there = [path for path in paths if path.exists()]
        if name == CA and len(there) == 1:
            missing = next(path for path in paths if path not in there)
            raise RequestError(
                f"own_ca: {there[0]} is there and {missing.name} is not: put it back, or remove the other"
            )
        return (paths[0].read_bytes(), paths[1].read_bytes()) if len(there) == 2 else None

    def _write(self, name: str, certificate: bytes, key: Any) -> None:
        """The key first: a pair that is half there, or does not fit, is issued again."""
        if self._check_mode:
            return
        for ending, content, mode in ((".key", _write_key(key, self._lock), 0o600), (".pem", certificate, 0o644)):
            self._replace(f"{name}{ending}", content, mode)

    def _replace(self, name: str, content: bytes, mode: int) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            replace_file(folder, name, content, lambda _new: None, mode)
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(self._folder / name)) from None
        finally:
            os.close(folder)


def provide(folder: str, site: str, demand: Demand, passphrase: Optional[str], check_mode: bool, now: int) -> Any:
    """Returns what OwnCa.provide does; raises Problem, also for what cryptography cannot read."""
    demand_cryptography()
    try:
        return OwnCa(folder, passphrase, check_mode).provide(site, demand, now)
    except UserError:
        raise
    except ValueError as problem:
        raise RequestError(f"own_ca: ca.pem in {folder} is damaged: {problem}") from None


def _build(subject: x509.Name, issuer: x509.Name, public: Any, signer: Any, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[-64:])])


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    other = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        **other,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(key: Any, lock: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    return pem

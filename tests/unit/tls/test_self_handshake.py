# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handshake of a pair with itself finds what no reading of the certificate tells."""

from __future__ import annotations

import dataclasses

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki import policy
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls import self_handshake
from ansible_collections.port443.https.plugins.module_utils._tls.self_handshake import Trust

NOW = int(pki.NOW.timestamp())


def rehearse(site, trust):
    pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW)
    return self_handshake.verify_chain(pair, trust, self_handshake.load_pair(pair))


@pytest.mark.parametrize(
    "trust", [Trust(system=False), Trust(system=False, authorities=pki.root().pem())], ids=["none", "root"]
)
@pytest.mark.parametrize("key", ["p256", "ed25519"])
def test_a_pair_that_serves_tls_1_3_alone_is_refused(key, trust):
    """keyUsage without digitalSignature: OpenSSL looks at it in TLS 1.2 and not in TLS 1.3 (1.1.1 to 3.5)."""
    site = pki.issue("www.example.com", ["www.example.com"], issuer=pki.intermediate(), key=key, signs=False)
    with pytest.raises(RequestError) as refused:
        rehearse(site, trust)
    assert refused.value.message.startswith("no handshake of TLS 1.2 succeeds with the pair: ")


def name_constraints(*permitted):
    return pki.x509.NameConstraints([pki.x509.DNSName(name) for name in permitted], None)


def make_authority(name, issuer=None, number=120, **wanted):
    return pki.issue(name, issuer=issuer or pki.root(), ca=True, number=number, **wanted)


def forge(site):
    """The site's certificate with a bit of its signature turned."""
    der = bytearray(site.der())
    der[-1] ^= 1
    return dataclasses.replace(site, certificate=pki.x509.load_der_x509_certificate(bytes(der)))


def chain_of(authority, *others, forged=False):
    site = pki.issue("www.example.com", ["www.example.com"], issuer=authority, number=1)
    return (forge(site) if forged else site), (authority, *others)


SHORT = make_authority("Short", path_length=0)
BROKEN = {
    "signature": (
        chain_of(make_authority("Issuer"), forged=True),
        "the chain is refused at 'CN=Issuer': it did not sign 'CN=www.example.com' (certificate signature failure)",
    ),
    "signature of an intermediate": (
        chain_of(make_authority("Lower", make_authority("Upper"), 121), forge(make_authority("Upper"))),
        None,
    ),
    "path length": (
        chain_of(make_authority("Lower", SHORT, 121), SHORT),
        "the chain is refused at 'CN=Short': path length constraint exceeded",
    ),
    "name constraints": (
        chain_of(make_authority("Elsewhere", more=[name_constraints("example.org")])),
        "the chain is refused at 'CN=Elsewhere': permitted subtree violation",
    ),
    "name constraints, kept": (chain_of(make_authority("Here", more=[name_constraints("example.com")])), None),
    "purpose": (
        chain_of(make_authority("Mail", more=[pki.x509.ExtendedKeyUsage([pki.ExtendedKeyUsageOID.EMAIL_PROTECTION])])),
        "the chain is refused at 'CN=Mail': unsuitable certificate purpose",
    ),
}


@pytest.mark.parametrize("trust", ["none", "root"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_chain_that_is_broken_in_itself_is_refused_whoever_is_trusted(what, trust):
    """The signature of the last certificate that is served is the root's matter: with trust: none, nobody's."""
    (site, chain), message = BROKEN[what]
    whom = Trust(system=False, authorities=pki.root().pem() if trust == "root" else b"")
    pair = read_pair(site.pem(), site.key_pem(), b"".join(one.pem() for one in chain), NOW)
    told = None
    try:
        self_handshake.verify_chain(pair, whom, self_handshake.load_pair(pair))
    except RequestError as refused:
        told = refused.message
    if what == "signature of an intermediate" and trust == "root":
        message = "the chain is refused at 'CN=Test Root' in ca: certificate signature failure"
    assert told == message


@pytest.mark.parametrize(
    ("days", "words"), [((-900, -2), "certificate has expired"), ((2, 900), "certificate is not yet valid")]
)
def test_an_outdated_root_is_named_with_its_dates(days, words):
    root = pki.issue("Old Root", ca=True, number=130, days=days)
    site, chain = chain_of(make_authority("Young", root))
    pair = read_pair(site.pem(), site.key_pem(), chain[0].pem(), NOW)
    first, last = (
        policy.show_time(int(moment.timestamp()))
        for moment in (root.certificate.not_valid_before_utc, root.certificate.not_valid_after_utc)
    )
    with pytest.raises(RequestError) as refused:
        self_handshake.verify_chain(pair, Trust(False, root.pem()), self_handshake.load_pair(pair))
    told = f"the chain is refused at 'CN=Old Root', valid from {first} to {last}, in ca: {words}"
    # OpenSSL 3.6 goes on: "or the system clock is incorrect".
    assert refused.value.message.startswith(told)


def test_what_strict_clients_refuse_is_a_warning():
    """RFC 5280, 4.2.1.6: with an empty subject, subjectAltName has to be critical (OpenSSL since 3.0)."""
    site = pki.issue("", ["www.example.com"], issuer=pki.intermediate(), number=1)
    assert rehearse(site, Trust(False, pki.root().pem())) == [
        "clients that check strictly, such as Python 3.13, refuse the chain: Subject empty and Subject Alt Name "
        "extension not critical"
    ]


@pytest.mark.parametrize(("days", "told"), [((-1, 398), True), ((-1, 397), False)])
def test_a_lifetime_that_browsers_refuse_of_public_authorities_is_told_where_the_hosts_store_is_asked(
    days, told, tmp_path, monkeypatch
):
    (tmp_path / "roots.pem").write_bytes(pki.root().pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    site = pki.site(days=days)
    pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW)
    params = {name: option.get("default") for name, option in _request.ARGUMENT_SPEC.items()}
    request = _request.parse({**params, "name": "www.example.com"})
    warning = (
        "the certificate is valid for 399 days, and browsers refuse more than 398 from a CA that they come with; from "
        "one of your own they do not"
    )
    assert _request.rehearse_handshake(request, pair, None, None) == ((warning,) if told else ())
    assert _request.rehearse_handshake(request, pair, pki.root().pem(), None) == ()

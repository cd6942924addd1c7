# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read from a certificate is what cryptography reads, and no byte of it can raise more than a refusal."""

from __future__ import annotations

import random

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki import der as _der
from ansible_collections.port443.https.plugins.module_utils._pki import policy, x509
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_covered

SITES = {
    "ECDSA": pki.site,
    "RSA": lambda: pki.site(key="rsa2048"),
    "many names": lambda: pki.issue(
        "many",
        [f"host{number}.example.com" for number in range(3000)] + ["192.0.2.1", "2001:db8::1"],
        issuer=pki.intermediate(),
    ),
    "CA": pki.intermediate,
    "root": pki.root,
}


@pytest.mark.parametrize("kind", SITES)
def test_a_certificate_is_read_as_cryptography_reads_it(kind):
    site = SITES[kind]()
    theirs = site.certificate
    ours = x509.read_certificate(site.der(), "certificate")
    extensions = theirs.extensions
    names = []
    if kind not in ("CA", "root"):
        held = extensions.get_extension_for_class(pki.x509.SubjectAlternativeName).value
        names = held.get_values_for_type(pki.x509.DNSName) + [
            str(address) for address in held.get_values_for_type(pki.x509.IPAddress)
        ]
    assert (
        ours.fingerprint(),
        ours.not_before,
        ours.not_after,
        list(ours.names()),
        ours.is_ca,
        ours.key.fingerprint(),
        ours.subject,
        ours.issuer,
        ours.subject_key_id,
        x509.describe_name(ours.subject),
        ours.common_name(),
    ) == (
        site.sha256(),
        int(theirs.not_valid_before_utc.timestamp()),
        int(theirs.not_valid_after_utc.timestamp()),
        names,
        extensions.get_extension_for_class(pki.x509.BasicConstraints).value.ca,
        site.spki_sha256(),
        theirs.subject.public_bytes(),
        theirs.issuer.public_bytes(),
        extensions.get_extension_for_class(pki.x509.SubjectKeyIdentifier).value.digest,
        theirs.subject.rfc4514_string(),
        theirs.subject.get_attributes_for_oid(pki.NameOID.COMMON_NAME)[0].value,
    )


RSA_OID, PSS_OID = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a")


def test_an_rsa_pss_key_is_told_from_rsa_and_warned_of():
    """cryptography makes no such certificate: the key's object identifier is exchanged, for those who only look."""
    der = pki.site(key="rsa2048").der().replace(RSA_OID, PSS_OID, 1)
    key = x509.read_certificate(der, "certificate").key
    warnings = []
    assert (key.kind, key.describe()) == ("RSA-PSS", "RSA-PSS 2048")
    assert policy._judge_key(key, "the certificate", warnings) == []
    assert warnings == ["the certificate has an RSA-PSS 2048 key, which browsers do not accept; other clients may"]


@pytest.mark.parametrize(("features", "must_staple"), [(["status_request"], True), (["status_request_v2"], False)])
def test_a_demand_for_stapling_is_read(features, must_staple):
    more = [pki.x509.TLSFeature([pki.x509.TLSFeatureType[feature] for feature in features])]
    site = pki.issue("www.example.com", ["www.example.com"], issuer=pki.intermediate(), more=more)
    assert x509.read_certificate(site.der(), "certificate").must_staple is must_staple
    assert x509.read_certificate(pki.site().der(), "certificate").must_staple is False


def test_thousands_of_names_are_found_at_once():
    held = set(x509.read_certificate(SITES["many names"]().der(), "certificate").names())
    assert all(is_covered(f"host{number}.example.com", held) for number in range(3000))


def test_no_damage_raises_more_than_a_refusal():
    """Bytes flipped, cut and repeated at random; the seed is fixed, so that a failure can be seen again."""
    chance = random.Random(443)
    der = pki.site().der()
    refused = 0
    for _round in range(3000):
        bad = bytearray(der)
        for _damage in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        if chance.random() < 0.2:
            del bad[chance.randrange(len(bad)) :]
        try:
            certificate = x509.read_certificate(bytes(bad), "certificate")
            x509.describe_name(certificate.subject)
            certificate.is_self_issued()
        except RequestError:
            refused += 1
    assert 500 < refused < 3000


def test_names_cannot_speak_to_the_terminal():
    site = pki.issue("\x1b]0;owned\x07 \u202eevil\n", ["www.example.com"])
    subject = x509.read_certificate(site.der(), "certificate").subject
    assert x509.describe_name(subject) == r"CN=\x1b]0;owned\x07 \u202eevil\n"


@pytest.mark.parametrize(
    ("tag", "text", "seconds"),
    [
        (_der.UTC_TIME, b"700101000000Z", 0),
        (_der.UTC_TIME, b"491231235959Z", 2524607999),
        (_der.UTC_TIME, b"491231235960Z", 2524608000),  # a leap second
        (_der.UTC_TIME, b"500101000000Z", -631152000),
        (_der.GENERALIZED_TIME, b"20500101000000Z", 2524608000),
        (_der.GENERALIZED_TIME, b"99991231235959Z", 253402300799),
    ],
)
def test_dates_are_read(tag, text, seconds):
    assert _der.read_time(_der.DerElement(tag, text, b"")) == seconds


NO_DATES = (
    "7001010000Z 700101000000+ 701301000000Z 70010100000xZ 700100000000Z 700132000000Z 700101240000Z 700101006000Z"
)


@pytest.mark.parametrize("text", ["", *NO_DATES.split(), "700101000061Z"])
def test_dates_that_are_none_are_refused(text):
    for tag, century in ((_der.UTC_TIME, ""), (_der.GENERALIZED_TIME, "20")):
        with pytest.raises(_der.DerError):
            _der.read_time(_der.DerElement(tag, (century + text).encode(), b""))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_what_is_written_is_read_again(size):
    written = _der.write_element(_der.OCTET_STRING, b"x" * size)
    assert _der.read_element(written, _der.OCTET_STRING) == _der.DerElement(_der.OCTET_STRING, b"x" * size, written)

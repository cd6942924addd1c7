# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every form a pair comes in is opened, by the controller's library and by a host's openssl, to the same PEM."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._certificate.openssl import Openssl
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import (
    SOURCES,
    CannotOpenError,
    open_texts,
    refuse_public_keys,
)
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import Cryptography
from safe_folder import miss

GIVEN = yaml.safe_load((Path(__file__).parent / "sources.yml").read_text(encoding="utf-8"))
CERTIFICATE, OTHER, KEY = (GIVEN[name].encode() for name in ("certificate", "other", "key"))
LOCKED = [pytest.param(case, id=case["title"]) for case in GIVEN["locked"]]


class Nobody:
    """What is open already is nobody's to open."""

    def open_key(self, pem, passphrase):
        raise AssertionError("there is nothing to open")

    open_pkcs12 = open_key


def has_legacy_provider():
    listed = subprocess.run(["openssl", "list", "-providers", "-provider", "legacy"], capture_output=True, check=False)
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    return listed.returncode == 0 or version.startswith("OpenSSL 1.")


@pytest.fixture(params=["cryptography", "openssl"])
def opener(request):
    if request.param == "cryptography":
        return Cryptography()
    if Host().find("openssl") is None:
        miss("openssl is not installed")
    if request.getfixturevalue("case").get("legacy") and not has_legacy_provider():
        miss("openssl has no legacy provider (Debian 13: openssl-provider-legacy)")
    return Openssl(Host())


def texts(**given):
    return dict(dict.fromkeys(SOURCES), **given)


def texts_of(case):
    if "bundle" in case:
        return texts(bundle=base64.b64decode(case["bundle"]))
    return texts(certificate=CERTIFICATE, key=case["key"].encode())


@pytest.mark.parametrize("case", LOCKED)
def test_what_is_locked_is_opened(case, opener):
    opened = open_texts(texts_of(case), case["passphrase"], opener)
    whole = "bundle" in case
    assert opened.texts == texts(certificate=CERTIFICATE + OTHER if whole else CERTIFICATE, key=KEY)
    assert opened.mended == (() if whole else ("key: passphrase taken off the key",))


REFUSED = {
    ("bundle", "wrong"): "bundle is PKCS#12 that does not open with the given passphrase, or is damaged",
    ("bundle", None): "bundle is PKCS#12 that does not open without a passphrase: give its passphrase as passphrase",
    ("key", "wrong"): (
        "key: the key does not open with the given passphrase, is damaged, or is encrypted in a way that is not known"
    ),
    ("key", None): (
        "key: the key is encrypted with a passphrase, which a web server would ask for at every start: give it as "
        "passphrase, and the key is installed without"
    ),
}


@pytest.mark.parametrize("passphrase", ["wrong", None])
@pytest.mark.parametrize("case", [case for case in LOCKED if case.values[0]["passphrase"]])
def test_another_passphrase_or_none_is_told(case, opener, passphrase):
    with pytest.raises(RequestError) as refused:
        open_texts(texts_of(case), passphrase, opener)
    assert refused.value.message == REFUSED["bundle" if "bundle" in case else "key", passphrase]


@pytest.mark.parametrize("case", LOCKED)
def test_damaged_bytes_open_for_nobody(case, opener):
    given = texts_of(case)
    for name in ("bundle", "key"):
        if given[name] is not None:
            half = base64.b64encode(os.urandom(48)) + b"\n"
            given[name] = given[name][:100] + os.urandom(200) if name == "bundle" else swap_line(given[name], half)
    with pytest.raises(RequestError) as refused:
        open_texts(given, case["passphrase"], opener)
    assert KEY.decode().split("\n")[1] not in refused.value.message


def swap_line(pem, line):
    lines = pem.splitlines(keepends=True)
    return b"".join([*lines[:-2], line, lines[-1]])


def der_of(pem):
    return base64.b64decode(b"".join(pem.strip().split(b"\n")[1:-1]))


SEC1 = subprocess.run(["openssl", "ec"], input=KEY, capture_output=True, check=True).stdout
OPEN = {
    "DER": (
        texts(certificate=der_of(CERTIFICATE), key=der_of(KEY)),
        ["certificate: DER made PEM", "key: DER made PEM"],
    ),
    "DER of SEC1": (texts(certificate=CERTIFICATE, key=der_of(SEC1)), ["key: DER made PEM"]),
    "base64 alone": (
        texts(certificate=base64.b64encode(der_of(CERTIFICATE)), key=KEY),
        ["certificate: base64 without BEGIN and END lines made PEM"],
    ),
    "all in one": (texts(bundle=KEY + CERTIFICATE), []),
    "all in one, the key last": (texts(bundle=CERTIFICATE + KEY), []),
    "all in one, with what tools write around": (
        texts(
            bundle=b"Bag Attributes\r\n" + CERTIFICATE + b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
            b"-----END EC PARAMETERS-----\n" + KEY
        ),
        ["bundle: CRLF line ends made LF", "bundle: text around the PEM removed", "bundle: EC PARAMETERS left out"],
    ),
}


@pytest.mark.parametrize("title", OPEN)
def test_what_is_open_needs_no_passphrase(title):
    given, mended = OPEN[title]
    opened = open_texts(given, None, Nobody())
    expected_key = SEC1 if "SEC1" in title else KEY
    assert (opened.texts, list(opened.mended)) == (texts(certificate=CERTIFICATE, key=expected_key), mended)


def test_the_intermediates_of_a_bundle_stay_with_its_certificate():
    opened = open_texts(texts(bundle=OTHER + KEY + CERTIFICATE), None, Nobody())
    assert opened.texts == texts(certificate=OTHER + CERTIFICATE, key=KEY)


def test_a_locked_key_in_a_bundle_is_opened():
    for case in GIVEN["locked"]:
        if "key" in case:
            opened = open_texts(texts(bundle=case["key"].encode() + CERTIFICATE), "secret", Cryptography())
            assert opened.texts == texts(certificate=CERTIFICATE, key=KEY)
            assert opened.mended[-1] == "bundle: passphrase taken off the key"


STRANGE = {
    "PKCS#12 as certificate": (
        texts(certificate=base64.b64decode(GIVEN["locked"][0]["bundle"]), key=KEY),
        "certificate is PKCS#12, which holds key and certificates in one: give it as bundle",
    ),
    "a Java keystore": (
        texts(bundle=b"\xfe\xed\xfe\xed\x00\x00\x00\x02"),
        "bundle is a Java keystore: make it PKCS#12 with 'keytool -importkeystore -deststoretype PKCS12'",
    ),
    "a bundle without a key": (
        texts(bundle=CERTIFICATE),
        "bundle holds no private key: where the two come apart, give them as key and certificate",
    ),
    "a bundle without a certificate": (
        texts(bundle=KEY),
        "bundle holds no certificate: where the two come apart, give them as key and certificate",
    ),
    "something binary": (
        texts(bundle=b"0\x82\x01\x00abc"),
        "bundle is binary, and neither a certificate nor a key in DER nor PKCS#12; is it damaged?",
    ),
}


@pytest.mark.parametrize("title", STRANGE)
def test_what_cannot_be_meant_is_refused(title):
    given, message = STRANGE[title]
    with pytest.raises(RequestError) as refused:
        open_texts(given, "secret", Nobody())
    assert refused.value.message == message


def test_a_host_without_openssl_is_told_what_to_do():
    class Bare(Host):
        def find(self, name):
            return None

    with pytest.raises(HostError) as refused:
        Openssl(Bare()).open_key(b"", b"secret")
    assert refused.value.message == (
        "opening a passphrase on this host takes its openssl command, which is not installed: install it, or give the "
        "file from the controller"
    )


def test_a_passphrase_is_never_an_argument(monkeypatch):
    seen = []
    real = subprocess.run

    def watch(argv, check, **given):
        seen.append((argv, given["env"]))
        return real(argv, check=check, **given)

    monkeypatch.setattr(subprocess, "run", watch)
    case = next(case for case in GIVEN["locked"] if "key" in case)
    Openssl(Host()).open_key(case["key"].encode(), b"secret")
    with pytest.raises(CannotOpenError):
        Openssl(Host()).open_key(case["key"].encode(), b"a secret that is wrong")
    assert len(seen) == 3
    assert not any("secret" in str(one) for one in seen)


def test_a_key_in_a_public_option_is_refused():
    refuse_public_keys(texts(certificate=CERTIFICATE, key=KEY))
    with pytest.raises(RequestError) as refused:
        refuse_public_keys(texts(certificate=CERTIFICATE, key=KEY, chain=KEY))
    assert refused.value.message == (
        "chain holds a private key, and chain is no secret option: the key belongs into key, or both into bundle"
    )


def test_what_was_opened_does_not_show_itself():
    assert repr(open_texts(texts(bundle=KEY + CERTIFICATE), None, Nobody())) == "Opened(certificate, key)"

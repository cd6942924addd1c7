# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PEM as people have it: what is mended is said, what is damaged is refused, and neither quotes what is inside."""

from __future__ import annotations

import base64

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_authorities, read_pair
from ansible_collections.port443.https.plugins.module_utils._pki.pem import write_pem

NOW = int(pki.NOW.timestamp())
CERTIFICATE = pki.site().pem()
KEY = pki.site().key_pem()
CHAIN = pki.intermediate().pem()
ONE_LINE = CERTIFICATE.replace(b"-----\n", b"----- ", 1).rstrip().replace(b"\n", b" ")


def wrap_at_76(pem):
    lines = pem.decode().strip().split("\n")
    body = "".join(lines[1:-1])
    return "\n".join([lines[0], *[body[at : at + 76] for at in range(0, len(body), 76)], lines[-1], ""]).encode()


MENDED = {
    "nothing": (CERTIFICATE, []),
    "CRLF": (CERTIFICATE.replace(b"\n", b"\r\n"), ["certificate: CRLF line ends made LF"]),
    "old Macintosh line ends": (CERTIFICATE.replace(b"\n", b"\r"), ["certificate: CRLF line ends made LF"]),
    "UTF-8 BOM": (b"\xef\xbb\xbf" + CERTIFICATE, ["certificate: byte order mark removed"]),
    "UTF-16 of a Windows editor": (
        b"\xff\xfe" + CERTIFICATE.decode().replace("\n", "\r\n").encode("utf-16-le"),
        ["certificate: byte order mark removed", "certificate: CRLF line ends made LF"],
    ),
    "no final newline": (CERTIFICATE.rstrip(), ["certificate: final newline added"]),
    "text around": (
        "Bag Attributes\n  friendlyName: Müller\n".encode("latin-1") + CERTIFICATE + b"the end\n",
        ["certificate: text around the PEM removed"],
    ),
    "line ends of two characters": (
        CERTIFICATE.replace(b"\n", b"\\n"),
        ["certificate: '\\n' written as two characters made a line end"],
    ),
    "one line": (ONE_LINE, ["certificate: final newline added", "certificate: lines wrapped again at 64 characters"]),
    "76 columns": (wrap_at_76(CERTIFICATE), ["certificate: lines wrapped again at 64 characters"]),
    "indentation": (
        CERTIFICATE.replace(b"\n", b"\n    "),
        ["certificate: final newline added", "certificate: lines wrapped again at 64 characters"],
    ),
    "the older label": (CERTIFICATE.replace(b" CERT", b" X509 CERT"), []),
    "DH parameters": (
        CERTIFICATE + write_pem("DH PARAMETERS", b"0\x03\x02\x01\x05"),
        ["certificate: DH PARAMETERS left out"],
    ),
    "twice": (CERTIFICATE + CERTIFICATE, ["certificate: a second copy of the same certificate left out"]),
}


@pytest.mark.parametrize("title", MENDED)
def test_untidy_pem_is_mended_and_said(title):
    given, mended = MENDED[title]
    pair = read_pair(given, KEY, CHAIN, NOW)
    assert list(pair.mended) == mended
    assert pair.fullchain_pem() == CERTIFICATE + CHAIN
    assert pair.key.pem == KEY


def test_a_mended_key_is_the_same_generation():
    untidy = read_pair(CERTIFICATE.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + KEY.rstrip(), CHAIN, NOW)
    assert untidy.mended == (
        "certificate: CRLF line ends made LF",
        "key: byte order mark removed",
        "key: final newline added",
    )
    assert untidy.generation() == read_pair(CERTIFICATE, KEY, CHAIN, NOW).generation()


def test_a_cross_signed_twin_is_served_as_it_reaches_more_clients():
    old, new = (pki.issue(name, ca=True, number=at) for at, name in ((120, "Old Root"), (121, "New Root")))
    twin = pki.issue("New Root", ca=True, number=121, issuer=old, days=(-1, 30))
    over = pki.issue("New Root", ca=True, number=121, issuer=old, days=(-90, -1))
    leaf = pki.issue("www.example.com", ["www.example.com"], issuer=new)
    for others, chain in (((new, twin), [twin]), ((twin, new, old), [twin]), ((over, new), [])):
        given = b"".join(one.pem() for one in (leaf, *others))
        assert read_pair(given, leaf.key_pem(), None, NOW).chain_pem() == b"".join(one.pem() for one in chain)


def test_ec_parameters_before_the_key_are_left_out():
    parameters = write_pem("EC PARAMETERS", bytes.fromhex("06082a8648ce3d030107"))
    pair = read_pair(CERTIFICATE, parameters + pki.site().key_pem("traditional"), CHAIN, NOW)
    assert pair.mended == ("key: EC PARAMETERS left out",)


OTHER_KEY = pki.site(number=2).key_pem()
ENCRYPTED = "key is encrypted with a passphrase"
REFUSED = {
    "nothing": (b" \n", KEY, "certificate is empty"),
    "no PEM": (b"hello\n", KEY, "certificate is not PEM: no '-----BEGIN ...-----' line in its 6 characters"),
    "DER": (
        pki.site().der(),
        KEY,
        "certificate is binary, and neither a certificate nor a key in DER nor PKCS#12; is it damaged?",
    ),
    "vault": (
        b"$ANSIBLE_VAULT;1.1;AES256\n6162\n",
        KEY,
        "certificate is still encrypted with ansible-vault: give it from the controller, which can open it",
    ),
    "no end": (
        CERTIFICATE[:300],
        KEY,
        "certificate is truncated: a CERTIFICATE block has no '-----END CERTIFICATE-----' line",
    ),
    "no beginning": (CERTIFICATE[100:], KEY, "certificate is truncated: an END line without its BEGIN line"),
    "an end of another": (
        CERTIFICATE[:300] + b"\n" + CERTIFICATE,
        KEY,
        "certificate is truncated: a CERTIFICATE block has no '-----END CERTIFICATE-----' line",
    ),
    "a lost line": (
        b"\n".join(CERTIFICATE.split(b"\n")[:4] + CERTIFICATE.split(b"\n")[5:]),
        KEY,
        "certificate: the CERTIFICATE block is damaged or truncated: it ends 48 bytes too early",
    ),
    "no base64": (
        CERTIFICATE.replace(b"MII", b"M!I", 1),
        KEY,
        "certificate: the CERTIFICATE block is damaged: what is between its lines is not base64",
    ),
    "nothing between": (
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        KEY,
        "certificate: the CERTIFICATE block is empty",
    ),
    "far too long": (
        b"x" * (1 << 20) + b"x",
        KEY,
        "certificate: 1048577 bytes are more than any certificate or key has",
    ),
    "a request": (
        pki.request_pem("www.example.com"),
        KEY,
        "certificate holds a certificate request (CSR), not a certificate: give what the CA made from it",
    ),
    "parameters alone": (
        write_pem("DH PARAMETERS", b"0\x03\x02\x01\x05"),
        KEY,
        "certificate holds no certificate",
    ),
    "PKCS#7": (
        write_pem("PKCS7", b"0\x03\x02\x01\x05"),
        KEY,
        "certificate holds a PKCS7: take the certificates out with 'openssl pkcs7 -print_certs'",
    ),
    "a public key": (
        write_pem("PUBLIC KEY", b"0\x03\x02\x01\x05"),
        KEY,
        "certificate holds a PUBLIC KEY, not a certificate",
    ),
    "no certificate inside": (
        write_pem("CERTIFICATE", b"0\x03\x02\x01\x05"),
        KEY,
        "certificate: a certificate in it is damaged: it lacks fields",
    ),
    "swapped": (
        KEY,
        CERTIFICATE,
        "key and certificate are swapped: certificate holds a private key and key holds none",
    ),
    "both in one": (
        CERTIFICATE + KEY,
        KEY,
        "certificate holds a private key, and certificate is no secret option: give the key as key and the "
        "certificates alone as certificate, or all in one as bundle",
    ),
    "no key": (CERTIFICATE, CERTIFICATE, "key holds no private key but CERTIFICATE"),
    "two keys": (
        CERTIFICATE,
        KEY + OTHER_KEY,
        "key holds 2 different private keys: give the one of this certificate",
    ),
    "a PKCS#8 key with a passphrase": (CERTIFICATE, pki.site().key_pem(passphrase=b"secret"), ENCRYPTED),
    "a SEC1 key with a passphrase": (
        CERTIFICATE,
        pki.site().key_pem("traditional", passphrase=b"secret"),
        ENCRYPTED,
    ),
    "an OpenSSH key": (
        CERTIFICATE,
        pki.site().key_pem("openssh"),
        "key is an OpenSSH key: convert it with 'ssh-keygen -p -m PKCS8 -f'",
    ),
    "a damaged key": (CERTIFICATE, write_pem("PRIVATE KEY", b"0\x03\x02\x01\x05"), "key is damaged: it lacks fields"),
}


@pytest.mark.parametrize("title", REFUSED)
def test_damaged_or_wrong_pem_is_refused_by_name(title):
    certificate, key, message = REFUSED[title]
    with pytest.raises(RequestError) as refused:
        read_pair(certificate, key, None, NOW)
    assert refused.value.message == message


@pytest.mark.parametrize("size", range(60, len(KEY), 7))
def test_a_truncated_key_is_refused_without_quoting_it(size):
    with pytest.raises(RequestError) as refused:
        read_pair(CERTIFICATE, KEY[:size], CHAIN, NOW)
    told = refused.value.message
    secret = base64.b64encode(base64.b64decode("".join(KEY.decode().split("\n")[1:-2]))).decode()
    assert not any(secret[at : at + 8] in told for at in range(len(secret) - 8))


def test_authorities_are_cleaned_and_nothing_else_is_taken():
    assert read_authorities(b"# ours\r\n" + pki.root().pem() + CHAIN) == pki.root().pem() + CHAIN
    with pytest.raises(RequestError) as refused:
        read_authorities(KEY)
    assert refused.value.message == "ca holds a private key: it belongs into key alone"

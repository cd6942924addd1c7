# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The PKCS#12 that is sent can be read by Windows Server 2016: 3DES and SHA-1 alone, and no name in it."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import offer
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import write_pfx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

# Object identifiers in DER: pbeWithSHAAnd3-KeyTripleDES-CBC, SHA-1, friendlyName; PBES2, AES-256-CBC, SHA-256.
TRIPLE_DES, SHA1 = bytes.fromhex("060a2a864886f70d010c0103"), bytes.fromhex("06052b0e03021a")
FRIENDLY_NAME = bytes.fromhex("06092a864886f70d010914")
NEWER = [bytes.fromhex(one) for one in ("06092a864886f70d01050d", "060960864801650304012a", "0609608648016503040201")]


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521"])
@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_what_is_written_is_of_old_algorithms_alone_and_reads_back(kind, form):
    issued = pki.issue("www.example.com", ["www.example.com"], key=kind, number=5)
    pfx = write_pfx(issued.key_pem(form), issued.der(), "a password")
    assert (pfx.count(TRIPLE_DES), SHA1 in pfx, FRIENDLY_NAME in pfx) == (2, True, False)
    assert not [one for one in NEWER if one in pfx]
    held = pkcs12.load_pkcs12(pfx, b"a password")
    assert held.key.private_numbers() == issued.key.private_numbers()
    assert (held.cert.certificate, held.cert.friendly_name, held.additional_certs) == (issued.certificate, None, [])


def test_a_library_that_cannot_write_it_is_told(monkeypatch):
    monkeypatch.delattr(serialization.PrivateFormat, "encryption_builder")
    issued = pki.site()
    with pytest.raises(HostError, match="version 38 or newer"):
        write_pfx(issued.key_pem(), issued.der(), "a password")


@pytest.mark.parametrize("kind", ["ed25519", "secp256k1"])
def test_a_key_that_windows_does_not_serve_is_refused(kind):
    issued = pki.issue("www.example.com", ["www.example.com"], key=kind)
    with pytest.raises(RequestError, match="Windows serves RSA keys and EC keys on P-256, P-384, P-521, and this one"):
        offer(read_pair(issued.pem(), issued.key_pem(), None, 0))


def test_a_root_is_not_offered():
    issued = pki.site()
    chain = pki.intermediate().pem() + pki.root().pem()
    offered = offer(read_pair(issued.pem() + chain, issued.key_pem(), None, 0))
    assert [one.der for one in offered.chain] == [
        offer(read_pair(pki.intermediate().pem(), pki.intermediate().key_pem(), None, 0)).leaf.der
    ]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What certbot up to 2.x keeps of an attempt that a CA refused is gone, and nothing of others' is."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from played_renewal import SITE, run, tree

LONG = ".".join(["a" * 60] * 4)  # whose length takes two bytes


def keep(renewed, number, key, *names):
    """Puts a key and a request where certbot keeps them, as certbot names them."""
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
    )
    files = {
        f"csr/{number:04}_csr-certbot.pem": request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM),
        f"keys/{number:04}_key-certbot.pem": pki.write_key(key),
    }
    for name, content in files.items():
        path = renewed.root / "letsencrypt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def kept(renewed):
    return sorted(path for path in tree(renewed) if path.endswith("-certbot.pem"))


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048"])
@pytest.mark.parametrize("names", [[SITE], [SITE, LONG]])
def test_a_refusal_leaves_no_key_and_no_request(renewed, host, certbot, monkeypatch, kind, names):
    keep(renewed, 0, pki.make_key(kind, 0), *names)  # of an earlier time, and not known to be ours

    def refuse(host, command, settings):
        if command[1] != "certonly":
            return certbot(host, command, settings)
        keep(renewed, 1, pki.make_key(kind, 1), *names)
        keep(renewed, 2, pki.make_key(kind, 2), "shop.example.com")  # somebody else's, at that moment
        return Completed(command, 1, "", "Detail: 404")

    monkeypatch.setattr(_certbot, "_run_once", refuse)
    with pytest.raises(HostError, match="Detail: 404"):
        run(renewed, host, names=names)
    assert kept(renewed) == [
        f"letsencrypt/{kind}/{number}_{name}-certbot.pem"
        for kind, name in (("csr", "csr"), ("keys", "key"))
        for number in ("0000", "0002")
    ]


def test_files_there_that_are_no_keys_and_no_requests_stay(renewed, host, certbot, monkeypatch):
    def refuse(host, command, settings):
        if command[1] == "certonly":
            for kind in ("csr", "keys"):
                folder = renewed.root / "letsencrypt" / kind
                folder.mkdir(parents=True)
                (folder / "notes-certbot.pem").write_text(f"{SITE}\n")
                (folder / "x-certbot.pem").write_bytes(pki.site().pem())
            return Completed(command, 1, "", "Detail: 404")
        return certbot(host, command, settings)

    monkeypatch.setattr(_certbot, "_run_once", refuse)
    with pytest.raises(HostError, match="Detail: 404"):
        run(renewed, host)
    assert len(kept(renewed)) == 4

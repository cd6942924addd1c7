# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Windows host could have said of its certificates and bindings, for tests of what is planned from it."""

from __future__ import annotations

import functools

import pki
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    StoredCertificate,
    StoreObservation,
    write_certificate,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import offer
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    AskedBinding,
    StoreRequest,
)
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair

SITE = "www.example.com"
THEIRS = "11112222-3333-4444-5555-666677778888"
WORDS = frozenset(
    [
        "ipport",
        "hostnameport",
        "certhash",
        "appid",
        "certstorename",
        "clientcertnegotiation",
        "dsmapperusage",
        "usagecheck",
    ]
)
PLACES = ("ipport=0.0.0.0:443", "ipport=[::]:443", "hostnameport=www.example.com:443", "ipport=192.0.2.7:8443")
OTHER = "F" * 40


@functools.lru_cache(maxsize=None)
def pair(number=1):
    issued = pki.site(SITE, number=number)
    return offer(read_pair(issued.pem() + pki.intermediate().pem(), issued.key_pem(), None, 0))


def request(*places, **options):
    settings = {"state": "present", "store": "My", "exportable": False, "keep": 2, "prove": True, "prove_timeout": 9}
    asked = tuple(AskedBinding(place, "") for place in places)
    return StoreRequest(site=SITE, bindings=asked, **{**settings, **options})


def stored(one, name="", key=True):
    return write_certificate(StoredCertificate(key, one.until, one.issuer, one.subject, name))


def observed(certificates=None, bindings=None, **more):
    settings = {"users": {}, "netsh": WORDS, "chain": {}, "seen": (), "iis": (), "guarded": True, "failure": None}
    return StoreObservation(
        certificates=certificates or {}, bindings=bindings or {}, **{**settings, "left": (), **more}
    )


def ours(*numbers):
    """Certificates of the site in the store My, as observed."""
    leaves = [pair(number).leaf for number in numbers]
    return {f"My\\{leaf.thumbprint}": stored(leaf, f"port443:{SITE}:{leaf.thumbprint[:8]}") for leaf in leaves}


def chain_path():
    return f"CA\\{pair().chain[0].thumbprint}"

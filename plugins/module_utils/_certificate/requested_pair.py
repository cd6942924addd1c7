# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A site's pair as it is asked for: where it goes, and where a service is to be asked for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.request import (
    CertificateRequest,
    choose_server_name,
)
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving, WantedPair

DEFAULT_ADDRESS, DEFAULT_PORT = "127.0.0.1", 443


@dataclass(frozen=True)
class RequestedPair:
    """One site's request, the pair, and the files that it is to be.

    ``label`` comes before what is told of the site alone; it is empty for the only one that a task is about.
    """

    request: CertificateRequest
    pair: KeyPair
    want: store.Generation
    label: str = ""

    @property
    def site(self) -> str:
        """The site's name, which is that of its directory."""
        return self.request.site

    @property
    def path(self) -> str:
        """The directory of the site, without a final slash."""
        return site_path(self.request)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hexadecimal."""
        return self.pair.leaf.fingerprint()

    def wanted(self) -> WantedPair:
        """Returns what to look for in the configuration of a service."""
        return WantedPair(self.path, choose_server_name(self.pair, self.request), self.pair.leaf.dns_names)

    def expect(self, places: Tuple[Endpoint, ...]) -> Expectation:
        """Returns that the pair is to be served at these places."""
        return Expectation(self.site, self.fingerprint, self.pair.leaf.key.kind, places)

    def places(self, serving: Serving) -> Tuple[Endpoint, ...]:
        """Returns where to ask for the pair."""
        return find_places(self.request, serving, choose_server_name(self.pair, self.request))


def site_path(request: CertificateRequest) -> str:
    """Returns the directory of a site, without a final slash."""
    return os.path.join(request.directory, request.site)


def find_places(request: CertificateRequest, serving: Serving, name: str) -> Tuple[Endpoint, ...]:
    """Returns where to ask for a site, by ``name``: where the request says, else where the service serves it."""
    port, address = request.prove_port, request.prove_address
    if address is not None:
        return (Endpoint(address, port or DEFAULT_PORT, name),)
    places = tuple(place for place in serving.places if port in (None, place.port))
    return places or (Endpoint(DEFAULT_ADDRESS, port or DEFAULT_PORT, name),)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What mail servers are expected to serve of sites that name them, and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._mailservers import control as _control
from ansible_collections.port443.https.plugins.module_utils._mailservers.control import MailService
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

Looks = Mapping[str, Tuple[Look, ...]]


@dataclass(frozen=True)
class MailExpectation:
    """What a mail server is to serve for a site: ``one`` has its own name, of the site and the server."""

    site: Site
    server: str
    service: MailService
    one: Expectation

    def missed(self, looks: Looks) -> Tuple[Look, ...]:
        """Returns the looks that saw something else; a port that offers no TLS counts where no other one does."""
        seen = looks.get(self.one.site, ())
        asked = [look for look in seen if look.offered] or seen
        return tuple(look for look in asked if look.fingerprint != self.one.fingerprint)

    def is_met(self, looks: Looks) -> bool:
        """Tells whether the certificate was seen at every port of the server that offers TLS."""
        return bool(looks.get(self.one.site)) and not self.missed(looks)

    def tell(self, looks: Looks) -> str:
        """Returns what was seen instead, and what to do."""
        seen = ", ".join(map(str, self.missed(looks))) or "nothing was seen"
        return (
            f"{self.service.kind.title} does not serve the certificate of {self.site.name}: {seen} instead of "
            f"sha256:{self.one.fingerprint}; have {self.service.kind.settings} name {self.site.certificate}, and the "
            f"key {self.site.key}"
        )


def expect(host: Host, sites: Sequence[Site], leaves: Mapping[str, Certificate]) -> Tuple[MailExpectation, ...]:
    """Returns what mail servers are to serve; raises HostError where one of them does not run."""
    names = dict.fromkeys(name for site in sites for name in site.also_reload)
    services = {name: _control.observe(host, name) for name in names}
    return tuple(
        MailExpectation(site, name, services[name], _expect(site, name, services[name], leaves[site.name]))
        for site in sites
        for name in site.also_reload
    )


def _expect(site: Site, server: str, service: MailService, leaf: Certificate) -> Expectation:
    told = next((name for name in site.names if not is_address(name) and not name.startswith("*")), "")
    places = tuple(replace(place, name=told) for place in service.places)
    return Expectation(f"{site.name} {server}", leaf.fingerprint(), leaf.key.kind, places)

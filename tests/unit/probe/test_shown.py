# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server shows beside its own certificate, or before it refuses to go on, is judged too."""

from __future__ import annotations

import ssl

import pki
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time

from .conftest import Servers, answer_in_tls
from .test_probe import GOOD, NAME, ask, detail, instead, outcomes


def test_which_certificate_of_a_chain_is_out_of_date_is_told(servers: Servers) -> None:
    """The days that are told are those of the site's own certificate."""
    old_root = pki.issue("Old Root", ca=True, number=210, days=(-900, -2))
    young = pki.issue("Young", issuer=old_root, ca=True, number=211)
    stale = pki.issue("Stale", issuer=pki.root(), ca=True, number=212, days=(-900, -2))
    whole, half = (pki.issue(NAME, [NAME], issuer=one, number=213) for one in (young, stale))
    roots = {"ca": old_root, "stale": pki.root()}
    told = {}
    for what, (issued, above) in {"ca": (whole, young), "stale": (half, stale)}.items():
        port = servers.https(issued.pem(), above.pem(), key=issued.key_pem())
        report = ask(port, authorities=roots[what].pem().decode("ascii"))
        assert outcomes(report) == instead(chain="expired")
        told[what] = detail(report, "chain")
    dates = "valid from {} to {}: certificate has expired".format(
        *(
            show_time(int(moment.timestamp()))
            for moment in (stale.certificate.not_valid_before_utc, stale.certificate.not_valid_after_utc)
        )
    )
    assert told == {"ca": f"'CN=Old Root', of ca, {dates}", "stale": f"'CN=Stale', {dates}"}


def test_a_server_of_tls_1_2_that_wants_a_certificate_of_its_clients_is_judged_by_its_own(servers: Servers) -> None:
    """It ends the handshake with an alert, after it has shown what it serves."""

    def demand(issued: pki.Issued, *above: pki.Issued) -> int:
        context = servers.context([issued.pem(), *(one.pem() for one in above)], issued.key_pem())
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pki.root().pem().decode("ascii"))
        return servers.raw(lambda connection: answer_in_tls(context, connection))

    report = ask(demand(pki.site(), pki.intermediate()))
    assert (outcomes(report), detail(report, "tls")) == (GOOD, "TLSv1.2")
    assert outcomes(ask(demand(pki.site()))) == instead(chain="untrusted")

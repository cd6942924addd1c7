# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is returned of where a certificate is shown, and what check mode foretells of that."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import SeenCertificate
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import plan_present
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import APPLICATION
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import report_pair
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from store_observations import OTHER, PLACES, SITE, observed, ours, pair, request

NEW = pair(1).leaf
CARRIED = {PLACES[0]: binding.make_binding(NEW.thumbprint, APPLICATION, "My")}
ISSUED = pki.site(SITE, number=1)


def shown(thumbprint, listens=True, problem="", place=PLACES[0]):
    return SeenCertificate(place, "127.0.0.1", 443, "", listens, thumbprint, thumbprint.lower(), problem)


def told(seen, **options):
    key_pair = read_pair(ISSUED.pem(), ISSUED.key_pem(), None, 0)
    result = report_pair(request(PLACES[0], **options), key_pair, NEW.thumbprint, ("opened",), seen, 0)
    return result["served"], result["served_because"]


@pytest.mark.parametrize(
    ("looks", "bindings", "served"),
    [
        ([shown(NEW.thumbprint)], CARRIED, ("yes", "")),
        ([shown(NEW.thumbprint)], {}, ("no", "no binding of http.sys carries it")),
        ([shown("", False, "nothing listens")], CARRIED, ("no", f"nothing listens at {PLACES[0]}")),
        ([shown(OTHER)], CARRIED, ("other", f"{PLACES[0]} shows {OTHER}")),
        ([shown("", True, "reset")], CARRIED, ("other", f"{PLACES[0]} shows reset")),
        ([shown(NEW.thumbprint), shown(OTHER, place=PLACES[1])], CARRIED, ("yes", "")),
    ],
)
def test_where_it_is_shown_is_told(looks, bindings, served):
    assert told(observed(ours(1), bindings, seen=tuple(looks))) == served


def test_without_proof_nothing_is_known():
    assert told(observed(ours(1), CARRIED), prove=False)[0] == "unknown"


@pytest.mark.parametrize(
    ("look", "served"),
    [(shown(OTHER), "yes"), (shown("", True, "reset"), "yes"), (shown("", False, "nothing listens"), "no")],
)
def test_a_check_foretells_what_http_sys_will_show_where_somebody_listens(look, served):
    seen = observed({}, {}, seen=(look,))
    plan = plan_present(seen, request(PLACES[0]), pair(1))
    foreseen = foresee(seen, plan, pair(1))
    assert told(foreseen)[0] == served
    assert (foreseen.seen == (look,)) == (not look.listens)


def test_the_pair_is_described_without_its_key():
    key_pair = read_pair(ISSUED.pem(), ISSUED.key_pem(), None, 0)
    result = report_pair(request(), key_pair, NEW.thumbprint, ("opened",), observed(), 0)
    assert (result["thumbprint"], result["fingerprint"]) == (NEW.thumbprint, ISSUED.sha256())
    assert (result["subject_names"], result["issuer"]) == ([SITE], "CN=Test Intermediate")
    assert result["mended"] == ["opened"]
    assert "PRIVATE" not in str(result)

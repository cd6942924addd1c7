# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pair that is not served is taken back, and what clients are shown after that is what is told."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import deploy as _deploy
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls import proof, served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ObservedService,
    ServiceControl,
    Serving,
)
from site_store import MINE

NOW = int(pki.NOW.timestamp())
NAME = "www.example.com"
PLACE = Endpoint("127.0.0.1", 443, NAME)
ASTRAY = Endpoint("127.0.0.1", 443, NAME, instead=("shop.example.net", "*.example.net"))
UNNAMED = Endpoint("127.0.0.1", 443, "", instead=("shop.example.net",))
OTHERS = "0f" * 32


class Web:
    """A service that shows, by server name, what its last reload found installed, and breaks as it is told to."""

    test_command, reload_command = ("web", "-t"), ("web", "reload")

    def __init__(self, store, place=PLACE, shown_for=(NAME,)):
        self.store, self.shown_for = store, shown_for
        self.serving = Serving(True, True, (place,))
        self.tests, self.reloads = [], []
        self.said = {"test": [], "reload": []}
        self.deaf = False
        self.loaded = ""
        self.looks, self.after = 0, None  # what is shown after so many looks

    def observe(self, *wanted):
        control = ServiceControl(self.test_command, self.reload_command, self.test, self.reload)
        return ObservedService((self.serving,) * len(wanted), control)

    def test(self):
        self.tests.append(self.installed())
        return Completed(self.test_command, self.said["test"].pop(0) if self.said["test"] else 0, "", "no test")

    def reload(self):
        self.reloads.append(self.installed())
        self.loaded = self.loaded if self.deaf else self.installed()
        code = self.said["reload"].pop(0) if self.said["reload"] else 0
        return Completed(self.reload_command, code, "", "no reload")

    def installed(self):
        chain = self.store / NAME / "current" / "fullchain.pem"
        return pki.fingerprint_of(chain.read_bytes()) if chain.exists() else ""

    def look(self, place, _ciphers):
        self.looks += 1
        self.loaded = self.after(self.looks) if self.after else self.loaded
        shown = self.loaded if place.name in self.shown_for else OTHERS
        return Look(place, shown) if shown else Look(place, problem="Connection refused")


class Clock:
    """Time that passes where somebody waits, and only there."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, _seconds):
        self.now += 0.3


FIRST, SECOND = pki.site(number=1), pki.site(number=2)


def deploy(web, site, check_mode=False, **options):
    params = {option: spec.get("default") for option, spec in _request.ARGUMENT_SPEC.items()}
    given = dict(name=NAME, directory=str(web.store), prove_timeout=1, **options)
    request = _request.parse({**params, **given})
    pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW)
    want = _store.lay_out(pair, MINE)
    deployment = _deploy.Deployment((RequestedPair(request, pair, want),), web, lambda _path: None)
    (outcome,) = (deployment.check() if check_mode else deployment.deploy()).outcomes
    return outcome


def refuse(web, site, **options):
    """The message of a deployment that fails, in check mode too, which leaves what was installed before."""
    before = web.installed()
    with pytest.raises(HostError) as refused:
        deploy(web, site, **options)
    assert web.installed() == before
    return refused.value.message


@pytest.fixture
def make_web(safe_folder, monkeypatch):
    """Returns a function that makes a web server which serves the first pair."""

    def make(**wanted):
        web = Web(safe_folder / "store", **wanted)
        monkeypatch.setattr(served_certificate, "_look_once", web.look)
        monkeypatch.setattr(proof, "time", Clock())
        deploy(web, FIRST, prove=False)
        assert web.loaded == FIRST.sha256()
        web.tests, web.reloads = [], []
        return web

    return make


def test_a_pair_that_a_reload_does_not_bring_is_taken_back_and_loaded_again(make_web):
    web = make_web()
    web.deaf = True
    assert refuse(web, SECOND) == (
        f"the service was reloaded, but after 1 seconds 127.0.0.1:443 serves sha256:{FIRST.sha256()} for '{NAME}' "
        f"instead of sha256:{SECOND.sha256()}; its error log may say why; the previous pair is back and served"
    )
    assert web.reloads == [SECOND.sha256(), FIRST.sha256()]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_reload_of_somebody_else_that_is_under_way_is_no_change(make_web, check_mode):
    """nginx' old workers take connections beside the new ones for a moment: the pair is in place and not yet shown."""
    web = make_web()
    deploy(web, SECOND, prove=False)
    web.loaded, web.reloads, web.tests = FIRST.sha256(), [], []
    web.looks, web.after = 0, lambda looks: SECOND.sha256() if looks > 2 else FIRST.sha256()
    assert not deploy(web, SECOND, check_mode=check_mode).changed
    assert (web.reloads, web.tests) == ([], [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_pair_in_place_that_stays_unserved_is_reloaded(make_web, check_mode):
    web = make_web()
    deploy(web, SECOND, prove=False)
    web.loaded, web.reloads = FIRST.sha256(), []
    assert deploy(web, SECOND, check_mode=check_mode).changed
    assert web.reloads == [SECOND.sha256()] * (not check_mode)


def test_a_failed_test_is_taken_back_without_a_reload(make_web):
    web = make_web()
    web.said["test"] = [1]
    assert refuse(web, SECOND) == "'web -t' failed: no test; the previous pair is back and served"
    assert (web.tests, web.reloads) == ([SECOND.sha256()], [])


def test_a_reload_that_fails_after_it_began_is_followed_by_one_with_the_previous_pair(make_web):
    web = make_web()
    web.said["reload"] = [1]
    assert refuse(web, SECOND) == "'web reload' failed: no reload; the previous pair is back and served"
    assert (web.reloads, web.loaded) == ([SECOND.sha256(), FIRST.sha256()], FIRST.sha256())


def test_a_service_that_keeps_the_refused_pair_is_told(make_web):
    """It takes up the pair, says that it failed, and cannot be reloaded any more."""
    web = make_web()
    web.said = {"test": [0, 1], "reload": [1]}
    assert refuse(web, SECOND) == (
        "'web reload' failed: no reload; the previous pair is back, but the service could not be reloaded with it: "
        f"'web -t' failed: no test, but 127.0.0.1:443 serves sha256:{SECOND.sha256()}"
    )


@pytest.mark.parametrize("code", [0, 1])
def test_without_a_look_the_reload_decides_what_is_told(make_web, code):
    web = make_web()
    web.said["reload"] = [1, code]
    trouble = ", but the service could not be reloaded with it: 'web reload' failed: no reload" if code else ""
    assert refuse(web, SECOND, prove=False) == ("'web reload' failed: no reload; the previous pair is back" + trouble)
    assert web.reloads == [SECOND.sha256(), FIRST.sha256()]


def test_without_a_look_a_failed_test_is_taken_for_the_previous_pairs_sake(make_web):
    """Nobody looked, so clients may depend on what is installed: a test that fails for any reason refuses the pair."""
    web = make_web()
    web.said["test"] = [1]
    assert refuse(web, SECOND, prove=False) == "'web -t' failed: no test; the previous pair is back"


def test_check_mode_foretells_that_another_server_answers_the_site(make_web):
    web = make_web(place=ASTRAY, shown_for=("shop.example.net",))
    assert refuse(web, SECOND, check_mode=True) == (
        f"the pair would not be served: 127.0.0.1:443 serves sha256:{OTHERS}; the server that shows the pair is for "
        f"shop.example.net, *.example.net and not for {NAME}, so another one answers: give it a name that the "
        "certificate covers, or make it the default of 127.0.0.1:443"
    )
    assert (web.tests, web.reloads) == ([], [])


def test_check_mode_claims_nothing_where_the_own_name_shows_no_installed_pair(make_web):
    web = make_web(place=ASTRAY, shown_for=("shop.example.net",))
    web.loaded = OTHERS
    assert deploy(web, SECOND, check_mode=True).changed


def test_a_server_that_the_names_do_not_lead_to_is_named_and_proved_by_its_own(make_web):
    web = make_web(place=ASTRAY, shown_for=("shop.example.net",))
    assert refuse(web, SECOND) == (
        f"the service was reloaded, but after 1 seconds 127.0.0.1:443 serves sha256:{OTHERS} for '{NAME}' instead of "
        f"sha256:{SECOND.sha256()}; the server that shows the pair is for shop.example.net, *.example.net and not for "
        f"{NAME}, so another one answers: give it a name that the certificate covers, or make it the default of "
        "127.0.0.1:443; the previous pair is back and served"
    )
    assert web.loaded == FIRST.sha256()


def test_a_certificate_for_addresses_alone_is_the_default_servers(make_web):
    web = make_web(place=UNNAMED, shown_for=("shop.example.net",))
    assert refuse(web, SECOND) == (
        "the service was reloaded, but after 1 seconds "
        f"127.0.0.1:443 serves sha256:{OTHERS} for a client that sends no server name instead of "
        f"sha256:{SECOND.sha256()}; the server that shows the pair is for shop.example.net and not the default of "
        "127.0.0.1:443, and a certificate for addresses alone is shown by the default server: make it that; the "
        "previous pair is back and served"
    )


def test_a_refused_pair_that_stays_served_by_a_name_of_the_servers_own_is_told(make_web):
    web = make_web(place=ASTRAY, shown_for=("shop.example.net",))
    web.said["test"] = [0, 1]
    assert refuse(web, SECOND).endswith(
        "; the previous pair is back, but the service could not be reloaded with it: 'web -t' failed: no test, but "
        f"127.0.0.1:443 serves sha256:{SECOND.sha256()}"
    )


def test_what_was_not_served_before_is_not_called_served(make_web):
    web = make_web(shown_for=())
    assert refuse(web, SECOND).endswith(
        f"; the previous pair is back, as unserved as it was: 127.0.0.1:443 serves sha256:{OTHERS}"
    )


def test_a_first_pair_that_the_service_has_taken_up_in_part_is_told(safe_folder, monkeypatch):
    """Two places, of which one shows the pair: its files go, and what is in the service's memory stays."""
    web = Web(safe_folder / "store")
    both = (PLACE, Endpoint("::1", 443, NAME))
    monkeypatch.setattr(proof, "time", Clock())
    web.serving = Serving(True, True, both)
    monkeypatch.setattr(
        served_certificate,
        "_look_once",
        lambda place, _ciphers: web.look(place, None) if place == PLACE else Look(place, problem="Connection refused"),
    )
    assert refuse(web, FIRST).endswith(
        "; nothing was installed before, and nothing is now, but the service has the refused pair until it is "
        f"reloaded: 127.0.0.1:443 serves sha256:{FIRST.sha256()}"
    )


@pytest.mark.parametrize(
    ("place", "own"),
    [
        (PLACE, None),
        (ASTRAY, Endpoint("127.0.0.1", 443, "shop.example.net")),
        (Endpoint("::1", 443, NAME, instead=("_", "*.example.net", "~^(.+)$", "192.0.2.1")), None),
        (Endpoint("::1", 443, NAME, True, ("192.0.2.1", "localhost")), Endpoint("::1", 443, "localhost", True)),
    ],
)
def test_a_name_of_the_servers_own_is_one_that_can_be_asked_for(place, own):
    assert place.own() == own


@pytest.mark.parametrize(("staples", "refused"), [(False, True), (True, False), (None, False)])
def test_a_certificate_that_demands_stapling_is_refused_where_the_service_does_not_staple(make_web, staples, refused):
    web = make_web()
    web.serving = Serving(True, True, (PLACE,), staples=staples)
    demand = pki.x509.TLSFeature([pki.x509.TLSFeatureType.status_request])
    site = pki.issue(NAME, [NAME], issuer=pki.intermediate(), number=3, more=[demand])
    if not refused:
        assert deploy(web, site).served == "yes"
        return
    assert refuse(web, site) == (
        "the certificate demands OCSP stapling (must-staple, RFC 7633), and the service is not set up for that on this "
        "site, so clients such as Firefox would refuse it: set stapling up first, or have the certificate issued again "
        "without the demand"
    )
    assert (web.tests, web.reloads, web.loaded) == ([], [], FIRST.sha256())

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What follows from how a site stands, every combination that matters, without a host."""

from __future__ import annotations

import dataclasses

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import request, store
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import (
    DeploymentOutcome,
    DeploymentState,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving, WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    Listen,
    Server,
    find_places,
    find_showing,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import matches

NOW = int(pki.NOW.timestamp())
PLACE = Endpoint("127.0.0.1", 443, "www.example.com")


def make_pair(number=1, **wanted):
    site = (
        pki.issue("www.example.com", issuer=pki.intermediate(), number=number, **wanted)
        if wanted
        else pki.site(number=number)
    )
    return read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW)


def lay_out(number):
    return store.lay_out(make_pair(number), Access(0, 0, 0o600))


WANT, OLD = lay_out(1), lay_out(2)
NOTHING = store.CurrentGeneration()
HAVE_WANT, HAVE_OLD = store.CurrentGeneration(WANT.name, WANT.files), store.CurrentGeneration(OLD.name, OLD.files)
LOOSE = store.CurrentGeneration(
    WANT.name,
    {
        name: dataclasses.replace(file, access=Access(0, 0, 0o644)) if name == "privkey.pem" else file
        for name, file in WANT.files.items()
    },
)
RUNS = Serving(True, True, (PLACE,))
SHOWN = Serving(True, True, (PLACE,), shown=True)
STOPPED = Serving(True, False, (PLACE,), "nginx is not running")
NO_SITE = Serving(False, True, (), "no site", expected=False)
SEES_WANT = (Look(PLACE, pki.site(number=1).sha256()),)
SEES_OLD = (Look(PLACE, pki.site(number=2).sha256()),)
SEES_NOTHING = (Look(PLACE, problem="Connection refused"),)


def stand(have, serving, looks, prove=True):
    return DeploymentState(have, WANT, pki.site(number=1).sha256(), serving, looks, prove)


@pytest.mark.parametrize(
    ("situation", "needs_reload", "is_done", "previous"),
    [
        (stand(NOTHING, NO_SITE, SEES_NOTHING), False, False, ()),
        (stand(NOTHING, RUNS, SEES_NOTHING), True, False, ()),
        (stand(HAVE_WANT, NO_SITE, SEES_NOTHING), False, True, ()),
        (stand(HAVE_WANT, RUNS, SEES_WANT), False, True, ()),
        (stand(HAVE_WANT, RUNS, SEES_OLD), True, False, ()),
        (stand(HAVE_WANT, STOPPED, SEES_NOTHING), False, True, ()),
        (stand(LOOSE, RUNS, SEES_WANT), False, False, ()),
        (stand(HAVE_OLD, RUNS, SEES_OLD), True, False, SEES_OLD),
        (stand(HAVE_OLD, RUNS, SEES_WANT), True, False, ()),
        (stand(HAVE_OLD, STOPPED, SEES_NOTHING), False, False, ()),
        (stand(HAVE_WANT, RUNS, (), prove=False), False, True, ()),
        (stand(HAVE_OLD, RUNS, (), prove=False), True, False, ()),
        (stand(HAVE_OLD, SHOWN, (), prove=False), True, False, ()),
        (stand(HAVE_OLD, SHOWN, SEES_NOTHING), False, False, ()),
    ],
)
def test_what_is_to_do_follows_from_how_the_site_stands(situation, needs_reload, is_done, previous):
    assert (situation.needs_reload(), situation.is_done(), situation.previous()) == (needs_reload, is_done, previous)


@pytest.mark.parametrize(
    ("situation", "depends"),
    [
        (stand(HAVE_OLD, RUNS, SEES_OLD), True),
        (stand(HAVE_OLD, RUNS, SEES_NOTHING), False),
        (stand(HAVE_WANT, RUNS, SEES_WANT), False),
        (dataclasses.replace(stand(HAVE_OLD, RUNS, SEES_NOTHING), own_looks=SEES_OLD), True),
        (stand(HAVE_OLD, RUNS, (), prove=False), True),
        (stand(NOTHING, RUNS, (), prove=False), False),
    ],
)
def test_clients_may_depend_on_what_is_there(situation, depends):
    assert situation.may_serve_previous() is depends


@pytest.mark.parametrize(
    ("situation", "outcome"),
    [
        (stand(NOTHING, NO_SITE, SEES_NOTHING), DeploymentOutcome(True, "no", "no site", SEES_NOTHING)),
        (stand(HAVE_WANT, NO_SITE, SEES_OLD), DeploymentOutcome(False, "no", "no site", SEES_OLD)),
        (stand(HAVE_WANT, NO_SITE, SEES_WANT), DeploymentOutcome(False, "yes", "", SEES_WANT)),
        (stand(HAVE_WANT, RUNS, SEES_WANT), DeploymentOutcome(False, "yes", "", SEES_WANT)),
        (stand(HAVE_WANT, STOPPED, SEES_NOTHING), DeploymentOutcome(False, "no", "nginx is not running", SEES_NOTHING)),
        (
            stand(HAVE_WANT, STOPPED, SEES_OLD),
            DeploymentOutcome(
                False,
                "other",
                f"nginx is not running; 127.0.0.1:443 serves sha256:{pki.site(number=2).sha256()}",
                SEES_OLD,
            ),
        ),
        (
            stand(HAVE_WANT, STOPPED, SEES_OLD + SEES_NOTHING),
            DeploymentOutcome(
                False,
                "other",
                f"nginx is not running; {SEES_OLD[0]}; {SEES_NOTHING[0]}",
                SEES_OLD + SEES_NOTHING,
            ),
        ),
        (stand(NOTHING, RUNS, (), prove=False), DeploymentOutcome(True, "unknown", "prove is false")),
    ],
)
def test_what_is_told_where_nothing_is_reloaded(situation, outcome):
    assert situation.outcome() == outcome


def make_request(name="www.example.com", **options):
    params = {option: spec.get("default") for option, spec in request.ARGUMENT_SPEC.items()}
    return request.parse(dict(params, name=name, **options))


@pytest.mark.parametrize(
    ("request_", "names", "expected"),
    [
        (make_request(), ["www.example.com"], "www.example.com"),
        (make_request("main", names=["shop.example.com"]), ["shop.example.com"], "shop.example.com"),
        (make_request("main", names=["*.example.com"]), ["*.example.com"], "www.example.com"),
        (make_request("main", names=["192.0.2.1"]), ["192.0.2.1", "a.example.com"], "a.example.com"),
        (make_request("main", names=["192.0.2.1"]), ["192.0.2.1"], ""),
    ],
)
def test_a_server_is_asked_for_a_name_it_can_know(request_, names, expected):
    assert request.choose_server_name(make_pair(names=names), request_) == expected


BALANCED = Listen("", 443, True, True, ("10.0.0.0/8", "127.0.0.1"))
ALL, SIX = Listen("", 443, True, False), Listen("::", 8443, True, True)


@pytest.mark.parametrize(
    ("servers", "places"),
    [
        (
            [Server(("www.example.com",), (ALL, SIX, Listen("", 80, False, False)), ())],
            (Endpoint("127.0.0.1", 443, "www.example.com"), Endpoint("::1", 8443, "www.example.com", True)),
        ),
        ([Server(("shop.example.com",), (ALL,), ())], (Endpoint("127.0.0.1", 443, "shop.example.com"),)),
        ([Server(("_",), (ALL,), ())], (Endpoint("127.0.0.1", 443, "www.example.com", instead=("_",)),)),
        ([Server((), (ALL,), ())], (Endpoint("127.0.0.1", 443, "www.example.com"),)),
        (
            [Server(("a.example.net",), (ALL,), ())],
            (Endpoint("127.0.0.1", 443, "www.example.com", instead=("a.example.net",)),),
        ),
        ([Server(("a.example.net", "a.example.com"), (ALL,), ())], (Endpoint("127.0.0.1", 443, "a.example.com"),)),
        (
            [Server((".example.com",), (ALL,), ()), Server(("www.example.com",), (ALL,), ())],
            (Endpoint("127.0.0.1", 443, "www.example.com"),),
        ),
        ([Server(("www.example.com",), (), ())], ()),
        (
            [Server(("www.example.com",), (BALANCED, Listen("localhost", 444, True, True, ("::1/128",))), ())],
            (
                Endpoint("127.0.0.1", 443, "www.example.com", True),
                Endpoint("localhost", 444, "www.example.com"),
            ),
        ),
        (
            [Server(("www.example.com",), (Listen("192.0.2.7", 443, True, True, BALANCED.balancers),), ())],
            (Endpoint("192.0.2.7", 443, "www.example.com"),),
        ),
    ],
)
def test_the_places_of_proof_are_the_sockets_of_the_servers(servers, places):
    names = ("www.example.com", "shop.example.com", "*.example.com")
    assert find_places(servers, WantedPair("/etc/port443/x", "www.example.com", names), matches) == places


def show(folder, *paths):
    """Which of servers with these certificates show the pair in a folder, by their certificates."""
    (showing,) = find_showing([Server((), (), (path,)) for path in paths], [WantedPair(folder, "", ())])
    return [path for server in showing for path in server.certificates]


def test_a_link_to_the_pair_is_the_pair(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "fullchain.pem").touch()
    (tmp_path / "link.pem").symlink_to(tmp_path / "site" / "fullchain.pem")
    site = str(tmp_path.resolve() / "site")
    paths = (f"{site}/current/fullchain.pem", str(tmp_path / "link.pem"), f"{site}.example.com/current/fullchain.pem")
    assert show(site, *paths) == [*paths[:2]]


def test_a_directory_that_is_reached_by_a_link_is_the_directory(tmp_path):
    """As /etc on macOS: the configuration may name /etc or /private/etc."""
    (tmp_path / "private" / "etc" / "site").mkdir(parents=True)
    (tmp_path / "etc").symlink_to("private/etc")
    path = str(tmp_path / "private" / "etc" / "site" / "fullchain.pem")
    assert show(str(tmp_path / "etc" / "site"), path) == [path]


def test_each_pair_has_the_servers_that_show_it():
    servers = [Server((), (), (f"/etc/port443/{site}/current/fullchain.pem",)) for site in "abca"]
    wanted = [WantedPair(f"/etc/port443/{site}", "", ()) for site in "bad"]
    assert find_showing(servers, wanted) == [[servers[1]], [servers[0], servers[3]], []]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": []}, "names is empty: leave it out for the site's own name, or list what has to be covered"),
        ({"minimum_days": -1}, "minimum_days -1 is not between 0 and 3650"),
        ({"keep": 0}, "keep 0 is not between 1 and 100"),
        ({"prove_timeout": 0}, "prove_timeout 0 is not between 1 and 600"),
        ({"prove_port": 65536}, "prove_port 65536 is not between 1 and 65535"),
        (
            {"trust": "none", "ca": "x"},
            "trust: none asks nobody, so ca has no meaning with it: leave one of them out",
        ),
        ({"directory": "/etc/../tmp"}, "directory '/etc/../tmp' is not an absolute path without '..'"),
        ({"directory": "port443"}, "directory 'port443' is not an absolute path without '..'"),
        ({"directory": "//"}, "directory '//' is not an absolute path without '..'"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(options, message):
    with pytest.raises(RequestError) as refused:
        make_request(**options)
    assert refused.value.message == message


def test_a_directory_has_one_form():
    assert make_request(directory="//etc/./port443//").directory == "/etc/port443"

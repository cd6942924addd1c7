# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task of the module sites means on Windows: what is refused there, by name, and the places of a site."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import parse
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS, SITE_ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._sites.windows import read_for_windows, store_options

PAIR = {"certificate": "c", "key": "k"}


def params(*sites, **options):
    nothing = {name: option.get("default") for name, option in ARGUMENTS.items()}
    of_site = {name: option.get("default") for name, option in SITE_ARGUMENTS.items()}
    return {**nothing, "sites": [{**of_site, "redirect": None, **site} for site in sites], **options}


def refused(*sites, **options):
    with pytest.raises(RequestError) as problem:
        read_for_windows(params(*sites, **options))
    return problem.value.message


# For each option something that is none of its default's.
OTHERS = {
    "locations": [{"path": "/", "redirect_to": "/x", "redirect_code": 301, "directives": []}],
    "server": "haproxy",
    "profile": "modern",
    "unknown_names": "serve",
    "client_verification": "required",
}
MEANT = {
    *("sites", "state", "purge", "remove_certificates", "port", "http_port", "firewall", "install", "trust", "ca"),
    *("ca_file", "own_ca", "passphrase", "minimum_days", "keep", "prove_timeout"),
}
MEANT_OF_SITE = {
    *("name", "names", "default_server", "certificate", "certificate_file", "key", "key_file", "bundle", "bundle_file"),
    *("passphrase", "own_ca", "chain", "chain_file", "self_signed"),
}


def other(name, option):
    samples = {"bool": not option.get("default"), "int": 8, "list": ["x"], "dict": {}, "str": "/x", "path": "/x"}
    return OTHERS.get(name, samples[option["type"]])


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - MEANT))
def test_an_option_that_means_nothing_there_is_named(name):
    told = refused({"name": "a.example", **PAIR}, **{name: other(name, ARGUMENTS[name])})
    assert f"answers there: {name}. Leave that out for such hosts" in told


@pytest.mark.parametrize("name", sorted(set(SITE_ARGUMENTS) - MEANT_OF_SITE))
def test_an_option_of_a_site_that_means_nothing_there_is_named_with_its_site(name):
    value = True if name == "redirect" else other(name, SITE_ARGUMENTS[name])
    assert f"answers there: {name} of a.example. Leave" in refused({"name": "a.example", **PAIR, name: value})


def test_all_that_is_wrong_is_one_message():
    told = refused(
        {"name": "a.example", **PAIR, "root": "/srv", "proxy_pass": ["http://127.0.0.1:1"], "names": ["x.example"]},
        {"name": "b.example", "names": ["*.b.example", "x.example"]},
        http3=True,
        keep=0,
    )
    for part in (
        "answers there: http3, root of a.example, proxy_pass of a.example. Leave",
        "b.example: it needs a certificate: give certificate, certificate_file, bundle or own_ca",
        "b.example: http.sys has no place for *.b.example: name hosts, or set default_server",
        "keep 0 is not between 1 and 100",
        "it has both root, whose files are served, and proxy_pass",
    ):
        assert part in told, part


def test_what_the_role_always_says_is_not_refused():
    said = {
        "http2": True,
        "profile": "intermediate",
        "acme_port": 0,
        "package": [],
        "http_directives": [],
        "config": "",
    }
    site = {"name": "a.example", **PAIR, "redirect": False, "client_verification": "none", "proxy_pass": []}
    assert read_for_windows(params(site, **said)).names() == ("a.example",)


def test_a_site_that_goes_needs_its_name_alone():
    request = read_for_windows(params({"name": "a.example", "root": "/srv"}, state="absent", http3=True))
    (options,) = store_options(request, params({"name": "a.example"}))
    assert (options["state"], options["bindings"], parse(options).bindings) == ("absent", [], ())


def test_a_site_has_a_place_for_each_name_and_the_default_one_has_all_addresses():
    sites = (
        {"name": "a.example", "names": ["A.example", "bücher.example"], **PAIR},
        {"name": "b.example", **PAIR, "default_server": True},
    )
    given = params(*sites, port=8443, keep=3, minimum_days=7)
    first, second = store_options(read_for_windows(given), given)
    assert [one.place for one in parse(first).bindings] == [
        "hostnameport=a.example:8443",
        "hostnameport=xn--bcher-kva.example:8443",
    ]
    assert [one.place for one in parse(second).bindings] == ["ipport=0.0.0.0:8443", "ipport=[::]:8443"]
    assert (first["keep"], first["minimum_days"], first["names"]) == (3, 7, ["A.example", "bücher.example"])


def test_a_site_with_an_address_is_the_default_one():
    given = params({"name": "a.example", "names": ["a.example", "192.0.2.7"], **PAIR})
    (options,) = store_options(read_for_windows(given), given)
    assert [one.place for one in parse(options).bindings] == ["ipport=0.0.0.0:443", "ipport=[::]:443"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of sites become a request, or are refused with all that is wrong at once."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.port443.https.plugins.module_utils._certificate.request import ARGUMENT_SPEC
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS, PAIR_ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._sites.request import keep_lines, parse
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location


def request(*sites, **options):
    validated = ArgumentSpecValidator(ARGUMENTS).validate({"sites": list(sites), **options})
    assert validated.error_messages == []
    return parse(validated.validated_parameters)


def site(**given):
    return {"name": "www.example.com", "certificate_path": "/etc/ssl/www.pem", "key_path": "/etc/ssl/www.key", **given}


def test_a_site_is_named_by_itself_and_found_where_its_pair_is_installed():
    (one,) = request({"name": "www.example.com"}).sites
    assert one.names == ("www.example.com",)
    assert one.certificate == "/etc/port443/www.example.com/current/fullchain.pem"
    assert one.key == "/etc/port443/www.example.com/current/privkey.pem"


def test_haproxy_has_certificate_and_key_in_one_file():
    (one,) = request({"name": "a.example", "proxy_pass": "http://127.0.0.1:8080"}, server="haproxy").sites
    assert one.certificate == one.key == "/etc/port443/a.example/current/haproxy.pem"


def test_names_are_what_clients_send():
    (one,) = request(site(names=["Bücher.example", "*.Example.com", "[2001:DB8::0:1]", "bücher.example"])).sites
    assert one.names == ("xn--bcher-kva.example", "*.example.com", "2001:db8::1")


def test_texts_do_for_lists():
    (one,) = request(site(names="a.example, b.example", proxy_pass="http://127.0.0.1:1,http://127.0.0.1:2")).sites
    assert one.names == ("a.example", "b.example")
    assert one.backends == ("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_a_text_of_directives_may_have_several_lines():
    (one,) = request(site(directives=["gzip on;\nexpires 1h;", "etag off;"])).sites
    assert one.directives == ("gzip on;", "expires 1h;", "etag off;")


def test_commas_of_a_line_stay():
    line = 'add_header X-Kinds "a, b";'
    given = {
        "http_directives": line,
        "sites": [{"directives": line, "locations": [{"directives": line}], "names": "a,b"}],
    }
    kept = {
        "http_directives": [line],
        "sites": [{"directives": [line], "locations": [{"directives": [line]}], "names": "a,b"}],
    }
    assert keep_lines(given) == kept
    assert keep_lines(kept) == kept


@pytest.mark.parametrize("text", ["yes", "y", "true", "on", "1"])
def test_booleans_come_as_texts(text):
    (one,) = request(site(redirect=text, default_server=text)).sites
    assert (one.redirect, one.default_server) == (True, True)


def test_the_first_site_with_an_address_answers_clients_that_send_no_name():
    sites = request(site(name="a.example"), site(name="b.example", names=["b.example", "192.0.2.7"])).sites
    assert [one.default_server for one in sites] == [False, True]


def test_a_default_server_that_is_told_is_the_only_one():
    sites = request(
        site(name="a.example", default_server=True), site(name="b.example", names=["b.example", "192.0.2.7"])
    ).sites
    assert [one.default_server for one in sites] == [True, False]


def test_a_location_answers_in_one_way():
    (one,) = request(site(locations=[{"path": "/api/", "proxy_pass": ["http://127.0.0.1:1"]}])).sites
    assert one.locations == (Location("/api/", ("http://127.0.0.1:1",)),)


def test_a_pair_is_handed_to_what_installs_certificates():
    given = {"name": "a.example", "names": ["a.example", "b.example"], "certificate": "C", "key": "K", "group": "www"}
    pairs = request(given, trust="none", minimum_days=3).pairs
    assert pairs == {
        "a.example": {
            **given,
            "remote_src": False,
            "self_signed": False,
            "trust": "none",
            "minimum_days": 3,
            "keep": 2,
            "prove_timeout": 10,
            "directory": "/etc/port443",
            "service": "nginx",
        }
    }


def test_names_are_enough_to_take_a_site_away():
    taken = request({"name": "a.example", "root": "/srv", "proxy_pass": "http://x"}, state="absent")
    assert taken.names() == ("a.example",)
    assert taken.pairs == {}


REFUSED = [
    (({"name": "A/../b"},), {}, "sites[0] (A/../b): the name of a site is the name of its file"),
    ((site(key_path=None),), {}, "certificate_path and key_path go together"),
    ((site(certificate="C", key="K"),), {}, "it has certificate_path and a certificate that is to be installed"),
    (({"name": "a.example", "key": "K"},), {}, "it has a key and no certificate"),
    ((site(names=[]),), {}, "names is empty"),
    ((site(names=["a b"]),), {}, "'a b' is neither a host name such as"),
    ((site(root="/srv", proxy_pass="http://127.0.0.1:1"),), {}, "it has both root, whose files are served, and proxy_"),
    ((site(proxy_pass="127.0.0.1:1"),), {}, "proxy_pass is the address of an application"),
    ((site(proxy_pass=["http://a", "https://b"]),), {}, "backends of http and of https"),
    ((site(hsts_max_age=-1),), {}, "hsts_max_age -1 is less than 0"),
    ((site(client_ca="/etc/ca.pem"),), {}, "client_ca and client_verification go together"),
    ((site(client_verification="required"),), {}, "client_ca and client_verification go together"),
    ((site(locations=[{"path": "api", "root": "/srv"}]),), {}, "the path of a location begins with a slash"),
    ((site(locations=[{"path": "/api"}]),), {}, "the location /api needs exactly one of proxy_pass, root, php, redire"),
    ((site(locations=[{"path": "/a", "root": "/x", "php": "/y"}]),), {}, "exactly one of"),
    ((site(locations=[{"path": "/a", "root": "/x"}] * 2),), {}, "two locations have one path: /a"),
    ((site(), site()), {}, "each site has a name for itself; given more than once: www.example.com"),
    (
        (site(name="a"), site(name="b", names=["A"])),
        {},
        "leads to one site alone; more than one site has: a",
    ),
    ((site(name="a", default_server=1), site(name="b", default_server=1)), {}, "one site alone can be the default_se"),
    ((), {}, "sites is empty: list the sites, or set purge"),
    ((site(),), {"port": 0}, "port 0 is not between 1 and 65535"),
    ((site(),), {"port": 80}, "port and http_port are both 80"),
    ((site(),), {"trusted_proxies": ["192.0.2.0/33"]}, "trusted_proxies takes addresses and networks"),
    ((site(),), {"proxy_protocol": True}, "say which balancers by trusted_proxies"),
    ((site(),), {"acme_root": "/"}, "acme_root '/' is not an absolute path without '..'"),
    ((site(),), {"directory": "/etc/../x"}, "directory '/etc/../x' is not an absolute path"),
    (
        (site(),),
        {"server": "haproxy", "directory": "/etc/x"},
        "those of haproxy are in a block of one file, which con",
    ),
    ((site(),), {"remove_certificates": True}, "remove_certificates goes with state: absent"),
]


@pytest.mark.parametrize(("sites", "options", "message"), REFUSED)
def test_what_cannot_be_meant_is_refused(sites, options, message):
    given = [{name: value for name, value in one.items() if value is not None} for one in sites]
    with pytest.raises(RequestError) as refused:
        request(*given, **options)
    assert message in refused.value.message


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(RequestError) as refused:
        request(site(name="a", names=[]), site(name="b", hsts_max_age=-1), port=0)
    assert [word in refused.value.message for word in ("sites[0] (a)", "sites[1] (b)", "port 0")] == [True] * 3


def test_pairs_have_the_options_of_the_module_certificate():
    assert {name: ARGUMENT_SPEC[name] for name in PAIR_ARGUMENTS} == PAIR_ARGUMENTS


def test_a_certificate_is_awaited_where_a_site_says_so_or_brings_none():
    bare, issued = {"name": "bare.example"}, {"name": "issued.example", "acme": {}}
    given = {"name": "given.example", "certificate_file": "given.pem", "key_file": "given.key"}
    assert request(bare, issued, given, site()).awaited == {"issued.example"}
    followed = request(bare, issued, given, site(), certificates_follow=True)
    assert followed.awaited == {"bare.example", "issued.example"}
    assert request(bare, issued, state="absent", certificates_follow=True).awaited == frozenset()


def test_a_certificate_is_issued_or_given():
    for own in (
        {"certificate_path": "/a", "key_path": "/b"},
        {"bundle_file": "a"},
        {"own_ca": "ca"},
        {"self_signed": True},
    ):
        with pytest.raises(RequestError, match="it has acme, which has a certificate issued"):
            request({"name": "www.example.com", "acme": {}, **own})

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients who say no name of a site's get nobody's site, of each server, and the module proves it."""

from __future__ import annotations

from served_sites import BLOG, SHOP, blog, shop

WRONG = "wrong.example"


def visit(sites, url, *options):
    """What curl shows of a visit: status, empty where none came, and body."""
    argv = ["curl", "-sk", "-o", "-", "-w", "\\n%{http_code}", "--max-time", "5", *options, url]
    body, _line, status = sites.machine.run(*argv).stdout.rpartition("\n")
    return status, body


def visits(sites):
    """By the addresses without a name, by a name that nobody has, and by that name under the name of a site."""
    wrong = [visit(sites, f"https://{WRONG}/", "--resolve", f"{WRONG}:443:{at}") for at in ("127.0.0.1", "[::1]")]
    return [visit(sites, "https://127.0.0.1/"), visit(sites, "https://[::1]/"), *wrong]


def test_strangers_get_nobodys_site_and_that_is_proved(sites):
    checked = sites.run(blog(), shop(), check=True)
    made = sites.run(blog(), shop())
    told = made["unknown_names"]
    assert (checked["unknown_names"]["refused"], told["refused"], told["because"]) == (True, True, ""), made
    asked = {(place["address"], place["port"], place["server_name"]) for place in told["places"]}
    addresses = {place["address"] for site in made["sites"] for place in site["places"]}
    assert "127.0.0.1" in addresses
    assert asked == {(at, 443, name) for at in addresses for name in ("", "a-stranger.port443.invalid")}
    how = {"nginx": "the handshake", "haproxy": "the handshake", "apache": "status 421", "lighttpd": "status 403"}
    assert {place["answer"].startswith(how[sites.server]) for place in told["places"]} == {True}, told
    statuses = {"apache": "421", "lighttpd": "403"}.get(sites.server, "000")
    assert {status for status, _body in visits(sites)} == {statuses}
    assert [body for _status, body in visits(sites) if "blog" in body or "shop" in body] == []
    again = sites.run(blog(), shop())
    assert (again["changed"], again["unknown_names"]) == (False, told)


def test_a_site_that_is_to_answer_to_them_does(sites):
    made = sites.run(blog(default_server=True), shop())
    assert (made["unknown_names"]["refused"], made["unknown_names"]["places"]) == (None, []), made
    assert "default_server" in made["unknown_names"]["because"]
    assert {body for _status, body in visits(sites)} == {"blog / https"}
    made = sites.run(blog(), shop())
    assert (made["changed"], made["unknown_names"]["refused"]) == (True, True), made
    served = sites.run(blog(), shop(), unknown_names="serve")
    assert served["unknown_names"] == {"refused": None, "because": "unknown_names is serve", "places": []}
    gone = sites.run({"name": BLOG}, {"name": SHOP}, state="absent")
    assert gone["unknown_names"] == {"refused": None, "because": "no site is served", "places": []}

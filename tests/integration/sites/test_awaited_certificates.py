# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites whose certificates come afterwards, beside real servers: served with a pair of the host itself until then."""

from __future__ import annotations

from served_sites import BLOG, SHOP, blog, pair, shop

LOOK = f"openssl x509 -noout -subject -ext subjectAltName -in /etc/port443/{SHOP}/current/fullchain.pem"


def awaited(**own):
    return {"name": SHOP, "proxy_pass": ["http://127.0.0.1:8081"], "acme": {}, **own}


def test_a_site_is_served_until_its_certificate_comes_and_keeps_that_one(sites):
    sites.run(blog())
    before = sites.files()
    checked = sites.run(blog(), awaited(), check=True)
    assert (checked["changed"], checked["tested"]) == (True, "rehearsed"), checked
    assert sites.files() == before
    made = sites.run(blog(), awaited())
    assert "sites" in made, made["msg"]
    assert [one["served"] for one in made["sites"]] == ["yes", "yes"], made
    assert f"DNS:{SHOP}" in sites.machine.run("sh", "-c", LOOK).stdout
    assert sites.get(SHOP, "/", "--insecure")[:2] == (200, "shop / https")
    for check in (False, True):
        assert sites.run(blog(), awaited(), check=check)["changed"] is False
    # What the CA issued is installed by others, as the module certificate does.
    issued = sites.run(shop())
    assert issued["exchanged"] == [SHOP], issued
    assert sites.run(awaited())["changed"] is False
    assert sites.get(SHOP)[:2] == (200, "shop / https")
    gone = sites.run({"name": SHOP, "acme": {}}, state="absent", remove_certificates=True)
    assert gone["removed"] == [SHOP]
    assert sites.files() == before


def test_a_site_that_brings_nothing_and_has_nothing_to_wait_for_is_refused(sites):
    before = sites.files()
    for options in ({}, {"certificates_follow": False}):
        refused = sites.run({"name": BLOG, "proxy_pass": ["http://127.0.0.1:8082"]}, awaited(), check=True, **options)
        assert f"{BLOG}: its certificate " in refused["msg"], refused
    followed = sites.run({"name": BLOG, "proxy_pass": ["http://127.0.0.1:8082"]}, check=True, certificates_follow=True)
    assert followed["changed"], followed
    assert sites.files() == before
    assert pair(BLOG)["key"] not in str(followed)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module certificate_info tells what is installed and what is served, and changes nothing."""

from __future__ import annotations

import pki
from web_server import NAME


def installed(site):
    certificate = site.certificate
    return {
        "fingerprint": site.sha256(),
        "subject_names": [NAME],
        "issuer": "CN=Test Intermediate",
        "not_before": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days_left": 89,
        "key_kind": "EC P-256",
        "key_mode": "0600",
    }


def seen(server, site):
    return [
        {"address": address, "port": server.port, "server_name": NAME, "fingerprint": site.sha256(), "problem": None}
        for address in ("127.0.0.1", "::1")
    ]


def test_what_is_installed_and_served_is_told(server, first, second):
    server.add_site()
    server.install(first)
    server.start()
    before = server.contents()
    where = f"127.0.0.1:{server.port}, [::1]:{server.port}"
    alone = f"the service listens at {where} alone for this site, which nobody outside this host reaches"
    well = {"name": NAME, "installed": installed(first), "served": "yes", "served_because": alone}
    told = server.tell()
    assert (told["changed"], told["sites"]) == (False, [dict(well, seen=seen(server, first))])
    assert server.contents() == before
    server.install(second, service="none", prove=False)
    site = server.tell(names=[NAME])["sites"][0]
    assert (site["installed"], site["served"], site["seen"]) == (installed(second), "other", seen(server, first))
    assert f"serves sha256:{first.sha256()}" in site["served_because"]


def test_a_site_that_nothing_serves_and_one_that_is_not_there_are_told(web, first):
    assert web.tell()["sites"] == []
    web.install(first)
    web.start()
    sites = {site["name"]: site for site in web.tell(names=["none.example.com", NAME])["sites"]}
    assert (sites[NAME]["installed"], sites[NAME]["served"]) == (installed(first), "no")
    assert sites[NAME]["served_because"] == f"nginx's configuration {web.config} has no ssl_certificate of this site"
    assert (sites["none.example.com"]["installed"], sites["none.example.com"]["served"]) == (None, "no")
    unasked = web.tell(prove=False)["sites"][0]
    assert (unasked["served"], unasked["seen"]) == ("unknown", [])


def test_no_key_is_told(web, first):
    web.install(first)
    told = str(web.tell())
    body = "".join(first.key_pem().decode().split("\n")[1:-2])
    assert not any(body[at : at + 12] in told for at in range(48, len(body) - 12))
    assert pki.site(number=1) is first

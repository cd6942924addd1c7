# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pairs of several sites beside every web server: one test, one reload, all of them served, or none exchanged."""

from __future__ import annotations

import os
import signal

import pki
import pytest
from certificate_servers import RELOADING
from failing_steps import failing_steps
from web_server import NAME

SHOP, NEW = "shop.example.com", "new.example.com"
JOURNAL = ".sites-journal"


def pair(name, number):
    return pki.site(name, number=number)


def content_of(name, issued, **own):
    certificate = (issued.pem() + pki.intermediate().pem()).decode()
    return {"name": name, "certificate": certificate, "key": issued.key_pem().decode(), **own}


def arguments(server, pairs, **options):
    """The options for pairs by the names of their sites, which are None where the sites are to go."""
    sites = [{"name": name} if issued is None else content_of(name, issued) for name, issued in pairs.items()]
    given = server.arguments(next(iter(pairs.values())) or pair(NAME, 1), sites=sites, **options)
    return {name: value for name, value in given.items() if name not in ("name", "certificate", "key")}


def install(server, pairs, check=False, **options):
    return server.run(arguments(server, pairs, **options), check)


def gist(result):
    return {
        "changed": result.get("changed"),
        "commands": result.get("commands"),
        "sites": {one["name"]: (one["changed"], one.get("served")) for one in result.get("sites", ())},
        "msg": result.get("msg"),
    }


def expect(changed, served, commands):
    sites = dict.fromkeys((NAME, SHOP), (changed, served))
    return {"changed": changed, "commands": commands, "sites": sites, "msg": None}


def served(server, *names):
    return {name: server.served(name=name) for name in names or (NAME, SHOP)}


def prints(pairs):
    return {name: issued.sha256() for name, issued in pairs.items()}


FIRST = {NAME: pair(NAME, 1), SHOP: pair(SHOP, 2)}
SECOND = {NAME: pair(NAME, 3), SHOP: pair(SHOP, 4)}
DONE = expect(False, "yes", [])


def serve(server, pairs):
    """Lets the server start with pairs installed."""
    for name in pairs:
        server.add_site(name)
    install(server, pairs, service="none", prove=False)
    server.start()
    assert gist(install(server, pairs)) == DONE


def whole(server, name, *issued):
    """The certificate of a site that is installed, with its own key."""
    current = server.store / name / "current"
    found = next(one for one in issued if one.sha256() == pki.fingerprint_of((current / "fullchain.pem").read_bytes()))
    assert (current / "privkey.pem").read_bytes() == found.key_pem()
    return found


def test_the_whole_way_of_several_pairs(server):
    server.start()
    assert gist(install(server, FIRST)) == expect(True, "no", [])
    for name in FIRST:
        server.add_site(name)
    before = server.contents()
    for pairs in (FIRST, SECOND):
        due = expect(True, "yes", server.reload_commands())
        checked = install(server, pairs, check=True)
        assert (gist(checked), server.contents()) == (due, before)
        result = install(server, pairs)
        assert (gist(result), result["diff"]) == (due, checked["diff"])
        assert served(server) == prints(pairs) == result["fingerprints"]
        assert result["exchanged"] == checked["exchanged"] == ([] if pairs is FIRST else [NAME, SHOP])
        assert [one["paths"]["certificate"] for one in result["sites"]] == [
            str(server.store / name / "current" / "fullchain.pem") for name in pairs
        ]
        assert [look["address"] for one in result["sites"] for look in one["seen"]] == ["127.0.0.1", "::1"] * 2
        before = server.contents()
        assert [gist(install(server, pairs, check=check)) for check in (False, True)] == [DONE, DONE]
        assert server.contents() == before

    gone = dict.fromkeys(SECOND)
    refused = install(server, gone, state="absent")["msg"]
    assert refused == (
        f"{server.store}/{NAME}, {server.store}/{SHOP} are still named in the service's configuration, which would not "
        "pass its test without them: remove the sites there first"
    )
    assert server.contents() == before
    for name in SECOND:
        server.remove_site(name)
    server.reload()
    for check, there in ((True, True), (False, False)):
        assert gist(install(server, gone, check, state="absent")) == expect(True, None, [])
        assert server.store.exists() is there
    assert gist(install(server, gone, state="absent")) == expect(False, None, [])


def test_a_site_that_is_done_is_left_alone_while_another_changes(server):
    serve(server, FIRST)
    (home,) = (path for path in (server.store / SHOP).iterdir() if not path.is_symlink())
    before = home.stat().st_ctime_ns
    result = install(server, {NAME: SECOND[NAME], SHOP: FIRST[SHOP]})
    assert gist(result) == {
        "changed": True,
        "commands": server.reload_commands(),
        "sites": {NAME: (True, "yes"), SHOP: (False, "yes")},
        "msg": None,
    }
    assert result["exchanged"] == [NAME]
    assert home.stat().st_ctime_ns == before


def test_a_configuration_that_waits_for_the_pairs_of_two_sites_is_served_at_once(server):
    server.start()
    for name in FIRST:
        server.add_site(name)  # it passes no test from here on, for want of both pairs
    due = expect(True, "yes", server.reload_commands())
    assert gist(install(server, FIRST, check=True)) == due
    assert gist(install(server, FIRST)) == due
    assert served(server) == prints(FIRST)


def test_a_broken_configuration_keeps_all_pairs(server):
    serve(server, FIRST)
    before = server.contents()
    server.spoil()
    result = install(server, SECOND)
    assert (result["failed"], "no_such_directive" in result["msg"]) == (True, True)
    assert result["msg"].endswith("; all pairs are as they were, and what was served before is served again")
    assert (server.contents(), served(server)) == (before, prints(FIRST))


@pytest.mark.parametrize("server", RELOADING, indirect=True)
def test_a_reload_that_does_nothing_brings_all_pairs_back(server):
    serve(server, FIRST)
    before, pid = server.contents(), server.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        result = install(server, SECOND, prove_timeout=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result["msg"].startswith(
        f"the service was reloaded, but after 1 seconds {NAME}: 127.0.0.1:{server.port} serves "
        f"sha256:{FIRST[NAME].sha256()}"
    )
    assert f"; {SHOP}: 127.0.0.1:{server.port} serves sha256:{FIRST[SHOP].sha256()}" in result["msg"]
    assert result["msg"].endswith("; all pairs are as they were, and what was served before is served again")
    assert (server.contents(), served(server)) == (before, prints(FIRST))
    assert gist(install(server, SECOND)) == expect(True, "yes", server.reload_commands())


def test_one_pair_that_is_not_served_takes_the_others_back(web):
    """Another server block has the name of the new site, so that its pair is never shown."""
    serve(web, FIRST)
    before = web.contents()
    other = {"certificate": web.folder / "other.crt", "key": web.folder / "other.key"}
    (web.sites / "0.conf").write_text(
        f"server {{ listen 127.0.0.1:{web.port} ssl; listen [::1]:{web.port} ssl; server_name {NEW}; "
        f"ssl_certificate {other['certificate']}; ssl_certificate_key {other['key']}; }}"
    )
    web.add_site(NEW)
    result = install(web, {**SECOND, NEW: pair(NEW, 5)}, prove_timeout=1)
    assert result["msg"].startswith(f"the service was reloaded, but after 1 seconds {NEW}: 127.0.0.1:{web.port} serves")
    assert NAME not in result["msg"]
    assert result["msg"].endswith("; all pairs are as they were, and what was served before is served again")
    assert (web.contents(), served(web)) == (before, prints(FIRST))


def test_a_pair_that_clients_would_refuse_keeps_the_others_out(web):
    serve(web, FIRST)
    before = web.contents()
    wrong = {NAME: SECOND[NAME], SHOP: pair(NEW, 5), NEW: pair(SHOP, 5)}
    told = install(web, wrong)["msg"]
    assert f"{SHOP}: the certificate does not cover {SHOP}: it is for {NEW}" in told
    assert f"{NEW}: the certificate does not cover {NEW}: it is for {SHOP}" in told
    assert (web.contents(), served(web)) == (before, prints(FIRST))


@pytest.mark.parametrize(
    ("server", "fault"),
    [("nginx", "kill"), ("nginx", "28"), ("apache2", "kill"), ("haproxy", "kill")],
    indirect=["server"],
)
def test_whatever_step_fails_every_pair_is_whole_and_the_next_run_makes_good(server, fault):
    """Every step that changes something is the one at which the process is killed (28: the disk is full) in turn."""
    serve(server, FIRST)
    in_a_row, half_way = 0, 0
    for number in failing_steps():
        install(server, FIRST, keep=1)  # so that the second pairs are made anew
        before = server.contents()
        started = server.begin(arguments(server, SECOND), environment={"FAULT": f"{fault} {number}"})
        said = started.communicate(timeout=60)[0].decode()
        installed = {name: whole(server, name, FIRST[name], SECOND[name]) for name in FIRST}
        assert all(shown in (FIRST[name].sha256(), SECOND[name].sha256()) for name, shown in served(server).items())
        half_way += installed not in (FIRST, SECOND)
        if fault != "kill" and '"failed": true' in said:
            assert server.contents() == before
        cut_off = (server.store / JOURNAL).exists()
        result = install(server, SECOND)
        assert ("a run before this one was cut off" in str(result["warnings"])) is cut_off
        assert (result["changed"] or not cut_off, served(server)) == (True, prints(SECOND)), result
        assert [name for name in server.contents() if "/." in name or name.startswith(".")] == []
        ended_well = started.returncode == 0 and '"failed"' not in said
        in_a_row = in_a_row + 1 if ended_well else 0
        if in_a_row == 3:
            break
    assert number > 30
    assert (half_way > 0) is (fault == "kill")


def test_what_was_cut_off_is_taken_back_by_a_run_about_one_of_the_sites(web):
    serve(web, FIRST)
    before = web.contents()
    number = 0
    while not (web.store / JOURNAL).exists() or whole(web, NAME, FIRST[NAME], SECOND[NAME]) is FIRST[NAME]:
        number += 1
        web.begin(arguments(web, SECOND), environment={"FAULT": f"kill {number}"}).communicate(timeout=60)
    assert whole(web, SHOP, FIRST[SHOP], SECOND[SHOP]) is FIRST[SHOP]
    half = web.contents()
    checked = web.install(FIRST[NAME], check=True)
    assert (checked["changed"], web.contents()) == (True, half)
    assert "the next real run first takes back what it had done" in str(checked["warnings"])
    result = web.install(FIRST[NAME])
    assert (result["changed"], result["served"]) == (True, "yes")
    assert (web.contents(), served(web)) == (before, prints(FIRST))
    assert web.install(FIRST[NAME])["changed"] is False

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module sites on Windows: all sites as one, or none, and back to where it began.

Both scripts that ship run in real PowerShell; stores are those of .NET, handshakes are real, the rest is played.
"""

from __future__ import annotations

import pki
import pytest
from played_certificates import IIS, OURS, THEIRS, certificates, thumbprint, values
from played_http_sys import HttpSys
from sites_host import carried, site

A, B = "a.example.com", "b.example.com"
ONE, TWO = (pki.issue(name, [name], number=number, key="p256") for number, name in ((41, A), (42, B)))
NEXT = pki.issue(A, [A], number=43, key="p256", days=(-1, 95))
BOTH = pki.issue(A, [A, B], number=44, key="p256")
FOREIGN = certificates()["ec"]
RULE = "port443-https-in-tcp"
SITES = (site(A, ONE, self_signed=True), site(B, TWO, self_signed=True))
LOOKS = ["win_firewall_ports", "win_certificate"]


def renew(name, issued, **options):
    return site(name, issued, self_signed=True, **options)


def same(foretold, done):
    """Whether a check told what a run did; ``places`` are told as they were before."""
    keys = ("changed", "sites", "removed", "exchanged", "commands", "diff", "mended")
    return {key: foretold[key] for key in keys} == {key: done[key] for key in keys}


def test_sites_go_the_whole_way_and_back(host):
    empty = host.look()
    foretold = host.run(*SITES, check=True, firewall={})
    assert (foretold["changed"], host.executions, host.look()) == (True, LOOKS, empty)
    done = host.run(*SITES, firewall={})
    assert (done.get("msg"), done["changed"]) == (None, True)
    assert host.executions == [*LOOKS, "win_certificate", "win_firewall_ports"]
    assert same(foretold, done)
    assert (foretold["firewall"]["commands"], done["firewall"]["changed"]) == (done["firewall"]["commands"], True)
    assert host.windows.bound() == {**carried(ONE, A), **carried(TWO, B)}
    assert list(host.windows.state()["local"]) == [RULE]
    served = host.look()
    again = host.run(*SITES, firewall={})
    assert (again["changed"], host.executions, host.look()) == (False, LOOKS, served)
    assert (again["commands"], again["diff"]) == ([], [])
    names = [site(A), site(B)]
    gone = {"state": "absent", "remove_certificates": True, "firewall": {}}
    foretold = host.run(*names, check=True, **gone)
    assert host.look() == served
    done = host.run(*names, **gone)
    assert same(foretold, done)
    assert (done["removed"], host.look()) == ([A, B], empty)
    assert sorted(host.windows.state()["keys_deleted"]) == sorted(map(thumbprint, (ONE, TWO)))
    again = host.run(*names, **gone)
    assert (again["changed"], again["removed"], host.look()) == (False, [], empty)


def test_certificates_stay_where_the_site_alone_goes(host):
    host.run(*SITES)
    stored = host.look()[0]
    done = host.run(site(A), state="absent")
    assert (done["changed"], done["removed"]) == (True, [A])
    assert (host.look()[0], host.windows.bound()) == (stored, carried(TWO, B))
    assert host.run(site(A), state="absent")["changed"] is False


@pytest.mark.parametrize("how", ["lie", "error"])
def test_what_fails_for_the_last_site_leaves_every_site_as_it_was(host, how):
    host.run(*SITES)
    before = host.look()
    fails = {f"hostnameport={B}:8443": {"certhash": thumbprint(BOTH), "how": how}}
    host.windows.change(netsh_fails=fails)
    done = host.run(renew(A, NEXT), renew(B, BOTH), keep=1, firewall={})
    assert done["failed"], done
    assert f"hostnameport={B}:8443" in done["msg"]
    assert done["msg"].endswith("All that was done was taken back")
    assert host.look() == before
    assert sorted(host.windows.state()["keys_deleted"]) == sorted(map(thumbprint, (NEXT, BOTH)))


def test_two_sites_of_which_one_is_not_shown_are_both_taken_back(host):
    with HttpSys(host.windows, (ONE, TWO, NEXT)).listening() as port:
        host.run(*SITES, port=port)
        before = host.look()
        done = host.run(renew(A, NEXT), renew(B, BOTH), port=port)  # which this http.sys does not know
        assert done["failed"], done
        assert "not the new certificate, but" in done["msg"]
        assert host.look() == before
        done = host.run(renew(A, NEXT), SITES[1], port=port, keep=1)
        assert (done["changed"], done["exchanged"], done["warnings"]) == (True, [A], [])
        assert [one["served"] for one in done["sites"]] == ["yes", "yes"]
        assert [place["fingerprint"] for one in done["sites"] for place in one["places"]] == [
            NEXT.sha256(),
            TWO.sha256(),
        ]
    assert host.windows.bound() == {**carried(NEXT, A, port=port), **carried(TWO, B, port=port)}


def test_a_site_that_nobody_answers_for_is_a_warning(host):
    done = host.run(*SITES)
    assert [one["served"] for one in done["sites"]] == ["no", "no"]
    assert f"{A}: nothing listens at hostnameport={A}:8443" in done["warnings"]


def test_two_sites_share_a_certificate_and_keep_their_places_apart(host):
    empty = host.look()
    sites = (renew(A, BOTH), renew(B, BOTH))
    host.run(*sites)
    assert host.windows.bound() == carried(BOTH, A, B)
    assert host.run(*sites)["changed"] is False
    assert host.run(sites[0])["changed"] is False
    host.run(site(A), site(B), state="absent", remove_certificates=True)
    assert host.look() == empty


def test_a_name_that_a_site_no_longer_has_loses_its_place_and_one_may_take_it(host):
    host.run(renew(A, BOTH, names=[A, B]))
    assert host.windows.bound() == carried(BOTH, A, B)
    done = host.run(renew(A, BOTH))
    assert (done["changed"], host.windows.bound()) == (True, carried(BOTH, A))
    host.run(renew(A, BOTH, names=[A, B]))
    host.run(renew(A, BOTH), SITES[1])
    assert host.windows.bound() == {**carried(BOTH, A), **carried(TWO, B)}


def test_a_purge_takes_away_other_sites_and_nothing_else(host):
    host.run(*SITES)
    registry = host.windows.state()["registry"]
    foreign = {"127.0.0.1:9443": values(FOREIGN), "[::]:9443": values(FOREIGN, OURS)}
    host.windows.change(registry={**registry, "SslBindingInfo": foreign})
    before = host.look()
    foretold = host.run(SITES[0], purge=True, check=True)
    assert host.look() == before
    done = host.run(SITES[0], purge=True)
    assert (done["changed"], done["removed"]) == (True, [B])
    assert same(foretold, done)
    assert done["diff"][0]["before"].startswith(f"hostnameport={B}:8443: {thumbprint(TWO)} for ")
    assert host.windows.bound() == {**carried(ONE, A), **dict.fromkeys(foreign, thumbprint(FOREIGN))}
    assert host.run(SITES[0], purge=True)["changed"] is False
    done = host.run(purge=True)
    assert (done["removed"], host.windows.bound()) == ([A], dict.fromkeys(foreign, thumbprint(FOREIGN)))


def test_a_place_of_somebody_else_is_refused_and_one_of_iis_gets_the_certificate(host):
    host.windows.reset(names={f"{B}:8443": values(FOREIGN, THEIRS)}, local={}, active=1, policy={})
    before = host.look()
    for check in (True, False):
        done = host.run(*SITES, check=check, firewall={})
        assert (done.get("failed"), host.look()) == (True, before)
        assert f"{B}: hostnameport={B}:8443 is a binding of another application" in done["msg"]
    host.windows.reset(
        names={f"{B}:8443": values(FOREIGN, IIS, DefaultFlags=["DWord", 2])}, local={}, active=1, policy={}
    )
    assert host.run(*SITES)["changed"]
    binding = host.windows.bindings()[f"{B}:8443"]
    assert (binding["SslCertHash"][1], binding["DefaultFlags"]) == (thumbprint(TWO), ["DWord", 2])
    assert binding["AppId"] == values(FOREIGN, IIS)["AppId"]
    assert host.run(*SITES)["changed"] is False
    done = host.run(site(B), state="absent", remove_certificates=True)
    assert (done["changed"], host.windows.bound()[f"{B}:8443"]) == (False, thumbprint(TWO))
    assert any("is a binding of IIS" in told for told in done["warnings"])


def test_the_default_site_has_all_addresses(host):
    empty = host.look()
    host.run(renew(A, ONE, default_server=True))
    assert host.windows.bound() == {"0.0.0.0:8443": thumbprint(ONE), "[::]:8443": thumbprint(ONE)}
    done = host.run(renew(A, ONE, default_server=True), SITES[1])
    assert any(told.startswith("ipport=0.0.0.0:8443 may answer before") for told in done["warnings"])
    host.run(renew(A, ONE), SITES[1])
    assert host.windows.bound() == {**carried(ONE, A), **carried(TWO, B)}
    host.run(site(A), site(B), state="absent", remove_certificates=True)
    assert host.look() == empty


def test_somebody_who_binds_meanwhile_is_seen(host):
    host.run(*SITES)
    race = [{"SslSniBindingInfo": {"late": values(FOREIGN, HostnamePort=["String", f"{A}:8443"])}}]
    registry = host.windows.state()["registry"]
    first = {key: one for key, one in registry["SslSniBindingInfo"].items() if one["HostnamePort"][1] != f"{A}:8443"}
    host.windows.change(registry={**registry, "SslSniBindingInfo": first}, race=race)
    done = host.run(*SITES)
    assert done["failed"]
    assert f"{A}: hostnameport={A}:8443 is a binding of another application" in done["msg"]
    assert host.windows.bound() == {f"{A}:8443": thumbprint(FOREIGN), **carried(TWO, B)}


def test_ports_that_cannot_be_opened_are_told_before_anything_changes_or_after_with_what_was_done(host):
    host.windows.change(active=4)
    before = host.look()
    done = host.run(*SITES, firewall={"require_effective": True})
    assert (done["failed"], host.executions, host.look()) == (True, ["win_firewall_ports"], before)
    host.windows.change(active=1, faults={f"{RULE}:add": [-2147024891, "PermissionDenied", "Access is denied."]})
    done = host.run(*SITES, firewall={})
    assert done["failed"]
    assert "firewall: no right to look at or change Windows Firewall" in done["msg"]
    assert done["msg"].endswith("(the sites are served as asked)")
    assert host.windows.bound() == {**carried(ONE, A), **carried(TWO, B)}
    host.windows.change(faults={})
    done = host.run(*SITES, firewall={})
    assert (done["changed"], done["sites"] and done["commands"]) == (True, [])
    assert list(host.windows.state()["local"]) == [RULE]


def test_what_windows_does_not_manage_is_refused_with_no_execution(host):
    done = host.run(renew(A, ONE, root="/srv"), SITES[1], http3=True)
    assert (done["failed"], host.executions) == (True, [])
    assert f"answers there: http3, root of {A}. Leave that out for such hosts" in done["msg"]


@pytest.mark.parametrize("culture", ["tr-TR", "de-DE", ""])
def test_the_way_is_the_same_in_every_culture(host, culture):
    name = "ISTIQ.example.com"  # whose small letters are others in Turkish
    issued = pki.issue(name, [name], number=45, key="p256", days=(-1, 93))
    asked = renew("istiq.example.com", issued, names=[name])
    empty = host.look()
    host.session.culture = culture
    try:
        foretold = host.run(asked, check=True, firewall={})
        done = host.run(asked, firewall={})
        assert same(foretold, done), done
        assert host.windows.bound() == carried(issued, "istiq.example.com")
        assert done["sites"][0]["not_after"] in host.look()[0][f"My\\{thumbprint(issued)}"]
        assert host.run(asked, firewall={})["changed"] is False
        host.run(site("istiq.example.com"), state="absent", remove_certificates=True, firewall={})
        assert host.look() == empty
    finally:
        host.session.culture = ""

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ports of the sites in the same execution: looked at before anything changes, opened when sites are served."""

from __future__ import annotations

import pytest
from served_sites import SHOP, served_sites, shop

SET_UP = "for tool in iptables ip6tables; do $tool -A INPUT -i lo -j ACCEPT; $tool -P INPUT DROP; done"
TAKE_DOWN = "for tool in iptables ip6tables; do $tool -P INPUT ACCEPT; $tool -F; $tool -X; done; nft flush ruleset"
LIVE = {"persistent": False, "source": ["192.0.2.0/24"]}


@pytest.fixture
def sites(tmp_path, collections_path):
    with served_sites("nginx", tmp_path, collections_path) as served:
        served.machine.run("sh", "-c", SET_UP)
        yield served
        served.machine.run("sh", "-c", TAKE_DOWN)


def rules(sites):
    return sites.machine.run("sh", "-c", "iptables -S; ip6tables -S").stdout


def test_ports_are_opened_with_the_sites_and_closed_with_them(sites):
    files, before = sites.files(), rules(sites)
    checked = sites.run(shop(), check=True, firewall=LIVE)
    assert (checked["changed"], checked["firewall"]["changed"]) == (True, True), checked
    assert (sites.files(), rules(sites)) == (files, before)
    made = sites.run(shop(), firewall=LIVE)
    assert [one["served"] for one in made["sites"]] == ["yes"], made
    assert made["firewall"]["backend"] == "iptables"
    assert [(one["port"], one["verdict"]) for one in made["firewall"]["effective"]] == [
        ("80", "open"),
        ("443", "open"),
    ]
    assert made["firewall"]["commands"] == checked["firewall"]["commands"] != []
    assert (made["diff"], "diff" in made["firewall"]) == (checked["diff"], False)
    assert "192.0.2.0/24" in rules(sites)
    for check in (False, True):
        again = sites.run(shop(), check=check, firewall=LIVE)
        assert (again["changed"], again["firewall"]["changed"], again["firewall"]["commands"]) == (False, False, [])
    gone = sites.run({"name": SHOP}, state="absent", remove_certificates=True, firewall=LIVE)
    assert (gone["changed"], gone["firewall"]["changed"], rules(sites)) == (True, True, before), gone


def test_a_set_that_somebody_flushed_is_made_again_and_the_sites_are_left_alone(sites):
    sites.run(shop(), firewall=LIVE)
    opened = rules(sites)
    sites.machine.run("sh", "-c", f"{TAKE_DOWN}; {SET_UP}")
    again = sites.run(shop(), firewall=LIVE)
    assert (again["changed"], again["firewall"]["changed"], again["tested"]) == (True, True, "not needed")
    assert rules(sites) == opened


def test_a_firewall_that_is_not_there_is_a_failure_before_anything_changes(sites):
    files, before = sites.files(), rules(sites)
    for check in (True, False):
        refused = sites.run(shop(), check=check, firewall={**LIVE, "backend": "firewalld"})
        assert refused["failed"], refused
        assert "firewalld" in refused["msg"]
        assert (sites.files(), rules(sites)) == (files, before)


@pytest.mark.parametrize(
    ("firewall", "told"),
    [
        ({"port": "443/tcp"}, "firewall: there is no option port. "),
        ({"ports": ["443"]}, "firewall: port '443' names no protocol"),
        ({"state": "absent"}, "firewall: state is that of the sites: leave it out"),
        ({"source": ["-----BEGIN PRIVATE KEY-----"]}, "the content of a file in PEM form"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_on_the_controller(sites, firewall, told):
    refused = sites.run(shop(), firewall=firewall)
    assert told in refused["msg"], refused["msg"]
    assert "BEGIN" not in refused["msg"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What enable_https asks of other roles, and what it refuses, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.plugin_utils import _issued_refusals
from ansible_collections.port443.https.plugins.plugin_utils._enabled_https import (
    firewall_options,
    issued_sites,
    list_ports,
    list_refusals,
    removed_sites,
)
from ansible_collections.port443.https.plugins.plugin_utils._role_variables import names_of

ROLES = Path(__file__).resolve().parents[3] / "roles"
SHOP = {"name": "shop.example.com", "root": "/srv/shop"}
ISSUED = {**SHOP, "names": ["shop.example.com"], "owner": "mail", "acme": {"key_type": "rsa-2048"}}
MEANT = {"enable_https_state": "present", "enable_https_sites": [SHOP], "enable_https_ports": ["443/tcp"]}
BEHIND = {"enable_https_sites": [ISSUED], "serve_https_server": "haproxy"}


def told(**changed):
    return list_refusals({**MEANT, **changed}, False, False)


def test_what_can_be_meant_is_not_refused():
    assert told() == []
    assert told(enable_https_ca="PEM") == told(enable_https_ca_file="ca.pem") == []
    assert told(**BEHIND, serve_https_acme_port="8402") == []
    assert told(**BEHIND, issue_certificate_challenge="dns-01") == []
    assert told(enable_https_sites=[SHOP], serve_https_server="haproxy") == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"enable_https_sites": []}, "enable_https_sites is empty: set it to the sites to serve"),
        ({"enable_https_ca": "PEM", "enable_https_ca_file": "ca.pem"}, "enable_https_ca_file is in place of"),
        ({"enable_https_ports": " , "}, "enable_https_ports is empty"),
        ({"enable_https_confirm": "soon"}, "enable_https_confirm: confirm 'soon' is not a time"),
        (BEHIND, "set serve_https_acme_port to a port of 127.0.0.1"),
        ({**BEHIND, "serve_https_acme_port": "0"}, "set serve_https_acme_port to a port of 127.0.0.1"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(changed, words):
    (sentence,) = told(**changed)
    assert words in sentence
    assert told(**changed, enable_https_state="absent") == []


def test_all_that_is_wrong_is_told_at_once():
    wrong = {"enable_https_ca": "PEM", "enable_https_ca_file": "ca.pem", "enable_https_ports": []}
    assert len(told(**wrong, **BEHIND)) == 3


def test_a_play_of_every_host_leaves_one_alone_that_has_no_sites_where_others_have_some():
    nothing = {**MEANT, "enable_https_sites": []}
    assert list_refusals(nothing, True, True) == []
    (sentence,) = list_refusals(nothing, True, False)
    assert sentence.startswith("No host of this play has sites.")


def test_ports_are_a_list_whatever_they_came_as():
    given = ["80/tcp,443/tcp", "80/tcp, 443/tcp", 443, [443, ["80/tcp"]], ("443/tcp", "443/tcp"), None, ""]
    meant = [["80/tcp", "443/tcp"], ["80/tcp", "443/tcp"], ["443"], ["443", "80/tcp"], ["443/tcp"], [], []]
    assert [list_ports({"enable_https_ports": ports}) for ports in given] == meant


def test_http3_comes_over_udp_beside_what_was_given():
    quic = {"enable_https_ports": ["443/tcp"], "serve_https_http3": "yes"}
    assert list_ports(quic) == ["443/tcp", "443/udp"]
    assert list_ports({**quic, "serve_https_port": 8443}) == ["443/tcp", "8443/udp"]
    assert list_ports({**quic, "serve_https_http3": "no"}) == ["443/tcp"]


def test_the_firewall_is_told_what_the_variables_of_open_ports_say():
    given = {**MEANT, "open_ports_source": ["192.0.2.0/24"], "open_ports_zone": "", "open_ports_profiles": []}
    given.update(open_ports_ports=["1/tcp"], open_ports_state="absent", open_ports_edge_traversal=False)
    meant = {"source": ["192.0.2.0/24"], "edge_traversal": False, "ports": ["443/tcp"]}
    assert firewall_options(given, ["all"], []) == meant


def test_what_the_firewall_can_be_told_is_all_that_the_role_for_ports_takes():
    documented = yaml.safe_load((ROLES / "open_ports/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = {name for name in documented["argument_specs"]["main"]["options"] if not name.startswith("__")}
    assert names_of("open_ports") == options
    asked = firewall_options({**dict.fromkeys(options, "x"), "open_ports_confirm": "none"}, [], [])
    assert asked is not None
    assert {f"open_ports_{name}" for name in asked} == options - {"open_ports_state", "open_ports_confirm"}


@pytest.mark.parametrize(
    ("tags", "skipped", "apart"),
    [
        ([], [], False),
        (["shop"], [], False),
        (["serve_https", "open_ports"], [], False),
        (["serve_https"], [], True),
        (["serve_https", "verify_https"], [], True),
        ([], ["verify_https"], False),
        ([], ["open_ports"], True),
    ],
)
def test_the_ports_go_with_the_sites_unless_tags_ask_for_one_of_both(tags, skipped, apart):
    assert (firewall_options(MEANT, tags, skipped) is None) is apart


def test_a_change_to_be_confirmed_is_a_task_of_its_own():
    confirmed = [{"enable_https_confirm": "60s"}, {"open_ports_confirm": 60}, {"open_ports_confirm": "soon"}]
    plain = [{"enable_https_confirm": "none"}, {"open_ports_confirm": "auto", "enable_https_confirm": "60s"}, {}]
    told = [firewall_options({**MEANT, **given}, [], []) is None for given in [*confirmed, *plain]]
    assert told == [True] * 3 + [False] * 3


def test_no_confirmation_of_the_ports_stands_over_one_of_the_role_and_an_empty_text_does_not():
    general = {**MEANT, "enable_https_confirm": "60s"}
    told = [firewall_options({**general, "open_ports_confirm": own}, [], []) is None for own in (0, "0", "", None)]
    assert told == [False, False, True, True]


def test_issued_sites_are_those_with_acme_and_say_what_concerns_their_certificates():
    given = {"enable_https_sites": [SHOP, ISSUED, {"name": "blog.example.com", "acme": None}, "nonsense"]}
    certificate = {"name": "shop.example.com", "names": ["shop.example.com"], "owner": "mail", "key_type": "rsa-2048"}
    assert issued_sites(given) == [certificate]
    assert issued_sites({"enable_https_sites": "nonsense"}) == issued_sites({}) == []


def test_certificates_of_somebody_else_do_not_go_with_their_sites():
    given = {"enable_https_sites": [ISSUED, {"name": "blog.example.com", "certificate_path": "/x"}]}
    assert removed_sites(given) == [{"name": "shop.example.com"}]


AGREED = {"issue_certificate_terms_agreed": "yes"}
BY_DNS = {**AGREED, "issue_certificate_challenge": "dns-01", "issue_certificate_dns_tasks": "dns.yml"}
WILD = [{"name": "wild", "names": "*.example.com, example.com"}]


def refused(sites=(SHOP,), state="present", has_crypto=True, **values):
    return _issued_refusals.list_refusals(list(sites), values, state, has_crypto)


def test_a_ca_is_asked_for_what_it_can_prove():
    assert refused(**AGREED) == refused(**BY_DNS) == refused(WILD, **BY_DNS) == []
    assert refused((), has_crypto=False) == []
    assert refused(state="absent", **{**BY_DNS, "issue_certificate_dns_tasks": ""}, has_crypto=False) == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Read the terms of https://acme-v02.api.letsencrypt.org/directory"),
        ({"state": "prepared"}, "set issue_certificate_terms_agreed to true"),
        ({**BY_DNS, "has_crypto": False}, "ansible-galaxy collection install 'community.crypto:>=2.10.0'"),
        ({**BY_DNS, "issue_certificate_dns_tasks": ""}, "issue_certificate_dns_tasks names a file of tasks"),
        ({**AGREED, "issue_certificate_account_key_id": "x"}, "issue_certificate_account_mac_key go together"),
        ({**AGREED, "sites": WILD}, "or leave out *.example.com."),
    ],
)
def test_what_a_ca_would_not_be_asked_for_is_told(asked, words):
    (sentence,) = refused(**asked)
    assert words in sentence

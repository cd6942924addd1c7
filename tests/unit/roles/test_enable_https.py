# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What enable_https does with its variables before it touches a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TOUCHED = "/nonexistent/python"  # the hosts' interpreter, see played.py
ENABLE = "port443.https.enable_https"
SITES = [{"name": "shop.example.com", "root": "/srv/shop"}]
ROLE = [{"ansible.builtin.include_role": {"name": ENABLE}}]


def test_the_playbook_leaves_a_host_without_sites_alone_and_says_so(play: Any) -> None:
    code, said = play(ENABLE, {"none": {}, "some": {"enable_https_sites": SITES}})
    assert code == 2
    assert "none has no enable_https_sites, so nothing was done there" in said
    assert "some has no" not in said
    assert TOUCHED in said.partition("[some]: FAILED")[2]
    assert "[none]: FAILED" not in said


def test_the_playbook_fails_where_no_host_has_sites(play: Any) -> None:
    code, said = play(ENABLE, {"one": {}, "two": {}})
    assert code == 2
    assert "No host of this play has sites. Set enable_https_sites" in said
    assert TOUCHED not in said


def test_sites_in_a_variable_that_is_misspelt_are_not_overlooked(play: Any) -> None:
    code, said = play(ENABLE, {"one": {"enable_https_site": SITES}, "two": {"enable_https_sites": SITES}})
    assert (code, "enable_https_site (did you mean enable_https_sites?)" in said) == (2, True)


def test_a_ca_file_that_is_not_there_is_told_with_its_path(play: Any, tmp_path: Path) -> None:
    code, said = play(ROLE, {"one": {"enable_https_ca_file": "root.pem", "enable_https_sites": SITES}})
    assert (code, TOUCHED in said) == (2, False)
    assert f"enable_https_ca_file {tmp_path}/root.pem cannot be read on the controller" in said


def test_whom_to_trust_is_told_by_either_role_and_in_a_file(play: Any, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("of a file")
    cases = [
        ({"install_certificate_ca": "given to it", "install_certificate_trust": "none"}, ["given to it", "none"]),
        ({"install_certificate_ca": "x", "enable_https_ca": "y", "enable_https_trust": "system"}, ["y", "system"]),
        ({"enable_https_ca_file": "root.pem"}, ["of a file", "system"]),
        ({"enable_https_ca_file": str(tmp_path / "root.pem")}, ["of a file", "system"]),
        ({}, ["", "system"]),
    ]
    shown = play.show("[__enable_https_ca, enable_https_trust]", *(variables for variables, _told in cases))
    assert shown == [told for _variables, told in cases]


def test_a_ca_in_two_places_is_refused_before_anything_is_touched(play: Any) -> None:
    both = {"install_certificate_ca": "x", "enable_https_ca_file": "/etc/hostname", "enable_https_sites": SITES}
    code, said = play(ROLE, {"one": both})
    assert (code, TOUCHED in said) == (2, False)
    assert "enable_https_ca_file is in place of enable_https_ca (by default install_certificate_ca)" in said


def test_the_ports_go_with_the_sites_unless_tags_ask_for_one_of_both(play: Any) -> None:
    shown = "[__enable_https_firewall is none, (__enable_https_firewall or {}).source | default('')]"
    given = {"open_ports_source": ["192.0.2.0/24"]}
    asked = [[], ["--tags", "shop"], ["--tags", "serve_https,open_ports"], ["--skip-tags", "verify_https"]]
    apart = [["--tags", "serve_https"], ["--tags", "serve_https,verify_https"], ["--skip-tags", "open_ports"]]
    told = [play.show(shown, given, arguments=arguments) for arguments in asked + apart]
    assert told == [[[False, ["192.0.2.0/24"]]]] * len(asked) + [[[True, ""]]] * len(apart)


def test_ports_whose_change_is_to_be_confirmed_are_a_task_of_their_own(play: Any) -> None:
    shown = "__enable_https_firewall is none"
    confirmed = [{"enable_https_confirm": "60s"}, {"open_ports_confirm": 60}]
    plain = [{}, {"enable_https_confirm": "none"}, {"open_ports_confirm": "auto", "enable_https_confirm": "60s"}]
    assert play.show(shown, *confirmed, *plain) == [True, True, False, False, False]


def test_a_confirmation_that_is_no_time_is_refused_before_sites_go(play: Any) -> None:
    for what in (ROLE, "port443.https.close_https"):
        code, said = play(
            what, {"one": {"enable_https_sites": SITES}}, enable_https_state="absent", enable_https_confirm="soon"
        )
        assert (code, TOUCHED in said) == (2, False), said
        assert "enable_https_confirm: confirm 'soon' is not a time between 5 seconds and one hour" in said


def test_sites_that_are_given_to_the_playbook_where_it_is_imported_count(play: Any, tmp_path: Path) -> None:
    mine = [{"ansible.builtin.import_playbook": ENABLE, "vars": {"enable_https_sites": SITES}}]
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(mine))
    _code, said = play("mine.yml", {"one": {}})
    assert "has no enable_https_sites" not in said
    assert TOUCHED in said


def test_the_role_refuses_to_enable_https_without_sites(play: Any) -> None:
    code, said = play(ROLE, {"none": {}, "some": {"enable_https_sites": SITES}})
    assert code == 2
    assert "enable_https_sites is empty: set it to the sites to serve" in said.partition("[none]: FAILED")[2]
    assert TOUCHED in said.partition("[some]: FAILED")[2]


def test_closing_goes_on_without_sites(play: Any) -> None:
    for what in (ROLE, "port443.https.close_https"):
        code, said = play(what, {"none": {}}, enable_https_state="absent", open_ports_backend="iptables")
        assert (code, "enable_https_sites" in said, TOUCHED in said) == (2, False, True)


def test_the_ports_that_are_opened_are_those_that_are_served(play: Any) -> None:
    other = {"serve_https_port": 8443, "serve_https_http_port": 8080}
    quic = {"serve_https_port": "8443", "serve_https_http3": True}
    assert play.show("__enable_https_ports", {}, other, quic) == [
        ["80/tcp", "443/tcp"],
        ["8080/tcp", "8443/tcp"],
        ["80/tcp", "8443/tcp", "8443/udp"],
    ]


def test_ports_that_are_no_list_become_one(play: Any) -> None:
    given = ["80/tcp,443/tcp", "80/tcp, 443/tcp", "443/tcp", 443, [443, "80/tcp"]]
    meant = [["80/tcp", "443/tcp"], ["80/tcp", "443/tcp"], ["443/tcp"], ["443"], ["443", "80/tcp"]]
    cases = [{"enable_https_ports": ports} for ports in given]
    assert play.show("__enable_https_ports", *cases) == meant
    quic = [{**case, "serve_https_http3": "yes"} for case in cases]
    assert play.show("__enable_https_ports", *quic) == [[*ports, "443/udp"] for ports in meant]


def test_what_is_no_port_is_refused_before_anything_is_touched(play: Any) -> None:
    told = {
        "port '443' names no protocol": [443, "80/tcp"],
        "90-80/tcp": "80/tcp,90-80/tcp",
        "enable_https_ports is empty: it names the ports to open": "",
    }
    hosts = {f"host{number}": {"enable_https_ports": ports} for number, ports in enumerate(told.values())}
    code, said = play(ROLE, hosts, enable_https_sites=SITES)
    assert (code, TOUCHED in said) == (2, False)
    assert [words for words in told if words not in said] == []


def test_a_wildcard_that_http_cannot_prove_is_refused_before_anything_is_touched(play: Any) -> None:
    sites = [{"name": "shop.example.com", "names": ["shop.example.com", "*.shop.example.com"], "acme": {}}]
    code, said = play(ROLE, {"one": {"enable_https_sites": sites}}, issue_certificate_terms_agreed=True)
    assert (code, TOUCHED in said) == (2, False)
    assert "set issue_certificate_challenge to dns-01, or leave out *.shop.example.com" in " ".join(said.split())

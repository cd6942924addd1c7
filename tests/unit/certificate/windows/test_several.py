# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task of the module certificate means on Windows: options that it has not there, sites, and their places."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.action.certificate import check
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import ARGUMENT_SPEC, parse
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.several import (
    refuse_for_windows,
    report_sites,
    site_options,
    tell_shared_places,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

PAIR = {"certificate": "c", "key": "k"}


def test_every_option_that_means_nothing_there_is_named_in_one_message():
    site = {"name": "a.example", **PAIR, "owner": "www", "group": "www", "remote_src": True}
    params = check({"sites": [site], "directory": "/srv", "service": "apache", "prove_port": 8443})
    with pytest.raises(RequestError) as problem:
        refuse_for_windows(params)
    assert problem.value.message == (
        "not on Windows, where certificates are in the stores of the machine and http.sys serves them: directory, "
        "service, prove_port, remote_src of a.example, owner of a.example, group of a.example. Leave that out there"
    )


@pytest.mark.parametrize(
    "more", [{}, {"service": "nginx", "directory": "/etc/port443", "keep": 3}, {"service": "none"}]
)
def test_what_the_role_always_says_is_not_refused(more):
    refuse_for_windows(check({"sites": [{"name": "a.example", **PAIR}], **more}))


def test_each_site_has_its_own_options_and_those_of_all():
    sites = [
        {"name": "a.example", **PAIR, "bindings": [{"sni": "a.example"}]},
        {"name": "b.example", "names": ["b.example", "*.b.example"], "bundle": "b", "passphrase": "other"},
        {"name": "c.example"},
    ]
    params = check({"sites": sites, "own_ca": "ca", "passphrase": "secret", "keep": 5, "minimum_days": 9})
    first, second, third = site_options(params)
    assert set(first) == set(second) == set(ARGUMENT_SPEC)
    assert [one.place for one in parse(first).bindings] == ["hostnameport=a.example:443"]
    assert (first["own_ca"], second["passphrase"], third["own_ca"]) == (None, "other", "ca")
    assert [(one["trust"], one["keep"], one["minimum_days"]) for one in (first, second, third)] == [
        ("system", 5, 9)
    ] * 3
    assert parse(second).bindings == ()


def test_a_task_about_one_site_is_that_site():
    params = check({"name": "a.example", **PAIR, "bindings": [{"port": 8443, "address": "::"}], "prove": False})
    (only,) = site_options(params)
    assert (only["name"], only["certificate"], only["prove"]) == ("a.example", "c", False)
    assert [one.place for one in parse(only).bindings] == ["ipport=[::]:8443"]


def test_a_place_that_two_sites_ask_for_is_told():
    sites = [{"name": f"{name}.example", **PAIR, "bindings": [{"address": "::"}]} for name in "ab"]
    told = tell_shared_places([parse(one) for one in site_options(check({"sites": sites}))])
    assert told == [
        "ipport=[::]:443 carries one certificate, and a.example and b.example ask for it: give each its sni, or its "
        "address"
    ]


def test_results_are_those_of_the_module_for_several_sites():
    def result(before, after, **more):
        bound = [{"place": "x", "before": before, "after": after}]
        diff = {"before": str(before), "after": str(after)}
        told = {"changed": before != after, "bindings": bound, "commands": [f"bind {after}"], "diff": diff}
        return {**told, "warnings": ["one"], **more}

    each = [{"name": "a", "names": ["a", "*.a"]}, {"name": "b", "names": None}, {"name": "c", "names": None}]
    results = [result("1", "2", fingerprint="f"), result("3", "3", fingerprint="g"), result("4", None)]
    told = report_sites(each, results)
    assert told["fingerprints"] == {"a": "f", "b": "g"}
    assert (told["changed"], told["exchanged"], told["warnings"]) == (True, ["a"], ["one"])
    assert told["commands"] == ["bind 2", "bind 3", "bind None"]
    assert [one["before"] for one in told["diff"]] == ["1", "4"]
    assert [sorted(one) for one in told["sites"]] == [
        ["bindings", "changed", "fingerprint", "name"],
        ["bindings", "changed", "fingerprint", "name"],
        ["bindings", "changed", "name"],
    ]

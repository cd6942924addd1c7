# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of several sites are those of each alone, and what is wrong with any of them is told at once."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.port443.https.plugins.module_utils._certificate.report import report_all
from ansible_collections.port443.https.plugins.module_utils._certificate.request import (
    ARGUMENT_SPEC,
    gather,
    parse,
    parse_all,
    split,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

PAIR = {"certificate": "x", "key": "y"}


def params(*sites, **options):
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": list(sites), **options})
    assert validated.error_messages == []
    return validated.validated_parameters


def alone(**options):
    return ArgumentSpecValidator(ARGUMENT_SPEC).validate(options).validated_parameters


@pytest.mark.parametrize("own", [{}, {"names": ["a.example", "*.a.example"], "owner": "www", "self_signed": True}])
@pytest.mark.parametrize("shared", [{}, {"ca": "z", "keep": 3, "service": "haproxy", "prove": False, "trust": "none"}])
def test_each_site_is_asked_for_as_if_it_were_alone(own, shared):
    shared = {"directory": "/srv/pairs", **shared}
    if shared.get("trust") == "none":
        del shared["ca"]
    given = [{"name": "a.example", **PAIR, **own}, {"name": "b.example", **PAIR}]
    several = params(*given, **shared)
    assert list(parse_all(several)) == [parse(alone(**site, **shared)) for site in given]
    assert [{**one, "sites": None} for one in split(several)] == [
        {**dict.fromkeys(ARGUMENT_SPEC), **alone(**site, **shared)} for site in given
    ]


def test_one_that_is_not_of_several_is_itself():
    one = alone(name="a.example", **PAIR)
    assert (split(one), parse_all(one)) == ((one,), (parse(one),))


def test_a_ca_for_all_is_that_of_sites_without_a_pair_and_no_ca_is_asked_there():
    own, given = split(params({"name": "a"}, {"name": "b", **PAIR}, own_ca="folder", passphrase="p", ca="z"))
    assert (own["own_ca"], own["ca"], own["passphrase"]) == ("folder", None, "p")
    assert (given["own_ca"], given["ca"], given["passphrase"]) == (None, "z", "p")


@pytest.mark.parametrize(
    ("sites", "options", "message"),
    [
        (
            [{"name": "A.example"}, {"name": "b"}, {"name": "a.example"}],
            {},
            "each site has a name for itself; given more than once: a.example",
        ),
        (
            [{"name": "a/b"}, {"name": "b", "names": []}, {"name": "c"}],
            {},
            "a/b: name 'a/b' cannot be a directory's name: give the site's host name without a wildcard, such as "
            "example.com, or a word, and everything else the certificate has to cover as names; b: names is empty: "
            "leave it out for the site's own name, or list what has to be covered",
        ),
        ([{"name": "a"}, {"name": "b"}], {"keep": 0}, "keep 0 is not between 1 and 100"),
        ([{"name": "a"}], {"keep": 0}, "a: keep 0 is not between 1 and 100"),
        (
            [{"name": "a", **PAIR}, {"name": "b"}],
            {"own_ca": "folder", "trust": "none"},
            "b: trust: none asks nobody, so own_ca has no meaning with it: leave one of them out",
        ),
        (
            [{"name": "a"}],
            {"names": ["a"], "key_file": "a.key", "remote_src": True},
            "with sites, each of them has its own names, key_file, remote_src: move that there",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_of_all(sites, options, message):
    with pytest.raises(RequestError) as refused:
        parse_all(params(*sites, **options))
    assert refused.value.message == message


def test_what_is_wrong_with_some_names_them_and_what_is_with_all_does_not():
    assert gather([("a", "x"), ("b", "y"), ("c", "x")], 3) == ["a, c: x", "b: y"]
    assert gather([("a", "x"), ("b", "x")], 2) == ["x"]
    assert gather([("a", "x")], 1) == ["a: x"]


@pytest.mark.parametrize("option", ["ca", "ca_file"])
def test_a_ca_of_ones_own_is_the_only_one_of_its_site(option):
    with pytest.raises(RequestError) as refused:
        parse(alone(name="a", own_ca="folder", **{option: "x"}))
    assert refused.value.message == f"parameters are mutually exclusive: {option}|own_ca"


def test_names_come_as_a_text_with_commas():
    (text,), (listed,) = (
        parse_all(params({"name": "a", "names": names}))
        for names in ("a.example, *.a.example", ["a.example", "*.a.example"])
    )
    assert text == listed


def test_a_fingerprint_is_that_of_each_name_as_it_was_given_but_of_no_wildcard():
    each = split(params({"name": "Bücher.example"}, {"name": "b", "names": "B.example, *.b.example,192.0.2.7"}))
    reports = [{"changed": False, "fingerprint": letter, "diff": {"before": "", "after": ""}} for letter in "xy"]
    assert report_all(each, reports)["fingerprints"] == {"Bücher.example": "x", "B.example": "y", "192.0.2.7": "y"}

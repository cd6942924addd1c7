# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of win_certificate lists the options that the controller checks, and its examples are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments

PAGE = yaml.safe_load((Path(__file__).parents[4] / "plugins/modules/win_certificate.yml").read_text())
EXAMPLES = yaml.safe_load(PAGE["EXAMPLES"])


def shape(option):
    """What documentation and argument specification say alike of an option."""
    told = {name: option.get(name) for name in ("type", "elements", "choices", "default", "required")}
    return {**told, "required": bool(told["required"])}


def test_every_option_is_documented_as_it_is_checked():
    documented = PAGE["DOCUMENTATION"]["options"]
    assert {name: shape(option) for name, option in documented.items()} == {
        name: shape(option) for name, option in request.ARGUMENT_SPEC.items()
    }
    assert {name: shape(one) for name, one in documented["bindings"]["suboptions"].items()} == {
        name: shape(one) for name, one in request.ARGUMENT_SPEC["bindings"]["options"].items()
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["name"] for one in EXAMPLES])
def test_an_example_is_a_request_that_can_be_meant(example):
    params = check_arguments(
        "win_certificate",
        request.ARGUMENT_SPEC,
        example["port443.https.win_certificate"],
        mutually_exclusive=request.MUTUALLY_EXCLUSIVE,
        required_if=request.REQUIRED_IF,
    )
    assert request.parse(params).site in ("www.example.com", "intranet.example.com")


def test_options_that_certificate_has_too_are_checked_alike():
    from ansible_collections.port443.https.plugins.module_utils._certificate.request import ARGUMENT_SPEC

    differing = {"name", "keep", "prove", "prove_timeout"}  # name is required, as there are no sites
    shared = set(request.ARGUMENT_SPEC) & set(ARGUMENT_SPEC)
    assert [name for name in shared if request.ARGUMENT_SPEC[name] != ARGUMENT_SPEC[name]] == ["name"]
    assert differing <= shared

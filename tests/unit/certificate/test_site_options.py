# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A CA and a passphrase for all sites go to those that need them, and to no other."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import SOURCES, fill_in

SHARED = {"own_ca": "ca", "passphrase": "all's"}
OF_THE_TASK = {"own_ca": "ca", "passphrase": "all's"}
NONE = {"own_ca": None, "passphrase": None}


def filled(shared=None, **site):
    found = fill_in({"name": "a.example", **site}, SHARED if shared is None else shared)
    return {name: found.get(name) for name in ("own_ca", "passphrase")}


def test_a_site_without_anything_is_issued_a_certificate():
    assert filled() == filled(own_ca=None, passphrase=None, certificate=None) == OF_THE_TASK


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "own_ca"])
def test_a_site_with_a_certificate_is_opened_and_keeps_it(source):
    assert filled(**{source: "x"}) == {"own_ca": None, "passphrase": "all's"}


@pytest.mark.parametrize("source", ["key", "key_file", "certificate_path", "key_path"])
def test_half_a_pair_and_one_that_is_there_need_no_ca(source):
    assert filled(**{source: "x"}) == NONE


def test_a_certificate_that_is_to_be_issued_needs_no_ca():
    assert filled(acme={}) == NONE


def test_a_site_that_says_something_itself_is_taken_at_its_word():
    assert filled(own_ca="other", passphrase="own") == {"own_ca": "other", "passphrase": "own"}
    assert filled(own_ca="") == NONE
    assert filled(passphrase="") == {"own_ca": "ca", "passphrase": ""}


@pytest.mark.parametrize("nothing", [{}, {"own_ca": None, "passphrase": None}, {"own_ca": "", "passphrase": ""}])
def test_nothing_for_all_changes_no_site(nothing):
    assert filled(nothing, certificate="x") == NONE
    assert filled(nothing) == NONE

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which bindings of IIS are exchanged by microsoft.iis, and that what they name leaves only after that."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import (
    IisExchange,
    place_of,
    plan_exchanges,
    split_information,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import IisBinding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import plan_present
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from store_observations import OTHER, PLACES, observed, ours, pair, request

OLD, NEW = pair(2).leaf.thumbprint, pair(1).leaf.thumbprint


def site(information="*:443:", flags=0, thumbprint=OLD):
    return IisBinding("Shop", information, flags, thumbprint, "My")


@pytest.mark.parametrize(
    ("information", "flags", "parts", "place"),
    [
        ("*:443:", 0, ("*", 443, ""), "ipport=0.0.0.0:443"),
        (":443:", 0, ("", 443, ""), "ipport=0.0.0.0:443"),
        ("192.0.2.7:8443:shop.example", 0, ("192.0.2.7", 8443, "shop.example"), "ipport=192.0.2.7:8443"),
        ("[2001:db8::7]:443:", 0, ("[2001:db8::7]", 443, ""), "ipport=[2001:db8::7]:443"),
        ("*:443:Shop.Example", 1, ("*", 443, "Shop.Example"), "hostnameport=shop.example:443"),
    ],
)
def test_a_binding_of_iis_is_a_place_of_http_sys(information, flags, parts, place):
    assert split_information(information) == parts
    assert place_of(site(information, flags)) == place


@pytest.mark.parametrize("information", ["", "443", "*:https:", "host:443:"])
def test_a_binding_in_another_form_is_told(information):
    with pytest.raises(HostError, match="IIS has a binding"):
        place_of(site(information))


def test_what_names_an_old_certificate_or_is_about_a_place_is_exchanged():
    def planned(one, places=()):
        return bool(plan_exchanges([one], {OLD}, set(places), NEW, "My"))

    assert planned(site())
    assert not planned(site(thumbprint=OTHER))
    assert planned(site(thumbprint=OTHER), [PLACES[0]])
    assert not planned(site(thumbprint=""), [PLACES[0]])
    assert not planned(site(thumbprint=NEW), [PLACES[0]])


@pytest.mark.parametrize("flags", [2, 3, 4, 5, 32])
def test_flags_that_would_be_lost_are_refused(flags):
    with pytest.raises(HostError, match=f"has sslFlags {flags}, which microsoft.iis.website would not carry over"):
        plan_exchanges([site("*:443:a.example", flags)], {OLD}, set(), NEW, "My")


def test_the_old_certificate_stays_until_iis_names_it_no_more():
    seen = observed(ours(2), iis=(site(),))
    first = plan_present(seen, request(keep=1), pair(1))
    assert ([step.do for step in first.operations], first.exchanges) == (
        ["import", "add"],
        (IisExchange(site(), NEW, "My"),),
    )
    between = foresee(seen, first, pair(1))
    last = plan_present(between, request(keep=1), pair(1))
    assert ([step.do for step in last.operations], last.exchanges) == (["remove"], ())
    whole = plan_present(seen, request(keep=1), pair(1), to_the_end=True)
    assert [step.do for step in whole.operations] == ["import", "add", "remove"]
    assert foresee(between, last, pair(1)) == foresee(seen, whole, pair(1))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several sites are planned as one: none takes what another one has, and certificates leave when nobody has them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import IisBinding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    APPLICATION,
    AskedBinding,
    is_of_a_site,
    site_application,
    site_of,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.together import (
    WantedSites,
    plan_together,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from hypothesis import given
from hypothesis import strategies as st
from store_observations import OTHER, THEIRS, chain_path, observed, pair, request, stored

NAMES = ("a.example", "b.example", "c.example")
PLACES = {name: f"hostnameport={name}:443" for name in NAMES}
ALL = "ipport=0.0.0.0:443"


def site(name, *places, stay=False, siblings=NAMES, keep=1):
    asked = tuple(AskedBinding(place, "") for place in places or [PLACES[name]])
    applications = frozenset(map(site_application, siblings))
    wanted = replace(request(keep=keep), site=name, bindings=asked)
    return replace(wanted, siblings=applications, certificates_stay=stay)


def there(number, name):
    """A certificate of a site in the store, as observed."""
    leaf = pair(number).leaf
    return {f"My\\{leaf.thumbprint}": stored(leaf, f"port443:{name}:{leaf.thumbprint[:8]}")}


def bound(number, name, application=None):
    thumbprint = number if isinstance(number, str) else pair(number).leaf.thumbprint
    return binding.make_binding(thumbprint, application or site_application(name), "My")


def steps(plan):
    return [(step.do, step.id) for step in plan.operations]


def carries(state):
    return {place: binding.thumbprint_of(text) for place, text in state.bindings.items()}


def test_a_plan_for_all_relies_on_what_was_seen_before_the_first_and_removes_last():
    seen = observed({**there(2, "a.example")}, {PLACES["a.example"]: bound(2, "a.example")})
    joint = plan_together(seen, WantedSites(((site("a.example"), pair(1)), (site("b.example"), pair(3)))))
    assert [do for do, _id in steps(joint.whole)] == [
        *("import", "add", "bind", "prove"),
        *("import", "bind", "prove"),
        "remove",
    ]
    assert joint.whole.certificates[chain_path()] is None
    assert joint.whole.bindings == {PLACES["a.example"]: seen.bindings[PLACES["a.example"]], PLACES["b.example"]: None}
    assert carries(joint.foreseen) == {
        PLACES["a.example"]: pair(1).leaf.thumbprint,
        PLACES["b.example"]: pair(3).leaf.thumbprint,
    }


def test_two_sites_may_have_one_certificate_and_each_its_own_places():
    joint = plan_together(observed(), WantedSites(((site("a.example"), pair(1)), (site("b.example"), pair(1)))))
    after = joint.foreseen
    assert [do for do, _id in steps(joint.whole)].count("import") == 1
    assert [binding.application_of(after.bindings[PLACES[name]]) for name in NAMES[:2]] == [
        site_application(name) for name in NAMES[:2]
    ]
    only = plan_together(after, WantedSites(((site("a.example", siblings=NAMES[:1]), pair(1)),)))
    assert only.whole.changes() is False
    gone = plan_together(after, WantedSites(tuple((site(name), None) for name in NAMES[:2])))
    assert (gone.foreseen.bindings, gone.foreseen.certificates) == ({}, {})
    alone = plan_together(after, WantedSites(((site("a.example", siblings=NAMES[:1]), None),)))
    assert list(alone.foreseen.bindings) == [PLACES["b.example"]]
    (told,) = alone.whole.warnings
    assert (
        told == f"{PLACES['b.example']} is a binding of another site and carries {pair(1).leaf.thumbprint}: both stay"
    )


def test_a_certificate_that_goes_from_one_site_to_another_stays_in_its_store():
    seen = observed(there(2, "a.example"), {PLACES["a.example"]: bound(2, "a.example")})
    for order in (1, -1):
        sites = ((site("a.example"), pair(1)), (site("b.example"), pair(2)))[::order]
        joint = plan_together(seen, WantedSites(sites))
        assert "remove" not in [do for do, _id in steps(joint.whole)]
        assert carries(joint.foreseen)[PLACES["b.example"]] == pair(2).leaf.thumbprint
        assert plan_together(joint.foreseen, WantedSites(sites)).whole.changes() is False


def test_a_place_that_a_site_no_longer_asks_for_goes_and_one_that_it_takes_from_a_sibling_comes():
    state = plan_together(observed(), WantedSites(((site("a.example", *PLACES.values()), pair(1)),))).foreseen
    sites = ((site("a.example"), pair(1)), (site("b.example"), pair(2)))
    for order in (1, -1):
        after = plan_together(state, WantedSites(sites[::order])).foreseen
        assert carries(after) == {
            PLACES["a.example"]: pair(1).leaf.thumbprint,
            PLACES["b.example"]: pair(2).leaf.thumbprint,
        }
        assert binding.application_of(after.bindings[PLACES["b.example"]]) == site_application("b.example")


@pytest.mark.parametrize(
    ("application", "whose"),
    [(THEIRS, "another application"), (site_application("x.example"), "another site")],
)
def test_a_place_of_somebody_else_is_refused_by_name(application, whose):
    seen = observed({}, {PLACES["b.example"]: bound(OTHER, "", application)})
    with pytest.raises(HostError) as problem:
        plan_together(seen, WantedSites(((site("a.example"), pair(1)), (site("b.example"), pair(2)))))
    told = f"b.example: {PLACES['b.example']} is a binding of {whose} ({{{application}}}), and a place has one"
    assert problem.value.message.startswith(told)


@pytest.mark.parametrize("owner", [binding.IIS, APPLICATION])
def test_a_place_of_iis_gets_the_certificate_and_stays_that_of_iis(owner):
    seen = observed({}, {PLACES["a.example"]: bound(OTHER, "", owner)})
    wanted = WantedSites(((site("a.example"), pair(1)),))
    after = plan_together(seen, wanted).foreseen
    assert carries(after) == {PLACES["a.example"]: pair(1).leaf.thumbprint}
    now = binding.application_of(after.bindings[PLACES["a.example"]])
    assert now == (binding.IIS if owner == binding.IIS else site_application("a.example"))
    assert plan_together(after, wanted).whole.changes() is False
    gone = plan_together(after, WantedSites(((site("a.example"), None),)))
    assert bool(gone.foreseen.bindings) == (owner == binding.IIS)


def test_what_iis_names_for_the_place_of_a_sibling_is_left_to_that_sibling():
    configured = IisBinding("Shop", "*:443:b.example", 1, pair(2).leaf.thumbprint, "My")
    seen = observed(there(2, "a.example"), {}, iis=(configured,))
    joint = plan_together(seen, WantedSites(((site("a.example"), pair(1)), (site("b.example"), pair(3)))), True)
    assert [one.thumbprint for one in joint.whole.exchanges] == [pair(3).leaf.thumbprint]


def test_where_certificates_stay_the_bindings_alone_go():
    seen = plan_together(observed(), WantedSites(((site("a.example"), pair(1)),))).foreseen
    gone = plan_together(seen, WantedSites(((site("a.example", stay=True), None),))).foreseen
    assert (gone.bindings, gone.certificates) == ({}, seen.certificates)
    seen = observed(there(1, "a.example"), {PLACES["a.example"]: bound(1, "", APPLICATION)})
    kept = plan_together(seen, WantedSites(((site("a.example", stay=True), None),)))
    assert kept.whole.changes() is False
    assert "is a binding of the module win_certificate and carries" in kept.whole.warnings[0]


def test_a_purge_takes_the_places_of_other_sites_and_of_nobody_else():
    seen = observed(
        there(2, "x.example"),
        {
            "hostnameport=x.example:443": bound(2, "x.example"),
            PLACES["a.example"]: bound(1, "a.example"),
            PLACES["b.example"]: bound(OTHER, "", THEIRS),
            ALL: bound(OTHER, "", APPLICATION),
        },
    )
    joint = plan_together(seen, WantedSites(((site("a.example", siblings=NAMES[:1]), pair(1)),), purge=True))
    assert steps(joint.purged) == [("bind", "hostnameport=x.example:443")]
    assert sorted(joint.foreseen.bindings) == sorted([PLACES["a.example"], PLACES["b.example"], ALL])
    assert joint.foreseen.certificates.items() >= seen.certificates.items()


def test_what_fails_for_one_of_several_is_told_with_its_name_and_of_one_alone_without():
    seen = observed({}, {PLACES["a.example"]: bound(OTHER, "", THEIRS)})
    with pytest.raises(HostError) as problem:
        plan_together(seen, WantedSites(((site("a.example"), pair(1)),)))
    assert problem.value.message.startswith("hostnameport=a.example:443 is a binding of another")


def test_the_application_of_a_site_tells_it_from_all_others():
    found = {site_application(name) for name in NAMES}
    assert len(found) == 3
    assert all(map(is_of_a_site, found))
    assert not is_of_a_site(APPLICATION)
    assert not is_of_a_site(THEIRS)
    assert site_of("port443:a.example:0A1B2C3D") == "a.example"
    assert site_of("by hand") == site_of("port443:x") == ""


texts = st.builds(bound, st.sampled_from([1, 2, 3, OTHER]), st.sampled_from([*NAMES, "x.example"]))
hosts = st.builds(
    lambda owners, bindings: observed(
        {path: text for number, name in owners.items() for path, text in there(number, name).items()}, bindings
    ),
    st.dictionaries(st.sampled_from([1, 2, 3]), st.sampled_from([*NAMES, "x.example"])),
    st.dictionaries(st.sampled_from([*PLACES.values(), ALL]), texts),
)


@given(hosts, st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, 1, 2, 3]), min_size=1), st.integers(1, 2))
def test_a_joint_plan_comes_true_in_one_round_and_leaves_what_is_not_ours(seen, wanted, keep):
    one_state = [(name, number) for name, number in wanted.items() if (number is None) == (None in wanted.values())]
    names = [name for name, _number in one_state]
    sites = WantedSites(
        tuple((site(name, siblings=names, keep=keep), number and pair(number)) for name, number in one_state), True
    )
    joint = plan_together(seen, sites)
    after = seen
    for plan, (_request, offered) in zip((joint.purged, *joint.each), [(None, None), *sites.sites]):
        after = foresee(after, plan, offered)
    assert after == joint.foreseen
    assert plan_together(after, sites).whole.operations == ()
    for name, number in one_state:
        assert carries(after).get(PLACES[name]) == (number and pair(number).leaf.thumbprint)
    removed = [step.fields["thumbprint"] for step in joint.whole.operations if step.do == "remove"]
    assert len(removed) == len(set(removed))
    assert not set(removed) & set(carries(after).values())

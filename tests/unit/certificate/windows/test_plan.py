# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for a host, from data alone: a plan comes true in one round, and touches what is ours alone."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    SeenCertificate,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import plan_absent, plan_present
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    APPLICATION,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import report_change
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from hypothesis import given
from hypothesis import strategies as st
from store_observations import OTHER, PLACES, SITE, THEIRS, chain_path, observed, ours, pair, request, stored


def steps(plan):
    return [(step.do, step.id) for step in plan.operations]


def test_on_an_empty_host_leaf_and_chain_come_before_bindings_and_their_proof():
    plan = plan_present(observed(), request(*PLACES[:2]), pair())
    assert steps(plan) == [
        ("import", f"My\\{pair().leaf.thumbprint}"),
        ("add", chain_path()),
        ("bind", PLACES[0]),
        ("prove", PLACES[0]),
        ("bind", PLACES[1]),
        ("prove", PLACES[1]),
    ]
    assert set(plan.certificates.values()) | set(plan.bindings.values()) == {None}
    assert plan.needs_key()


def test_what_is_superseded_goes_last_and_only_what_is_not_kept():
    bindings = {PLACES[3]: binding.make_binding(pair(2).leaf.thumbprint, THEIRS, "My")}
    seen = observed({**ours(2, 3), chain_path(): stored(pair().chain[0], key=False)}, bindings)
    kept = plan_present(seen, request(), pair(1))
    assert [do for do, _id in steps(kept)] == ["import", "bind", "prove", "remove"]
    assert len(kept.leaving) == 1
    assert [do for do, _id in steps(plan_present(seen, request(keep=3), pair(1)))] == ["import", "bind", "prove"]
    assert len(plan_present(seen, request(keep=1), pair(1)).leaving) == 2


def test_the_proof_accepts_what_was_shown_there_before_only_where_no_binding_of_http_sys_did():
    def shown(listens, thumbprint):
        return SeenCertificate(PLACES[0], "127.0.0.1", 443, "", listens, thumbprint, "", "")

    old = binding.make_binding(pair(2).leaf.thumbprint, APPLICATION, "My")
    for seen, bindings, accepted in (
        (shown(False, ""), {}, [""]),
        (shown(True, OTHER), {}, [OTHER]),
        (shown(True, ""), {}, []),
        (shown(True, pair(2).leaf.thumbprint), {PLACES[0]: old}, []),
        (shown(True, OTHER), {PLACES[0]: old}, [OTHER]),
    ):
        plan = plan_present(observed(ours(2), bindings, seen=(seen,)), request(PLACES[0]), pair(1))
        (proof,) = (step for step in plan.operations if step.do == "prove")
        assert (proof.fields["accept"], proof.fields["seconds"]) == (accepted, 9)


def test_a_binding_by_central_certificate_store_is_never_touched():
    seen = observed(ours(2), {"ccs=443": f"AppId=Binary:{'0' * 32}"})
    assert "ccs=443" not in plan_present(seen, request(keep=1), pair(1)).bindings


def test_the_words_of_both_ways_are_asked_of_netsh_before_anything_is_planned():
    text = binding.make_binding(pair(2).leaf.thumbprint, APPLICATION, "My") + "\nDefaultFlags=DWord:32"
    text = "\n".join(sorted(text.split("\n")))
    with pytest.raises(HostError, match="does not know disablequic=enable"):
        plan_present(observed(ours(2), {PLACES[0]: text}), request(), pair(1))
    with pytest.raises(HostError, match="does not know disablequic=enable"):
        plan_absent(observed(ours(2), {PLACES[0]: text}), request())


def test_a_certificate_under_another_name_is_neither_removed_nor_renamed():
    by_hand = {f"My\\{pair(2).leaf.thumbprint}": stored(pair(2).leaf, "by hand")}
    assert steps(plan_absent(observed(by_hand), request())) == []
    plan = plan_present(observed(by_hand), request(), pair(2))
    assert [do for do, _id in steps(plan)] == ["add"]  # the intermediate


def test_the_name_of_another_site_whose_name_begins_alike_is_not_ours():
    leaf = pair(2).leaf
    name = f"port443:{SITE}:more:{leaf.thumbprint[:8]}"
    assert steps(plan_absent(observed({f"My\\{leaf.thumbprint}": stored(leaf, name)}), request())) == []


binding_texts = st.builds(
    lambda thumbprint, application, flags: "\n".join(
        sorted(
            [
                *binding.make_binding(thumbprint, application, "My").split("\n"),
                *([f"DefaultFlags=DWord:{flags}"] if flags else []),
            ]
        )
    ),
    st.sampled_from([pair(number).leaf.thumbprint for number in (1, 2, 3)] + [OTHER]),
    st.sampled_from([APPLICATION, THEIRS, binding.IIS]),
    st.sampled_from([0, 1, 2, 3]),
)
hosts = st.builds(
    lambda numbers, chain, bindings, users: observed(
        {**ours(*numbers), **({chain_path(): stored(pair().chain[0], chain, key=False)} if chain is not None else {})},
        bindings,
        users={pair(number).leaf.thumbprint: ("remote desktop (RDP-Tcp)",) for number in users},
    ),
    st.sets(st.sampled_from([1, 2, 3])),
    st.sampled_from([None, "", f"port443:chain:{pair().chain[0].thumbprint[:8]}"]),
    st.dictionaries(st.sampled_from(PLACES), binding_texts),
    st.sets(st.sampled_from([2, 3]), max_size=1),
)


@given(hosts, st.lists(st.sampled_from(PLACES), unique=True), st.integers(1, 3))
def test_a_plan_comes_true_in_one_round(seen, places, keep):
    wanted = request(*places, keep=keep)
    plan = plan_present(seen, wanted, pair(1))
    after = foresee(seen, plan, pair(1))
    assert plan_present(after, wanted, pair(1)).operations == ()
    assert all(binding.thumbprint_of(after.bindings[place]) == pair(1).leaf.thumbprint for place in places)
    gone = plan_absent(after, wanted)
    empty = foresee(after, gone, None)
    assert plan_absent(empty, wanted).operations == ()


@given(hosts, st.lists(st.sampled_from(PLACES), unique=True))
def test_what_is_not_ours_stays_to_the_letter(seen, places):
    plan = plan_present(seen, request(*places), pair(1))
    after = foresee(seen, plan, pair(1))
    ours_before = {binding.thumbprint_of(text) for text in seen.bindings.values()} - {OTHER}
    for place, text in seen.bindings.items():
        now = after.bindings[place]
        if place not in places and binding.thumbprint_of(text) not in ours_before:
            assert now == text
        assert binding.with_thumbprint(now, "x") == binding.with_thumbprint(text, "x")


@given(hosts, st.booleans())
def test_what_is_told_to_change_is_what_the_diff_shows(seen, absent):
    plan = plan_absent(seen, request()) if absent else plan_present(seen, request(*PLACES[:1]), pair(1))
    told = report_change(request(), seen, foresee(seen, plan, None if absent else pair(1)), plan)
    assert told["changed"] == (told["diff"]["before"] != told["diff"]["after"])
    assert told["changed"] == bool(told["commands"])

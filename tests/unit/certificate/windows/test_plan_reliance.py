# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan relies on is in its guard, and what cannot be done, or may not go, is told and stays."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import IisBinding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import plan_absent, plan_present
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import APPLICATION
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from store_observations import PLACES, SITE, THEIRS, chain_path, observed, ours, pair, request, stored

OLD, NEW = pair(2).leaf.thumbprint, pair(1).leaf.thumbprint
BOUND = {PLACES[0]: binding.make_binding(OLD, THEIRS, "My")}


def steps(plan):
    return [step.do for step in plan.operations]


def test_the_guard_holds_all_that_is_touched_as_it_was_seen():
    seen = observed(ours(2), BOUND)
    plan = plan_present(seen, request(PLACES[1], keep=1), pair(1))
    path = f"My\\{OLD}"
    assert plan.certificates == {f"My\\{NEW}": None, chain_path(): None, path: seen.certificates[path]}
    assert plan.bindings == {PLACES[1]: None, **BOUND}
    assert plan.leaving == (OLD,)
    assert plan.send()["guard"] == {
        "certificates": dict(plan.certificates),
        "bindings": dict(plan.bindings),
        "leaving": [OLD],
    }


def test_a_certificate_whose_key_cannot_be_used_is_imported_again_under_the_name_that_it_has():
    for name, expected in (("", f"port443:{SITE}:{NEW[:8]}"), ("theirs", "theirs")):
        seen = observed({f"My\\{NEW}": stored(pair(1).leaf, name, key=False)})
        first = plan_present(seen, request(), pair(1)).operations[0]
        assert (first.do, first.fields["name"]) == ("import", expected)
        assert [(way.do, way.fields.get("name")) for way in first.undo] == [("withdraw", None), ("add", name)]


def test_a_binding_of_another_store_is_refused():
    text = binding.make_binding(OLD, THEIRS, "WebHosting")
    with pytest.raises(HostError, match="in the store WebHosting, and this one goes to My: set store: WebHosting"):
        plan_present(observed(ours(2), {PLACES[0]: text}), request(), pair(1))


def test_what_else_is_in_use_stays_and_is_told():
    for more, told in (
        ({"users": {OLD: ("WinRM (*+HTTPS)",)}}, "WinRM (*+HTTPS)"),
        ({"iis": (IisBinding("Shop", "*:443:", 0, OLD, "My"),)}, "the IIS site Shop"),
    ):
        plan = plan_absent(observed(ours(2), **more), request())
        assert (steps(plan), plan.warnings) == ([], (f"{OLD} stays, as it is used by {told}",))


def test_absent_takes_bindings_that_were_made_for_it_and_no_others():
    texts = {PLACES[0]: BOUND[PLACES[0]], PLACES[1]: binding.make_binding(OLD, APPLICATION, "My")}
    plan = plan_absent(observed(ours(2), texts), request())
    assert [(step.do, step.id) for step in plan.operations] == [("bind", PLACES[1])]
    assert plan.warnings == (f"{PLACES[0]} is a binding of another application and carries {OLD}: both stay",)
    texts[PLACES[0]] = binding.make_binding(OLD, binding.IIS, "My")
    assert "is a binding of IIS" in plan_absent(observed(ours(2), texts), request()).warnings[0]


def test_an_intermediate_of_ours_leaves_with_the_last_certificate_that_it_issued():
    chain = stored(pair(1).chain[0], f"port443:chain:{pair(1).chain[0].thumbprint[:8]}", key=False)
    alone = plan_absent(observed({**ours(2), chain_path(): chain}), request())
    assert [step.id for step in alone.operations] == [f"My\\{OLD}", chain_path()]
    foreign = {f"WebHosting\\{pair(3).leaf.thumbprint}": stored(pair(3).leaf, "theirs")}
    shared = plan_absent(observed({**ours(2), **foreign, chain_path(): chain}), request())
    assert [step.id for step in shared.operations] == [f"My\\{OLD}"]
    theirs = plan_absent(observed({**ours(2), chain_path(): stored(pair(1).chain[0], "theirs", key=False)}), request())
    assert [step.id for step in theirs.operations] == [f"My\\{OLD}"]


def test_only_a_binding_by_name_is_shadowed_and_only_on_its_port():
    shadowed = plan_present(observed(), request(PLACES[0], PLACES[2]), pair(1))
    assert shadowed.warnings == (f"{PLACES[0]} may answer before {PLACES[2]}, whatever name a client asks for",)
    assert plan_present(observed(), request(PLACES[2], PLACES[3]), pair(1)).warnings == ()
    assert plan_present(observed(), request(PLACES[0], PLACES[1]), pair(1)).warnings == ()

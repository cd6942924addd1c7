# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How often a host is asked, what goes along, what becomes of its failures; the host is the plan's own foresight."""

from __future__ import annotations

from dataclasses import replace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import (
    StoreOperation,
    StorePlan,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import ARGUMENT_SPEC
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import (
    WindowsCertificates,
    secrets_among,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import read_windows_pair
from store_observations import OTHER, PLACES, SITE, observed, ours, pair, request

ISSUED = pki.site(SITE, number=1)
CHAIN = pki.intermediate().pem()
NEW = pair(1).leaf.thumbprint
PASSWORD = f"password_{NEW}"


class Reader:
    """Reads a pair that is given as content."""

    module = "win_certificate"
    new_ca = None

    def fetch(self, given):
        return {"certificate": given["certificate"], "key": given["key"], "chain": None, "ca": None}, ()


def windows_pair(**options):
    nothing = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    given = {"name": SITE, "certificate": (ISSUED.pem() + CHAIN).decode(), "key": ISSUED.key_pem().decode()}
    return read_windows_pair(Reader(), {**nothing, **given, **options})


class Host:
    """Answers as the script would, and does what it is told as foresight says; ``answers`` change what it says."""

    def __init__(self, seen, *answers):
        self.seen = seen
        self.answers = list(answers)
        self.sent = []

    def __call__(self, arguments):
        self.sent.append(arguments)
        changed = self.answers.pop(0) if self.answers else {}
        if changed.get("guarded", True) and not changed.get("failure"):
            steps = [read_step(step) for step in arguments.get("operations", ())]
            self.seen = foresee(self.seen, StorePlan(tuple(steps)), pair(1))
        answer = {name: getattr(self.seen, name) for name in ("certificates", "bindings", "users", "chain")}
        answer.update(format=2, netsh=sorted(self.seen.netsh), seen=[], iis=[], guarded=True, failure=None, left=[])
        return {**answer, **changed}


class NoIis:
    def demand(self):
        raise AssertionError

    def exchange(self, exchanges):
        raise AssertionError


def read_step(step):
    return StoreOperation(step["do"], step["id"], step)


def run(host, wanted=None, check=False, with_pair=True, **options):
    given = windows_pair(**options) if with_pair else None
    work = WindowsCertificates(host, NoIis(), [(wanted or request(*PLACES[:2]), given)], check)
    before, after, joint = work.carry_out()
    return (before, after, joint.whole), work


def test_a_change_is_two_executions_and_the_key_goes_with_the_second_alone():
    host = Host(observed())
    (_before, after, plan), _work = run(host)
    assert [sorted(secrets_among(one)) for one in host.sent] == [[], sorted([PASSWORD, f"pfx_{NEW}"])]
    assert sorted(after.bindings) == sorted(PLACES[:2])
    assert "PRIVATE" not in str(host.sent)
    again = Host(after)
    assert run(again)[0][2].changes() is False
    assert len(again.sent) == 1
    assert plan.needs_key()


def test_a_check_asks_once_and_foresees_what_a_run_makes():
    host, other = Host(observed()), Host(observed())
    (_before, foreseen, _plan), _work = run(host, check=True)
    assert len(host.sent) == 1
    assert run(other)[0][1] == foreseen


def test_a_renewal_of_bindings_alone_sends_no_key():
    text = binding.make_binding(OTHER, "11112222-3333-4444-5555-666677778888", "My")
    host = Host(observed(ours(1), {PLACES[0]: text}))
    run(host)
    assert len(host.sent) == 2
    assert not secrets_among(host.sent[1])


def test_every_password_is_another():
    hosts = [Host(observed()), Host(observed())]
    for host in hosts:
        run(host)
    assert len({host.sent[1][PASSWORD] for host in hosts}) == 2


def test_a_plan_that_was_overtaken_is_made_anew_and_given_up_in_the_end():
    lost = {"guarded": False}
    host = Host(observed(), {}, lost, lost)
    run(host)
    assert len(host.sent) == 4
    host = Host(observed(), {}, lost, lost, lost)
    with pytest.raises(HostError, match="3 times between look and change"):
        run(host)


@pytest.mark.parametrize("code", [5, -2147024891])
def test_a_failure_is_told_with_what_was_not_taken_back_and_which_right_is_missing(code):
    failure = {"id": PLACES[0], "hresult": code, "message": "Access is denied.", "not_undone": []}
    with pytest.raises(HostError) as problem:
        run(Host(observed(), {}, {"failure": failure}))
    told = str(problem.value)
    assert told.startswith(f"{PLACES[0]}: Access is denied (this takes an administrator")
    assert told.endswith("All that was done was taken back")
    left = {**failure, "hresult": 87, "not_undone": ["bind x: no", "remove y: no"]}
    with pytest.raises(HostError, match="could be taken back: bind x: no; remove y: no") as problem:
        run(Host(observed(), {}, {"failure": left}))
    assert "administrator" not in str(problem.value)


def test_a_host_that_took_everything_and_is_not_as_asked_is_a_failure():
    class Lying(Host):
        def __call__(self, arguments):
            answer = super().__call__({**arguments, "operations": []})
            self.sent[-1] = arguments
            return answer

    with pytest.raises(HostError, match="took everything, and yet is not as asked; what is still to do: import"):
        run(Lying(observed()))


def test_a_chain_that_windows_does_not_trust_is_refused_and_one_that_it_is_not_asked_about_is_not():
    seen = replace(observed(), chain={NEW: ("PartialChain", "PartialChain")})
    with pytest.raises(HostError, match=r"does not trust the chain \(PartialChain\)"):
        run(Host(seen))
    host = Host(observed())
    run(host)
    chain = {"thumbprint": NEW, "leaf": pair(1).leaf.der, "others": [pair(1).chain[0].der]}
    assert host.sent[0]["chains"] == [chain]
    host = Host(observed())
    run(host, trust="none")
    assert host.sent[0]["chains"] == []


def test_a_host_that_does_not_answer_says_why():
    with pytest.raises(HostError, match="the script on the host did not run: it said nothing"):
        run(lambda arguments: {})
    denied = {"failed": True, "msg": "Access is denied.", "failure": {"hresult": -2147024891}}
    with pytest.raises(HostError, match="administrator's token"):
        run(lambda arguments: denied)


def test_what_could_not_be_cleaned_up_is_told():
    host = Host(observed(ours(1)), {}, {"left": ["its key stays"]})
    _seen, work = run(host, with_pair=False)
    assert (host.seen.certificates, work.left) == ({}, ["its key stays"])

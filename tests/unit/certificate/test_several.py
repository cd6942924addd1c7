# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pairs of several sites are exchanged, served and taken back as one, by a service that takes its time."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from ansible_collections.port443.https.plugins.module_utils._certificate.removal import remove
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from slow_web import ADDED, BACK, FIRST, MINE, NEW, OTHERS, SECOND, A, B, ask, deployment, everything, prints, start_web


def refuse(web, sites, **options):
    """The message of a deployment that fails, which leaves what was there before."""
    before = everything(web.store)
    with pytest.raises(HostError) as refused:
        deployment(web, sites, **options).deploy()
    assert everything(web.store) == before
    return refused.value.message


@pytest.fixture
def make_web(safe_folder, monkeypatch):
    """Returns a function that makes a service with the first two pairs and ``names`` beside these."""
    return lambda *names: start_web(safe_folder, monkeypatch, *names)


def test_all_of_them_take_one_test_and_one_reload(make_web):
    web = make_web(NEW)
    checked = deployment(web, ADDED).check()
    assert (web.calls, [one.changed for one in checked.outcomes]) == ([], [True] * 3)
    done = deployment(web, ADDED).deploy()
    assert (web.calls, web.served()) == (["test", "reload"], prints(ADDED))
    assert [(one.changed, one.served, one.commands) for one in done.outcomes] == [
        (one.changed, one.served, one.commands) for one in checked.outcomes
    ]
    assert [one.changed for one in deployment(web, ADDED).deploy().outcomes] == [False] * 3
    assert web.calls == ["test", "reload"]


def test_a_site_that_was_served_before_is_proved_again(make_web):
    web = make_web()
    real = web.reload

    def reload():
        web.blind.add(B)  # it loses the site of whose pair nothing changes
        return real()

    web.reload = reload
    told = refuse(web, {A: SECOND[A], B: FIRST[B]})
    assert told.startswith(f"the service was reloaded, but after 1 seconds {B}: 127.0.0.1:443 serves sha256:{OTHERS}")


def test_one_that_is_not_shown_takes_the_others_back_although_its_own_is_the_first(make_web):
    web = make_web(NEW)
    web.blind = {NEW}
    assert refuse(web, ADDED) == (
        f"the service was reloaded, but after 1 seconds {NEW}: 127.0.0.1:443 serves sha256:{OTHERS} for '{NEW}' "
        f"instead of sha256:{ADDED[NEW].sha256()}; its error log may say why; {BACK}"
    )
    assert {name: web.served()[name] for name in FIRST} == prints(FIRST)


def test_a_first_pair_that_the_service_keeps_is_told(make_web):
    web = make_web(NEW)
    real = web.reload
    web.reload = lambda: web.blind.symmetric_difference_update({B}) or real()  # which shows it again the second time
    assert refuse(web, ADDED).endswith(f"; {BACK}; the service has the refused pairs of {NEW} until it is reloaded")


def test_a_failed_test_takes_all_back_without_a_reload(make_web):
    web = make_web("missing.example")
    assert refuse(web, SECOND) == f"'web -t' failed: {web.store}/missing.example/current/fullchain.pem; {BACK}"
    assert (web.calls, web.served()) == (["test"], {**prints(FIRST), "missing.example": OTHERS})


def test_what_cannot_be_loaded_again_is_told(make_web):
    web = make_web()
    web.blind = {B}
    real = web.test
    web.test = lambda: real() if "reload" not in web.calls else Completed(web.test_command, 1, "", "no more")
    told = refuse(web, SECOND)
    assert "; all pairs are as they were, but the service could not be reloaded with them: 'web -t' failed: " in told
    assert f", but what was served before is not served again: {A} (127.0.0.1:443 serves sha256:" in told


def test_a_message_tells_of_a_few_sites_and_how_many_more_there_are(make_web):
    names = [f"{number}.example" for number in range(5)]
    web = make_web(*names)
    web.blind = {*names}
    told = refuse(web, {name: pki.site(name, number=7) for name in names})
    assert [name for name in names if f"{name}: 127" in told] == names[:3]
    assert "; and 2 more; all pairs are as they were" in told


def test_without_proof_all_are_reloaded_once(make_web):
    web = make_web()
    done = deployment(web, SECOND, prove=False).deploy()
    assert (web.calls, [one.served for one in done.outcomes]) == (["test", "reload"], ["unknown"] * 2)
    assert web.served() == prints(SECOND)


def test_a_pair_that_cannot_be_installed_leaves_the_others_where_they_were(make_web, monkeypatch):
    web = make_web()
    real = _store.SiteFolder.exchange

    def exchange(folder, want):
        if B in folder._path:
            raise OSError(28, "No space left on device", "privkey.pem")
        return real(folder, want)

    monkeypatch.setattr(_store.SiteFolder, "exchange", exchange)
    assert refuse(web, SECOND) == f"{web.store}/{B} (privkey.pem): No space left on device; all pairs are as they were"
    assert (web.calls, web.served()) == ([], prints(FIRST))


def test_who_may_read_a_key_is_as_before_where_another_site_fails(make_web):
    web = make_web(NEW)
    web.blind = {NEW}
    open_to_group = Access(MINE.uid, MINE.gid, 0o640)
    assert refuse(web, {**FIRST, NEW: ADDED[NEW]}, access=open_to_group).endswith("; all pairs are as they were")
    web.blind = set()
    deployment(web, {**FIRST, NEW: ADDED[NEW]}, access=open_to_group).deploy()
    assert (web.store / A / "current" / "privkey.pem").stat().st_mode & 0o777 == 0o640


def test_several_are_removed_or_none(make_web):
    web = make_web()
    requests = [ask(web, name, state="absent") for name in (A, B, "none.example")]
    before = everything(web.store)
    with pytest.raises(HostError, match=f"{web.store}/{A}, {web.store}/{B} are still named"):
        remove(requests, web, False, lambda _path: None)
    web.names_pairs = False
    with pytest.raises(HostError, match=f"'web -t' failed: {web.store}/{A}/.*; the pairs are back in place"):
        remove(requests, web, False, lambda _path: None)
    assert everything(web.store) == before
    web.names = ()
    assert remove(requests, web, True, lambda _path: None).removed == (A, B)
    assert everything(web.store) == before
    assert remove(requests, web, False, lambda _path: None).removed == (A, B)
    assert not web.store.exists()

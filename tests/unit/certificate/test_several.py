# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pairs of several sites are exchanged, served and taken back as one, by a service that takes its time."""

from __future__ import annotations

import os

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from ansible_collections.port443.https.plugins.module_utils._certificate.deploy import Deployment
from ansible_collections.port443.https.plugins.module_utils._certificate.removal import remove
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.host import Completed
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls import proof, served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving

A, B, NEW = "a.example", "b.example", "new.example"
MINE = Access(os.geteuid(), os.getegid(), 0o600)
OTHERS = "0f" * 32
FIRST = {A: pki.site(A, number=1), B: pki.site(B, number=2)}
SECOND = {A: pki.site(A, number=3), B: pki.site(B, number=4)}
ADDED = {**SECOND, NEW: pki.site(NEW, number=5)}
BACK = "all pairs are as they were, and what was served before is served again"


class SlowWeb:
    """A service that begins a reload when it is next asked, and takes up nothing while a pair that it names is missing.

    Of ``blind`` sites it shows something else, whatever is installed.
    """

    test_command, reload_command = ("web", "-t"), ("web", "reload")

    def __init__(self, store, *names):
        self.store, self.names = store, names
        self.loaded, self.blind, self.calls = {}, set(), []
        self.reloads = False

    def observe(self, *wanted):
        return tuple(Serving(True, True, (Endpoint("127.0.0.1", 443, one.server_name),)) for one in wanted)

    def test(self):
        self.calls.append("test")
        missing = [
            f"{self.store}/{name}/current/fullchain.pem" for name, shown in self.installed().items() if not shown
        ]
        return Completed(self.test_command, int(bool(missing)), "", ", ".join(missing))

    def reload(self):
        self.calls.append("reload")
        self.reloads = True
        return Completed(self.reload_command, 0, "", "")

    def installed(self):
        chains = {name: self.store / name / "current" / "fullchain.pem" for name in self.names}
        return {name: pki.fingerprint_of(path.read_bytes()) if path.exists() else "" for name, path in chains.items()}

    def served(self):
        return {name: self.look(Endpoint("", 443, name), None).fingerprint for name in self.names}

    def look(self, place, _ciphers):
        if self.reloads and all(self.installed().values()):
            self.loaded = self.installed()
        self.reloads = False
        return Look(place, OTHERS if place.name in self.blind else self.loaded.get(place.name, OTHERS))


class Clock:
    """Time that passes where somebody waits, and only there."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, _seconds):
        self.now += 0.3


def ask(web, name, **options):
    params = {option: spec.get("default") for option, spec in _request.ARGUMENT_SPEC.items()}
    return _request.parse({**params, "name": name, "directory": str(web.store), "prove_timeout": 1, **options})


def deployment(web, sites, access=MINE, **options):
    pairs = []
    for name, site in sites.items():
        pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), int(pki.NOW.timestamp()))
        pairs.append(RequestedPair(ask(web, name, **options), pair, _store.lay_out(pair, access), f"{name}: "))
    return Deployment(tuple(pairs), web, lambda _path: None)


def prints(sites):
    return {name: site.sha256() for name, site in sites.items()}


def everything(folder):
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.stat().st_mode
        for path in folder.rglob("*")
    }


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

    def make(*names):
        web = SlowWeb(safe_folder / "store", A, B)
        monkeypatch.setattr(served_certificate, "_look_once", web.look)
        monkeypatch.setattr(proof, "time", Clock())
        deployment(web, FIRST).deploy()
        assert (web.served(), web.calls) == (prints(FIRST), ["test", "reload"])
        web.names, web.calls = (A, B, *names), []
        return web

    return make


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


def cut_off(web, sites):
    """What a run leaves that ends after the exchange: nothing is taken back, as where it is killed."""
    real = web.test
    web.test = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        deployment(web, sites).deploy()
    web.test = real
    assert (web.store / _journal.NAME).exists()


def test_a_run_about_one_site_takes_back_what_was_cut_off_of_all(make_web):
    web = make_web(NEW)
    before = everything(web.store)
    cut_off(web, ADDED)
    assert web.installed() == prints(ADDED)
    web.names = (A, B)
    same = deployment(web, {A: FIRST[A]})
    checked = same.check()
    assert (checked.recovered, [one.changed for one in checked.outcomes]) == (True, [True])
    assert checked.states[0].is_installed()  # which it is once all is back
    done = same.deploy()
    assert done.recovered
    assert done.warnings == ("a run before this one was cut off: what it had done was taken back first",)
    # The service may have taken up what is gone: it is reloaded although its site looks well.
    assert (web.calls, web.served()) == (["test", "reload"], prints(FIRST))
    assert everything(web.store) == before
    assert not deployment(web, {A: FIRST[A]}).deploy().recovered


def test_what_is_foretold_after_a_cut_off_run_is_what_comes(make_web):
    web = make_web()
    cut_off(web, SECOND)
    checked = deployment(web, SECOND).check()
    done = deployment(web, SECOND).deploy()
    assert [state.have.link for state in checked.states] == [state.have.link for state in done.states]
    assert [(one.changed, one.commands) for one in checked.outcomes] == [
        (one.changed, one.commands) for one in done.outcomes
    ]
    assert web.served() == prints(SECOND)


def test_one_pair_leaves_no_journal(make_web, monkeypatch):
    web = make_web()
    monkeypatch.setattr(_journal, "write", None)
    deployment(web, {A: SECOND[A]}).deploy()
    assert web.served() == {A: SECOND[A].sha256(), B: FIRST[B].sha256()}


def test_a_journal_that_stays_keeps_what_it_brings_back(make_web, monkeypatch):
    web = make_web()
    real, removed = _journal.remove, []

    def remove_once(folder):
        removed.append(folder)
        if len(removed) > 1:
            raise OSError(30, "Read-only file system")
        real(folder)

    monkeypatch.setattr(_journal, "remove", remove_once)
    done = deployment(web, SECOND, keep=1).deploy()
    assert web.served() == prints(SECOND)
    (told,) = done.warnings
    assert told.startswith(".sites-journal in the folder of the certificates could not be removed: Read-only file sys")
    monkeypatch.setattr(_journal, "remove", real)
    assert deployment(web, FIRST, keep=1).deploy().recovered
    assert web.served() == prints(FIRST)


def test_several_are_removed_or_none(make_web):
    web = make_web()
    requests = [ask(web, name, state="absent") for name in (A, B, "none.example")]
    before = everything(web.store)
    with pytest.raises(HostError, match=f"{web.store}/{A}, {web.store}/{B} are still named"):
        remove(requests, web, False, lambda _path: None)
    web.observe = lambda *wanted: (Serving(named=False, running=True),) * len(wanted)
    with pytest.raises(HostError, match=f"'web -t' failed: {web.store}/{A}/.*; the pairs are back in place"):
        remove(requests, web, False, lambda _path: None)
    assert everything(web.store) == before
    web.names = ()
    assert remove(requests, web, True, lambda _path: None).removed == (A, B)
    assert everything(web.store) == before
    assert remove(requests, web, False, lambda _path: None).removed == (A, B)
    assert not web.store.exists()

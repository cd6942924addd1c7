# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run that was cut off left of the pairs of several sites is taken back by the next one, whichever it is."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from slow_web import ADDED, FIRST, NEW, SECOND, A, B, deployment, everything, prints, start_web


@pytest.fixture
def make_web(safe_folder, monkeypatch):
    """Returns a function that makes a service with the first two pairs and ``names`` beside these."""
    return lambda *names: start_web(safe_folder, monkeypatch, *names)


def cut_off(web, sites):
    """What a run leaves that ends after the exchange: nothing is taken back, as where it is killed."""
    real = web.test
    web.test = lambda: (never for never in ()).throw(KeyboardInterrupt)
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

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""certbot's timer, its hook and our hourly look come when they like: between two runs, and in the middle of one."""

from __future__ import annotations

import io
import os
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._renewal import application, lineage
from played_renewal import SITE, run, tree

SECOND = pki.site(number=2)


@pytest.fixture(autouse=True)
def _played(monkeypatch, host):
    """What the hook and the timer run finds the played systemd too."""
    monkeypatch.setattr(application, "Host", lambda: host)


@contextmanager
def overtaking(renewed, work):
    """Has ``work`` begin while another one holds the lock, as the block does, and end when that is over."""
    thread = threading.Thread(target=work)
    with hold_lock(renewed.layout.settings, make=False, patience=5):
        thread.start()
        time.sleep(0.5)
        yield
    thread.join()


def look(renewed):
    """What certbot's hook and the timer say."""
    out, err = io.StringIO(), io.StringIO()
    application.main({}, renewed.layout, out, err)
    return out.getvalue() + err.getvalue()


def renew(renewed, certbot):
    """What certbot's timer leaves behind, those of newer ones with what the CA wished itself (RFC 9773)."""
    renewed.issue(SECOND, 2)
    conf = find_conf(renewed)
    text = conf.read_text().replace("/usr/bin/python3 -I /var/lib/port443/renewal.pyz", certbot.hook)
    text = text.replace("/var/lib/port443/acme", renewed.layout.webroot)
    conf.write_text(text + "[acme_renewal_info]\nari_retry_after = 2031-01-02T03:04:05\n")


def find_conf(renewed):
    return renewed.root / "letsencrypt/renewal" / f"port443-{SITE}.conf"


def install_as_hook(renewed):
    application.install_newest(Host(), renewed.layout, renewed.settings(), False, lambda path: None)


def test_what_was_renewed_and_installed_between_two_runs_is_no_change(renewed, host, certbot):
    run(renewed, host)
    renew(renewed, certbot)
    assert look(renewed) == f"{SITE}: installed sha256:{SECOND.sha256()}, served: unknown\n"
    before = tree(renewed)
    for check_mode in (True, False):
        assert run(renewed, host, check_mode=check_mode)[0]["changed"] is False
    assert (tree(renewed), look(renewed)) == (before, "")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_run_that_a_hook_overtakes_finds_the_newest_pair_and_changes_nothing(renewed, host, certbot, check_mode):
    run(renewed, host)
    results = []
    with overtaking(renewed, lambda: results.append(run(renewed, host, check_mode=check_mode)[0])):
        renew(renewed, certbot)
        install_as_hook(renewed)
    assert [(result["changed"], result["fingerprint"]) for result in results] == [(False, SECOND.sha256())]
    assert renewed.installed() == SECOND.sha256()


@pytest.mark.parametrize("work", [look, run], ids=["the hook and the timer", "a run"])
def test_nobody_gets_between_the_choice_of_the_newest_pair_and_its_installation(
    renewed, host, certbot, monkeypatch, work
):
    """The older pair would be put back in the place of the newer one."""
    run(renewed, host)
    real, refused = application.install.run, []

    def install(*words):
        held = hold_lock(renewed.layout.settings, make=False, patience=0)
        with pytest.raises(HostError, match="another run has been working in") as problem:
            held.__enter__()  # pylint: disable=unnecessary-dunder-call
        refused.append(problem.value.message)
        return real(*words)

    monkeypatch.setattr(application.install, "run", install)
    work(renewed, *([host] if work is run else []))
    assert len(refused) == 1


def test_a_site_is_not_given_up_in_the_middle_of_its_installation(renewed, host, certbot):
    run(renewed, host)
    with overtaking(renewed, lambda: run(renewed, host, state="absent")):
        renew(renewed, certbot)
        install_as_hook(renewed)
        assert renewed.installed() == SECOND.sha256()
    assert (renewed.installed(), find_conf(renewed).exists()) == ("", False)


@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_link_that_certbot_exchanges_just_now_is_waited_for(renewed, host, certbot, monkeypatch, name, check_mode):
    """What looked like half a lineage was removed, under the hands of the certbot that renewed it."""
    run(renewed, host)
    link = renewed.root / "letsencrypt/live" / f"port443-{SITE}" / name
    target = os.readlink(link)
    link.unlink()
    monkeypatch.setattr(lineage, "time", SimpleNamespace(sleep=lambda seconds: link.symlink_to(target)))
    result, _warnings = run(renewed, host, check_mode=check_mode)
    assert (result["changed"], result["issued"], len(certbot.asked)) == (False, False, 1)


def test_what_is_foretold_waits_for_a_run_in_the_middle_of_its_work(renewed, host, certbot):
    run(renewed, host)
    results = []
    thread = threading.Thread(target=lambda: results.append(run(renewed, host, check_mode=True)[0]["changed"]))
    settings = renewed.root / "port443/renewal" / f"{SITE}.json"
    content = settings.read_bytes()
    with hold_lock(renewed.layout.own, make=False, patience=5):
        settings.unlink()
        thread.start()
        time.sleep(0.1)
        settings.write_bytes(content)
        settings.chmod(0o600)
    thread.join()
    assert results == [False]

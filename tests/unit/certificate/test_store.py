# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store keeps one whole pair at any moment, whatever stops the run, and takes back exactly what it made."""

from __future__ import annotations

import os
import time

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from site_store import FIRST, MINE, SECOND, SITE, THIRD, install, listing, observe, open_site


def test_a_pair_is_installed_and_found_again(safe_folder):
    assert observe(safe_folder / "store") == _store.CurrentGeneration()
    install(safe_folder / "store", FIRST)
    have = observe(safe_folder / "store")
    assert (have.link, have.files) == (FIRST.name, FIRST.files)
    assert _store.read_leaf(have).fingerprint() == pki.site(number=1).sha256()


def test_modes_do_not_depend_on_the_umask(safe_folder):
    before = os.umask(0o077)
    try:
        install(safe_folder / "store", FIRST)
    finally:
        os.umask(before)
    for path in ("store", f"store/{SITE}", f"store/{SITE}/{FIRST.name}"):
        assert (safe_folder / path).stat().st_mode & 0o7777 == 0o755
    assert observe(safe_folder / "store").files == FIRST.files


def test_the_same_pair_is_installed_once(safe_folder):
    install(safe_folder / "store", FIRST)
    before = os.stat(safe_folder / "store" / SITE / FIRST.name / "privkey.pem")
    install(safe_folder / "store", FIRST)
    assert os.stat(safe_folder / "store" / SITE / FIRST.name / "privkey.pem") == before
    assert listing(safe_folder / "store") == sorted([FIRST.name, "current"])


@pytest.mark.parametrize(("keep", "kept"), [(1, [THIRD]), (2, [SECOND, THIRD]), (3, [FIRST, SECOND, THIRD])])
def test_as_many_pairs_are_kept_as_asked_for(safe_folder, keep, kept):
    for want in (FIRST, SECOND, THIRD):
        install(safe_folder / "store", want, keep)
    assert listing(safe_folder / "store") == sorted([want.name for want in kept] + ["current"])


def test_a_pair_that_comes_back_counts_as_chosen_last(safe_folder):
    for want in (FIRST, SECOND, FIRST, THIRD):
        install(safe_folder / "store", want)
        time.sleep(0.01)
    assert listing(safe_folder / "store") == sorted([FIRST.name, THIRD.name, "current"])


@pytest.mark.parametrize("damage", ["truncated", "missing", "link", "other key"])
def test_a_damaged_generation_is_replaced_without_a_moment_of_less(safe_folder, damage):
    install(safe_folder / "store", FIRST)
    key = safe_folder / "store" / SITE / FIRST.name / "privkey.pem"
    content = key.read_bytes()
    key.unlink()
    if damage == "truncated":
        key.write_bytes(content[:20])
    elif damage == "link":
        (safe_folder / "key").write_bytes(content)
        key.symlink_to(safe_folder / "key")
    elif damage == "other key":
        key.write_bytes(pki.site(number=2).key_pem())
    assert not observe(safe_folder / "store").holds(FIRST)
    install(safe_folder / "store", FIRST)
    have = observe(safe_folder / "store")
    assert (have.link, have.files) == (f"{FIRST.name}-1", FIRST.files)
    install(safe_folder / "store", FIRST)
    assert observe(safe_folder / "store").link == f"{FIRST.name}-1"


def test_a_step_is_taken_back_to_the_byte(safe_folder):
    install(safe_folder / "store", FIRST)
    with open_site(safe_folder / "store") as site:
        step = site.exchange(SECOND)
        assert site.link() == SECOND.name
        assert step.undo() is True
    assert (observe(safe_folder / "store").link, listing(safe_folder / "store")) == (
        FIRST.name,
        sorted([FIRST.name, "current"]),
    )


def test_a_step_back_to_nothing_leaves_nothing(safe_folder):
    with open_site(safe_folder / "store") as site:
        assert site.exchange(FIRST).undo() is True
    assert listing(safe_folder / "store") == []


def test_nothing_is_taken_back_where_nothing_was_exchanged(safe_folder):
    install(safe_folder / "store", FIRST)
    with open_site(safe_folder / "store") as site:
        assert site.exchange(FIRST).undo() is False
    assert observe(safe_folder / "store").link == FIRST.name


def test_a_link_that_leads_elsewhere_is_replaced_and_can_be_put_back(safe_folder):
    home = safe_folder / "store" / SITE
    home.mkdir(parents=True)
    (home / "current").symlink_to("../../elsewhere")
    assert observe(safe_folder / "store") == _store.CurrentGeneration("../../elsewhere", {})
    with open_site(safe_folder / "store") as site:
        step = site.exchange(FIRST)
        assert os.readlink(home / "current") == FIRST.name
        step.undo()
    assert os.readlink(home / "current") == "../../elsewhere"


def test_only_our_own_is_cleared(safe_folder):
    for want in (FIRST, SECOND):
        install(safe_folder / "store", want)
    home = safe_folder / "store" / SITE
    (home / "notes.txt").write_text("mine\n")
    (home / FIRST.name / "extra.pem").write_text("mine too\n")
    with open_site(safe_folder / "store") as site:
        site.point(None)
        assert site.clear() == (FIRST.name, "notes.txt")
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == [
        FIRST.name,
        f"{FIRST.name}/extra.pem",
        "notes.txt",
    ]


@pytest.mark.parametrize("left", [".current-4711", ".current.port443-0badcafe"])
def test_the_link_that_a_killed_run_was_to_exchange_is_removed(safe_folder, left):
    """Runs of version 0.1.0 named it in another way."""
    folder = safe_folder / "store"
    install(folder, FIRST)
    (folder / SITE / left).symlink_to("elsewhere")
    install(folder, SECOND)
    assert listing(folder) == sorted(["current", FIRST.name, SECOND.name])


def test_everything_that_is_made_is_labelled(safe_folder):
    seen = []
    with open_site(safe_folder / "store", seen.append) as site:
        site.exchange(FIRST)
    home = f"{safe_folder}/store/{SITE}"
    made = [
        f"{home}/{FIRST.name}{file}" for file in ("", "/privkey.pem", "/fullchain.pem", "/chain.pem", "/haproxy.pem")
    ]
    assert seen == [*made, f"{home}/current"]


def test_a_file_shows_no_content_by_accident():
    key = FIRST.files["privkey.pem"]
    assert repr(key) == f"File({len(key.content)} bytes, {MINE})"

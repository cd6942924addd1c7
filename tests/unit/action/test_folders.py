# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Relative paths start beside a playbook of the user's, and in the working directory for one of a collection."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.plugin_utils._folders import working_folder

ROOT = Path(__file__).resolve().parents[3]
SITE = "www.example.com"


@pytest.mark.parametrize(
    "folder",
    [
        "/usr/share/ansible/collections/ansible_collections/port443/https/playbooks",
        "/home/me/.ansible/collections/ansible_collections/my/infra/playbooks/web",
    ],
)
def test_a_playbook_of_a_collection_has_the_working_directory(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert working_folder(folder) == str(tmp_path)


@pytest.mark.parametrize(
    "folder",
    [
        "/home/me/shop",
        "/home/me/shop/playbooks",
        "/home/me/shop/collections/ansible_collections/my/infra",
        "/home/me/my_ansible_collections/a/b/playbooks",
        "/home/me/ansible_collections/my/infra/playbooks_of_mine",
    ],
)
def test_a_playbook_of_the_user_has_its_own_folder(folder):
    assert working_folder(folder) is None


@pytest.fixture
def installed(tmp_path):
    """A folder with the collection as it is installed, but for its playbooks, which are the tests' own."""
    collection = tmp_path / "installed" / "ansible_collections" / "port443" / "https"
    (collection / "playbooks").mkdir(parents=True)
    for part in ("galaxy.yml", "meta", "plugins", "roles"):
        (collection / part).symlink_to(ROOT / part)
    return collection


@pytest.fixture
def run(play, working, installed):
    """Runs a playbook of these tasks, by its name if it is the collection's, and returns what is said."""

    def call(playbook, tasks):
        named = f"port443.https.{playbook.stem}" if playbook.is_relative_to(installed) else None
        files = [str(ROOT / f"roles/issue_certificate/{kind}/main.yml") for kind in ("defaults", "vars")]
        return play(tasks, playbook, working, named=named, collections=installed.parents[2], vars_files=files)

    return call


def certificate(tmp_path, **options):
    """A task whose host's part is refused, or does nothing outside of the test's folder: pytest's lie in /tmp."""
    given = {"name": SITE, "service": "none", "prove": False, "directory": str(tmp_path / "store"), **options}
    return {"port443.https.certificate": given, "ignore_errors": True}


SHOW = {"ansible.builtin.debug": {"msg": "FOLDER={{ __issue_certificate_folder }}"}}
ABSOLUTE = {**SHOW, "vars": {"issue_certificate_folder": "/srv/acme"}}
HOME = {**SHOW, "vars": {"issue_certificate_folder": "~/acme"}}


@pytest.fixture
def working(tmp_path):
    folder = tmp_path / "working"
    folder.mkdir()
    return folder


def test_a_playbook_of_the_collection_reads_and_writes_in_the_working_directory(run, installed, working, tmp_path):
    (working / "certificates").mkdir()
    (working / "certificates" / "shop.pem").write_text("PEM of the user's")
    found = certificate(tmp_path, certificate_file="certificates/shop.pem", key="x")
    missed = certificate(tmp_path, certificate_file="certificates/missed.pem", key="x")
    tasks = [SHOW, ABSOLUTE, HOME, found, missed, certificate(tmp_path, own_ca="relca")]
    said = run(installed / "playbooks" / "play.yml", tasks)
    assert f"FOLDER={working}/certificates" in said
    assert "FOLDER=/srv/acme" in said
    assert f"FOLDER={Path.home()}/acme" in said
    assert "key is not PEM" in said, said
    assert f"{working}/certificates/missed.pem" in said
    assert (working / "relca" / "ca.key").exists(), said
    assert sorted(path.name for path in (installed / "playbooks").iterdir()) == ["play.yml"]


def test_a_ca_that_lies_in_the_collection_is_not_replaced_by_another(run, installed, working, tmp_path):
    (installed / "playbooks" / "relca").mkdir()
    tasks = [certificate(tmp_path, own_ca="relca")]
    said = run(installed / "playbooks" / "play.yml", tasks)
    assert f"move it to {working}/relca" in " ".join(said.split())
    assert not (working / "relca").exists()
    shutil.move(installed / "playbooks" / "relca", working)
    run(installed / "playbooks" / "play.yml", tasks)
    assert (working / "relca" / "ca.key").exists()


def test_a_playbook_of_the_user_reads_and_writes_beside_itself(run, working, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "shop.pem").write_text("PEM of the user's")
    found = certificate(tmp_path, certificate_file="shop.pem", key="x")
    said = run(own / "play.yml", [SHOW, found, certificate(tmp_path, own_ca="relca")])
    assert f"FOLDER={own}/certificates" in said
    assert "key is not PEM" in said, said
    assert (own / "relca" / "ca.key").exists(), said
    assert not (working / "relca").exists()

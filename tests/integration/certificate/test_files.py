# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a pair: who may read them, where they come from, and that they are whole whatever happens."""

from __future__ import annotations

import os
import signal
import time

import pki
import pytest
from web_server import NAME


def paths(web, name=NAME):
    current = web.store / name / "current"
    return {
        "directory": str(current),
        "certificate": str(current / "fullchain.pem"),
        "chain": str(current / "chain.pem"),
        "key": str(current / "privkey.pem"),
    }


def gist(result):
    return {key: result.get(key) for key in ("changed", "served", "commands")}


def reload_commands(web):
    return [f"nginx -t -c {web.config}", f"nginx -s reload -c {web.config}"]


def test_owner_and_group_of_the_key_are_kept(web, first):
    web.install(first)
    assert gist(web.install(first, owner="daemon", group="www-data", check=True))["changed"] is True
    assert gist(web.install(first, owner="daemon", group="www-data"))["changed"] is True
    key = (web.store / NAME / "current" / "privkey.pem").stat()
    assert (key.st_mode & 0o7777, key.st_uid, key.st_gid) == (0o640, 1, 33)
    assert gist(web.install(first, owner="1", group="33"))["changed"] is False
    missing = web.install(first, owner="nobody-of-that-name")
    assert missing["msg"] == "this host has no user 'nobody-of-that-name': make it first, or give its number"


def test_loose_permissions_are_corrected(web, first):
    web.install(first)
    key = web.store / NAME / "current" / "privkey.pem"
    key.chmod(0o644)
    assert gist(web.install(first, check=True))["changed"] is True
    assert gist(web.install(first))["changed"] is True
    assert key.stat().st_mode & 0o7777 == 0o600
    assert gist(web.install(first))["changed"] is False


def test_a_bad_pair_touches_nothing(web, first, second):
    result = web.install(first, key=second.key_pem().decode())
    assert result["msg"] == (
        f"the key is not the certificate's: the certificate is for EC P-256 sha256:{first.spki_sha256()}, "
        f"the key is EC P-256 sha256:{second.spki_sha256()}"
    )
    assert web.store.exists() is False


def test_files_of_the_host_are_installed(web, first):
    for name, content in (("a.crt", first.pem()), ("a.key", first.key_pem()), ("i.crt", pki.intermediate().pem())):
        (web.folder / name).write_bytes(content)
    given = web.arguments(first, certificate=None, key=None, remote_src=True)
    given.update(
        {
            f"{kind}_file": str(web.folder / name)
            for kind, name in (("certificate", "a.crt"), ("key", "a.key"), ("chain", "i.crt"))
        }
    )
    assert web.run(given)["changed"] is True
    assert web.run(given)["changed"] is False
    os.mkfifo(web.folder / "pipe")
    given["key_file"] = str(web.folder / "pipe")
    assert web.run(given)["msg"] == f"key_file: {web.folder}/pipe is not a regular file"
    given["key_file"] = str(web.folder / "none")
    assert web.run(given)["msg"] == f"key_file: {web.folder}/none cannot be read: No such file or directory"


@pytest.mark.parametrize("delay", [0.12, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5])
def test_a_killed_run_leaves_a_whole_pair_and_the_next_makes_good(web, first, second, delay):
    web.add_site()
    web.install(first)
    web.start()
    started = web.begin(web.arguments(second))
    time.sleep(delay)
    started.send_signal(signal.SIGKILL)
    started.communicate(timeout=10)
    current = web.store / NAME / "current"
    pair = ((current / "fullchain.pem").read_bytes(), (current / "privkey.pem").read_bytes())
    chain = pki.intermediate().pem()
    assert pair in [(site.pem() + chain, site.key_pem()) for site in (first, second)]
    assert web.install(second)["served"] == "yes"
    assert sorted(path.name[0] for path in (web.store / NAME).iterdir() if path.name[0] == ".") == []
    assert web.served() == second.sha256()


def test_two_runs_at_once_end_with_one_whole_pair(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    runs = [web.begin(web.arguments(site)) for site in (second, first, second, first)]
    results = [web.finish(run) for run in runs]
    assert [result.get("failed") for result in results] == [None] * 4
    assert {result["served"] for result in results} == {"yes"}
    current = web.store / NAME / "current"
    served = next(site for site in (first, second) if site.sha256() == web.served())
    assert (current / "privkey.pem").read_bytes() == served.key_pem()

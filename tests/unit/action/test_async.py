# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks that run with async return what they do otherwise, and leave no secret on the host."""

from __future__ import annotations

import json

import pki
import pytest
from controller import quotes_key

PASSPHRASE = "open sesame, but softly"
WAIT = [
    {"async_status": {"jid": "{{ started.ansible_job_id }}"}, "register": "result", "ignore_errors": True}
    | {"until": "result is finished", "retries": 40, "delay": 0.5}
]


def read(said):
    """What a play's last task shows of the result."""
    line = next(line for line in said.splitlines() if "RESULT " in line)
    return json.loads(json.loads("{" + line.strip().rstrip(",") + "}")["msg"][len("RESULT ") :])


@pytest.fixture
def perform(play, tmp_path):
    """Runs one task, with poll or with async_status, and returns its result; ``jobs`` has what stays on the host."""

    def run(task, poll, *flags):
        asked = {**task, "async": 60, "poll": poll, "register": "result" if poll else "started", "ignore_errors": True}
        show = {"ansible.builtin.debug": {"msg": "RESULT {{ result | to_json }}"}}
        tasks = [asked, *([] if poll else WAIT), show]
        said = play(tasks, tmp_path / "play.yml", tmp_path, *flags, vars={"ansible_async_dir": str(tmp_path / "jobs")})
        assert "RESULT " in said, said
        return read(said)

    return run


@pytest.mark.parametrize(("poll", "flags"), [(0, []), (1, ["--check"])])
def test_ports_are_reported_on(perform, poll, flags):
    result = perform({"port443.https.ports_info": {"ports": ["443/tcp"]}}, poll, *flags)
    assert result["finished"]
    assert {"effective", "backend"} <= set(result) or "only root can read" in result["msg"], result
    assert "_payload" not in json.dumps(result)


@pytest.mark.parametrize("poll", [1, 0])
def test_the_certificates_of_several_sites_are_installed(perform, safe_folder, tmp_path, poll):
    names = ["www.example.com", "shop.example.com"]
    given = {"sites": [{"name": name} for name in names], "own_ca": "ca", "service": "none", "prove": False}
    result = perform({"port443.https.certificate": {**given, "directory": str(safe_folder / "store")}}, poll)
    assert (result["changed"], [one["name"] for one in result["sites"]]) == (True, names), result
    assert [(safe_folder / "store" / name / "current").exists() for name in names] == [True, True]
    jobs = "".join(path.read_text() for path in (tmp_path / "jobs").iterdir())
    for name in names:
        assert (result["fingerprints"][name] in jobs) == (poll == 0)
        key = (tmp_path / "ca" / f"{name}.key").read_text().splitlines()[1]
        assert not any(key[at : at + 12] in jobs for at in range(40, 52))


@pytest.mark.parametrize("poll", [1, 0])
def test_a_certificate_is_installed_and_its_key_is_nowhere_else(perform, safe_folder, tmp_path, poll):
    given = {"name": "www.example.com", "own_ca": "ca", "service": "none", "prove": False}
    result = perform({"port443.https.certificate": {**given, "directory": str(safe_folder / "store")}}, poll)
    assert result["changed"]
    assert {"served", "fingerprint", "paths", "mended", "commands", "diff", "finished"} <= set(result)
    assert (safe_folder / "store" / "www.example.com" / "current").exists()
    jobs = "".join(path.read_text() for path in (tmp_path / "jobs").iterdir())
    assert (result["fingerprint"] in jobs) == (poll == 0)  # Ansible itself takes away what it has waited for
    key = (tmp_path / "ca" / "www.example.com.key").read_text().splitlines()[1]
    assert not any(key[at : at + 12] in jobs for at in range(40, 52))


def test_no_key_that_is_given_stays_on_the_host(perform, safe_folder, tmp_path):
    site = pki.site()
    key = site.key_pem().decode()
    given = {
        "name": "www.example.com",
        "certificate": (site.pem() + pki.intermediate().pem()).decode(),
        "key": key,
        "ca": pki.root().pem().decode(),
        "service": "none",
        "prove": False,
        "directory": str(safe_folder / "store"),
    }
    result = perform({"port443.https.certificate": given}, 0)
    assert result["changed"], result
    assert (safe_folder / "store/www.example.com/current/privkey.pem").read_text() == key
    jobs = "".join(path.read_text() for path in (tmp_path / "jobs").iterdir())
    assert result["fingerprint"] in jobs
    assert not quotes_key(jobs.replace("\\n", ""), site)
    assert "PRIVATE" not in jobs


def test_the_code_of_a_module_does_not_come_back(perform, tmp_path):
    perform({"port443.https.ports_info": {"ports": ["443/tcp"]}}, 0)
    jobs = [path.read_text() for path in (tmp_path / "jobs").iterdir()]
    assert jobs
    assert [len(job) for job in jobs if len(job) > 20_000 or "_payload" in job] == []


def test_a_passphrase_that_the_host_gets_is_not_in_what_stays_there(perform, tmp_path):
    given = {
        "name": "www.example.com",
        "certificate_file": str(tmp_path / "missing.pem"),
        "key_file": str(tmp_path / "missing.key"),
        "passphrase": PASSPHRASE,
        "remote_src": True,
    }
    result = perform({"port443.https.certificate": given}, 0)
    assert "missing.pem cannot be read" in result["msg"]
    jobs = "".join(path.read_text() for path in (tmp_path / "jobs").iterdir())
    assert "missing.pem cannot be read" in jobs
    assert PASSPHRASE not in jobs


@pytest.mark.parametrize("poll", [None, 0])
def test_what_ansible_prints_when_it_is_debugged_holds_no_key(play, safe_folder, tmp_path, monkeypatch, poll):
    monkeypatch.setenv("ANSIBLE_DEBUG", "true")
    site = pki.site()
    given = {
        "name": "www.example.com",
        "certificate": (site.pem() + pki.intermediate().pem()).decode(),
        "key": "{{ vault_key }}",
        "passphrase": "{{ vault_passphrase }}",
        "trust": "none",
        "service": "none",
        "prove": False,
        "directory": str(safe_folder / "store"),
    }
    task = {"port443.https.certificate": given, **({} if poll is None else {"async": 60, "poll": poll})}
    variables = {"vault_key": site.key_pem().decode(), "vault_passphrase": PASSPHRASE}
    said = play([task], tmp_path / "play.yml", tmp_path, "-vvvv", "--diff", vars=variables)
    assert "done with _execute_module (port443.https.certificate" in said
    assert "changed=1" in said
    assert not quotes_key(said.replace("\\n", ""), site)
    assert PASSPHRASE not in said


def test_a_key_is_not_sent_where_ansible_keeps_the_files_of_modules(play, tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_KEEP_REMOTE_FILES", "true")
    given = {"name": "www.example.com", "own_ca": "ca", "service": "none", "directory": str(tmp_path / "store")}
    said = play([{"port443.https.certificate": given}], tmp_path / "play.yml", tmp_path, "-vvv")
    assert "ANSIBLE_KEEP_REMOTE_FILES" in said
    assert "Using module file" not in said

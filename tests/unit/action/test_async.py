# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks that run with async return what they do otherwise, and leave no secret on the host."""

from __future__ import annotations

import json

import pytest

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

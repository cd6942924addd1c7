# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No key, no PKCS#12 and no passphrase is seen in what is printed, in a process, or in a file that others can read."""

from __future__ import annotations

import base64
import re

import pki
import pytest
from controller import Controller, files, put_files, secret_of
from watch import Watch
from web_server import NAME

PASSPHRASE = "correct horse 4417 battery"
WRONG = "wrong horse 5528 battery"
LOUD = ("-vvv", "--diff")


@pytest.fixture
def controller(web):
    made = Controller(web)
    made.write_variables(right=PASSPHRASE, wrong=WRONG)
    for name in ("remote", "temporary"):
        (web.folder / name).mkdir(mode=0o755)
    made.environment.update(ANSIBLE_REMOTE_TEMP=str(web.folder / "remote"), TMPDIR=str(web.folder / "temporary"))
    return made


def secrets_of(*sites, archive=b""):
    """What nobody may see, in the forms in which it could turn up; a key's base64 has line ends in between."""
    found = {"passphrase": PASSPHRASE.encode(), "another passphrase": WRONG.encode()}
    for number, site in enumerate(sites):
        body = secret_of(site)
        found.update({f"key {number} at {at}": body[at : at + 12].encode() for at in range(0, len(body) - 12, 4)})
    if archive:
        found["archive"] = archive[64:96]
        found["archive in base64"] = base64.b64encode(archive)[96:128]
    return found


def watch(controller, secrets):
    folder = controller.web.folder
    return Watch(secrets, [folder], leave_out=(str(controller.folder / "files"),))


def kind_of(path):
    """The name of a file; what Ansible sends to a host is first in a file without one, in a folder of its own."""
    folder, _slash, name = path.rpartition("/")
    is_sent = "/ansible-local-" in folder and re.fullmatch("tmp[a-z0-9_]{8}", name)
    return "AnsiballZ_certificate.py" if is_sent else name


def check(controller, seen, *allowed):
    """The secrets were in the files that are named alone, which nobody else could read, and in no process."""
    assert seen.rounds > 5
    assert "ansible-playbook" in seen.programs
    assert seen.processes == set()
    assert {path: others for path, (_names, others) in seen.files.items() if others} == {}
    kinds = {kind_of(path) for path in seen.files}
    assert kinds <= {"AnsiballZ_certificate.py", *allowed}, sorted(seen.files)
    assert [path for path in seen.files if not path.startswith(str(controller.web.store)) and is_there(path)] == []
    assert [path for path in seen.paths if path.endswith(("/site.key", "/site.p12"))] == []
    return kinds


def is_there(path):
    try:
        open(path, "rb").close()
    except FileNotFoundError:
        return False
    return True


def test_a_pair_from_a_vault(web, controller, first, second):
    web.add_site()
    web.install(second, service="none", prove=False)
    web.start()
    secrets = secrets_of(first, second)
    with watch(controller, secrets) as seen:
        put_files(controller, first)
        for flags, changed in ((("--check",), True), ((), True)):
            assert controller.play(files(web), *LOUD, *flags)["changed"] is changed
            assert seen.find(controller.said.encode()) == set()
        put_files(controller, second)
        web.spoil()
        assert "the previous pair is back" in controller.play(files(web), *LOUD)["msg"]
        assert seen.find(controller.said.encode()) == set()
    assert check(controller, seen, "privkey.pem", "haproxy.pem") >= {"AnsiballZ_certificate.py", "privkey.pem"}


def test_an_archive_of_the_controller(web, controller, first):
    archive = first.pkcs12([pki.intermediate()], PASSPHRASE.encode())
    put_files(controller, first)
    controller.write("site.p12", archive)
    given = files(web, certificate_file=None, key_file=None, bundle_file="site.p12", passphrase="{{ right }}")
    secrets = secrets_of(first, archive=archive)
    with watch(controller, secrets) as seen:
        assert controller.play(given, *LOUD)["changed"] is True
        assert seen.find(controller.said.encode()) == set()
        assert "does not open" in controller.play(dict(given, passphrase="{{ wrong }}"), *LOUD)["msg"]
        assert seen.find(controller.said.encode()) == set()
    check(controller, seen, "privkey.pem", "haproxy.pem")
    # What opens it stays on the controller: the host gets the key in the clear, and that in private.
    assert {name for names, _others in seen.files.values() for name in names if not name.startswith("key")} == set()


@pytest.mark.parametrize("kind", ["key", "archive"])
def test_what_is_locked_on_the_host(web, controller, first, kind):
    put_files(controller, first)
    folder = controller.folder / "files"
    archive = first.pkcs12([pki.intermediate()], PASSPHRASE.encode())
    controller.write("site.p12", archive)
    controller.write("site.key", first.key_pem(passphrase=PASSPHRASE.encode()))
    sources = {"key_file": "site.key", "certificate_file": "site.crt"} if kind == "key" else {"bundle_file": "site.p12"}
    given = files(web, **dict.fromkeys(("certificate_file", "key_file")), remote_src=True, passphrase="{{ right }}")
    given.update({option: str(folder / name) for option, name in sources.items()}, ca_file=str(folder / "root.crt"))
    with watch(controller, secrets_of(first, archive=archive)) as seen:
        assert controller.play(given, *LOUD)["changed"] is True
        assert seen.find(controller.said.encode()) == set()
        assert "does not open" in controller.play(dict(given, passphrase="{{ wrong }}"), *LOUD)["msg"]
        assert seen.find(controller.said.encode()) == set()
    check(controller, seen, "privkey.pem", "haproxy.pem")
    assert web.store.joinpath(NAME, "current", "privkey.pem").exists()


@pytest.mark.parametrize("phrase", [PASSPHRASE, WRONG])
def test_the_hosts_openssl_gets_no_secret_as_an_argument_or_in_its_environment(web, first, phrase):
    # It ends so soon that looking at processes over and over may miss it.
    archive = first.pkcs12([pki.intermediate()], PASSPHRASE.encode())
    (web.folder / "site.p12").write_bytes(archive)
    given = web.arguments(first, certificate=None, key=None, bundle_file=str(web.folder / "site.p12"))
    record = web.folder / "record"
    result = web.finish(web.begin(dict(given, remote_src=True, passphrase=phrase), environment={"RECORD": str(record)}))
    assert result.get("changed", False) is (phrase == PASSPHRASE), result
    recorded = record.read_bytes()
    assert b"openssl" in recorded
    assert Watch(secrets_of(first, archive=archive), []).find(recorded) == set()


def test_the_log_of_the_host_says_that_the_module_ran_and_no_secret(web, first):
    record = web.folder / "record"
    given = web.arguments(first, passphrase=PASSPHRASE)
    web.finish(web.begin(given, environment={"RECORD": str(record)}))
    recorded = record.read_bytes()
    assert b"logged Invoked with name=www.example.com" in recorded
    assert Watch(secrets_of(first), []).find(recorded) == set()

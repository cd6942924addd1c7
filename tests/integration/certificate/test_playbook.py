# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugin and the module together, through ansible-playbook, and the key seen nowhere on the way."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pki
import pytest
from controller import Controller, files, put_files, quotes_key


@pytest.fixture
def controller(web):
    return Controller(web)


def test_files_of_the_controller_and_its_vault_are_installed_and_served(web, controller, first, second):
    put_files(controller, first)
    web.install(second)
    web.add_site()
    web.start()
    before = web.contents()
    for flags, expected in (
        (["--check", "--diff"], (True, "yes", True)),
        (["--diff"], (True, "yes", False)),
        (["--diff"], (False, "yes", False)),
        (["--check"], (False, "yes", False)),
    ):
        result = controller.play(files(web), "-vvv", *flags)
        assert (result["changed"], result["served"], web.contents() == before) == expected
        assert controller.said.count("Using module file") == 1
        assert not quotes_key(controller.said, first)
        assert (f"-certificate: sha256:{second.sha256()}" in controller.said) is result["changed"]
        assert (f"+certificate: sha256:{first.sha256()}" in controller.said) is result["changed"]
    assert web.served() == first.sha256()


def test_content_from_a_vault_is_installed(web, controller, first):
    web.start()
    web.add_site()
    controller.write_variables(
        chain=(first.pem() + pki.intermediate().pem()).decode().replace("\n", "\r\n"),
        key=first.key_pem().decode(),
        ca=pki.root().pem().decode(),
    )
    given = files(web, certificate_file=None, key_file=None, ca_file=None)
    given.update(certificate="{{ chain }}", key="{{ key }}", ca="{{ ca }}")
    result = controller.play(given, "-vvv", "--diff")
    assert (result["changed"], result["served"], result["mended"]) == (
        True,
        "yes",
        ["certificate: CRLF line ends made LF"],
    )
    assert result.get("invocation", {}).get("module_args", {}).get("key") in (
        None,
        "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
    )
    assert not quotes_key(controller.said, first)


def test_files_of_the_host_stay_there(web, controller, first):
    for name, content in (("site.crt", first.pem() + pki.intermediate().pem()), ("site.key", first.key_pem())):
        (web.folder / name).write_bytes(content)
    (web.folder / "root.crt").write_bytes(pki.root().pem())
    given = files(web, remote_src=True)
    given.update(
        {
            f"{kind}_file": str(web.folder / name)
            for kind, name in (("certificate", "site.crt"), ("key", "site.key"), ("ca", "root.crt"))
        }
    )
    result = controller.play(given, "-vvv")
    assert (result["changed"], result["served"]) == (True, "no")
    assert not quotes_key(controller.said, first)


UNREACHABLE = "ansible_connection=ssh ansible_host=203.0.113.1 ansible_ssh_timeout=1"


def test_a_bad_pair_is_refused_before_the_host_is_reached(web, controller, first, second):
    put_files(controller, first)
    controller.write("site.key", second.key_pem())
    result = controller.play(files(web), "-vvv", host=UNREACHABLE)
    assert result["msg"].endswith(
        "port443.https.certificate: the key is not the certificate's: the certificate is for EC P-256 "
        f"sha256:{first.spki_sha256()}, the key is EC P-256 sha256:{second.spki_sha256()}"
    )
    assert not quotes_key(controller.said, second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key_file": None}, "state is present but any of the following are missing: key, key_file"),
        ({"names": ["shop.example.com"]}, "the certificate does not cover shop.example.com: it is for www.example.com"),
        ({"keep": 0}, "keep 0 is not between 1 and 100"),
        ({"certificate_file": "missing.crt"}, "missing.crt"),
        ({"certificate": "x"}, "parameters are mutually exclusive: certificate|certificate_file"),
        ({"certificate_file": "site.key", "key_file": "site.crt"}, "key and certificate are swapped"),
    ],
)
def test_a_bad_request_is_refused_before_the_host_is_reached(web, controller, first, options, message):
    put_files(controller, first)
    result = controller.play(files(web, **options), "-vvv", host=UNREACHABLE)
    assert message in result["msg"]
    assert not quotes_key(controller.said, first)


def test_an_encrypted_key_without_its_passphrase_is_refused_and_asks_nobody(web, controller, first):
    put_files(controller, first)
    controller.write("site.key", first.key_pem(passphrase=b"open sesame"))
    result = controller.play(files(web), host=UNREACHABLE)
    assert "key: the key is encrypted with a passphrase" in result["msg"]
    result = controller.play(files(web, passphrase="sesame close"), "-vvv", host=UNREACHABLE)
    assert "key: the key does not open with the given passphrase" in result["msg"]
    assert "sesame close" not in controller.said


def test_a_failure_on_the_host_does_not_show_the_key(web, controller, first):
    put_files(controller, first)
    web.install(pki.site(number=2))
    web.add_site()
    web.start()
    (web.folder / "sites" / "broken.conf").write_text("no_such_directive on;\n")
    result = controller.play(files(web), "-vvv", "--diff")
    assert result["failed"] is True
    assert "the previous pair is back" in result["msg"]
    assert not quotes_key(controller.said, first)


def test_the_key_is_never_an_argument_of_a_process(web, controller, first):
    put_files(controller, first)
    web.start()
    web.add_site()
    seen, over = [], threading.Event()

    def watch():
        while not over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(path.read_bytes())
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert controller.play(files(web))["served"] == "yes"
    finally:
        over.set()
        watcher.join()
    assert any(b"ansible-playbook" in line for line in seen)
    assert not any(quotes_key(line.decode("utf-8", "replace"), first) for line in set(seen))


def test_the_search_for_the_key_finds_it_where_it_is(first, second):
    printed = json.dumps({"key": first.key_pem().decode()})
    assert (quotes_key(printed, first), quotes_key(printed, second)) == (True, False)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is locked, or not there yet, through ansible-playbook: opened or issued where it belongs, and shown nowhere."""

from __future__ import annotations

import pki
import pytest
from controller import Controller, files, put_files, quotes_key
from web_server import NAME


@pytest.fixture
def controller(web):
    return Controller(web)


PASSPHRASE = "a passphrase"
BUNDLE = {"certificate_file": None, "key_file": None, "bundle_file": "site.p12", "passphrase": PASSPHRASE}


@pytest.mark.parametrize("remote", [False, True])
def test_pkcs12_is_opened_where_it_lies(web, controller, first, remote):
    web.start()
    web.add_site()
    put_files(controller, first)
    controller.write("site.p12", first.pkcs12([pki.intermediate()], PASSPHRASE.encode()), encrypt=not remote)
    given = files(web, **BUNDLE)
    if remote:
        folder = controller.folder / "files"
        given.update(remote_src=True, bundle_file=str(folder / "site.p12"), ca_file=str(folder / "root.crt"))
    for flags, changed in ((["--check"], True), ([], True), ([], False)):
        result = controller.play(given, "-vvv", "--diff", *flags)
        assert (result["changed"], result["served"], result["mended"]) == (changed, "yes", [])
        assert not quotes_key(controller.said, first)
        assert PASSPHRASE not in controller.said
    assert web.served() == first.sha256()


def test_an_encrypted_key_in_der_is_opened_and_said(web, controller, first):
    put_files(controller, first)
    controller.write("site.crt", first.der())
    controller.write("site.key", first.key_pem(passphrase=PASSPHRASE.encode()))
    controller.write("chain.pem", pki.intermediate().pem())
    result = controller.play(files(web, chain_file="chain.pem", passphrase=PASSPHRASE), "-vvv")
    assert result["mended"] == ["certificate: DER made PEM", "key: passphrase taken off the key"]
    assert (web.store / NAME / "current" / "privkey.pem").read_bytes() == first.key_pem()
    assert PASSPHRASE not in controller.said


def test_a_ca_of_ones_own_is_made_beside_the_playbook_and_keeps_its_pair(web, controller):
    web.start()
    web.add_site()
    given = files(web, certificate_file=None, key_file=None, ca_file=None, own_ca="our-ca", passphrase=PASSPHRASE)
    assert controller.play(given, "--check")["changed"] is True
    assert not (controller.folder / "our-ca").exists()
    result = controller.play(given, "-vvv", "--diff")
    assert (result["changed"], result["served"], result["subject_names"]) == (True, "yes", [NAME])
    assert sorted(path.name for path in (controller.folder / "our-ca").iterdir()) == [
        "ca.key",
        "ca.pem",
        f"{NAME}.key",
        f"{NAME}.pem",
    ]
    assert PASSPHRASE not in controller.said
    again = controller.play(given)
    assert (again["changed"], again["fingerprint"]) == (False, result["fingerprint"])

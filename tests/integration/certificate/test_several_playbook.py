# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several sites of one task through ansible-playbook: read on the controller, one execution, and no key seen."""

from __future__ import annotations

import json
import re
import sys

import pki
import pytest
from controller import Controller, files, put_files, quotes_key
from web_server import NAME

SHOP, WIKI = "shop.example.com", "wiki.example.com"
PYTHON = sys.executable
UNREACHABLE = "ansible_connection=ssh ansible_host=203.0.113.1 ansible_ssh_timeout=1"


@pytest.fixture
def controller(web):
    return Controller(web)


@pytest.fixture
def shop():
    return pki.site(SHOP, number=3)


def several(web, *sites, **options):
    """The options of a task for a site with files of the controller, and for others."""
    one = {"name": NAME, "certificate_file": "site.crt", "key_file": "site.key"}
    return files(web, name=None, certificate_file=None, key_file=None, sites=[one, *sites], **options)


def told(result):
    return {one["name"]: (one["changed"], one.get("served")) for one in result["sites"]}


@pytest.mark.parametrize("debug", ["0", "1"])
def test_files_and_a_vault_are_installed_in_one_execution(web, controller, first, second, shop, debug):
    controller.environment["ANSIBLE_DEBUG"] = debug
    put_files(controller, first)
    chain = (shop.pem() + pki.intermediate().pem()).decode().replace("\n", "\r\n")
    locked = shop.key_pem(passphrase=b"open sesame").decode()
    controller.write_variables(chain=chain, key=locked, phrase="open sesame")
    vault = {"name": SHOP, "certificate": "{{ chain }}", "key": "{{ key }}"}
    given = several(web, vault, passphrase="{{ phrase }}")
    web.install(second)
    web.start()
    for name in (NAME, SHOP):
        web.add_site(name)
    before = web.contents()
    for flags, expected in (
        (["--check", "--diff"], (True, True)),
        (["--diff"], (True, False)),
        ([], (False, False)),
        (["--check"], (False, False)),
    ):
        result = controller.play(given, "-vvvv", *flags)
        assert (result["changed"], web.contents() == before) == expected
        assert told(result) == dict.fromkeys((NAME, SHOP), (expected[0], "yes"))
        mended = ["key: passphrase taken off the key", "certificate: CRLF line ends made LF"]
        assert result["sites"][1]["mended"] == mended
        assert result["fingerprints"] == {NAME: first.sha256(), SHOP: shop.sha256()}
        assert controller.said.count("Using module file") == 1
        for site in (first, shop):
            assert not quotes_key(controller.said, site)
        body = "".join(locked.splitlines()[1:-1])
        assert not any(body[at : at + 12] in controller.said for at in range(0, len(body) - 12, 4))
        assert "open sesame" not in controller.said
    web.spoil()
    put_files(controller, second)
    result = controller.play(given, "-vvvv", "--diff")
    assert result["msg"].endswith("; the previous pair is back and served")  # that of the other site had not changed
    assert not any(quotes_key(controller.said, site) for site in (first, second, shop))


def test_a_ca_of_ones_own_issues_for_the_sites_that_bring_nothing(web, controller, first):
    put_files(controller, first)
    web.start()
    for name in (NAME, SHOP, WIKI):
        web.add_site(name)
    given = several(web, {"name": SHOP}, {"name": WIKI}, own_ca="ca", passphrase="open sesame")
    result = controller.play(given)
    assert told(result) == dict.fromkeys((NAME, SHOP, WIKI), (True, "yes")), result
    folder = controller.folder / "ca"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["ca.pem", "ca.key", *(f"{name}{ending}" for name in (SHOP, WIKI) for ending in (".pem", ".key"))]
    )
    assert b"ENCRYPTED" in (folder / f"{SHOP}.key").read_bytes()
    assert told(controller.play(given)) == dict.fromkeys((NAME, SHOP, WIKI), (False, "yes"))


def test_files_of_the_host_are_read_there(web, controller, first, shop):
    put_files(controller, first)
    for name, content in (("shop.crt", shop.pem() + pki.intermediate().pem()), ("shop.key", shop.key_pem())):
        (web.folder / name).write_bytes(content)
    (web.folder / "root.crt").write_bytes(pki.root().pem())
    paths = {"certificate_file": str(web.folder / "shop.crt"), "key_file": str(web.folder / "shop.key")}
    given = several(web, {"name": SHOP, "remote_src": True, **paths}, ca_file=str(web.folder / "root.crt"))
    result = controller.play(given, "-vvvv")
    assert told(result) == dict.fromkeys((NAME, SHOP), (True, "no")), result
    assert not any(quotes_key(controller.said, site) for site in (first, shop))


@pytest.mark.parametrize(
    ("sites", "options", "messages"),
    [
        (
            [
                {"name": SHOP, "certificate_file": "site.crt", "key_file": "site.key"},
                {"name": WIKI, "certificate_file": "missing.crt", "key_file": "site.key"},
                {"name": "empty.example.com"},
            ],
            {},
            [
                f"port443.https.certificate: {SHOP}: the certificate does not cover {SHOP}: it is for {NAME}",
                f"; {WIKI}: Could not find or access 'missing.crt'",
                "; empty.example.com: state is present but any of the following are missing: certificate, certificate",
            ],
        ),
        ([{"name": NAME.upper()}], {}, [f"each site has a name for itself; given more than once: {NAME}"]),
        ([{"nome": SHOP}], {}, ["there is no option sites.nome", "missing required arguments: name found in sites"]),
        ([], {"name": NAME}, ["parameters are mutually exclusive: name|sites"]),
        ([], {"owner": "www-data"}, ["with sites, each of them has its own owner: move that there"]),
    ],
)
def test_all_that_is_wrong_is_told_before_the_host_is_reached(web, controller, first, sites, options, messages):
    put_files(controller, first)
    given = {**several(web, *sites), **options}
    result = controller.play(given, "-vvvv", host=UNREACHABLE)
    for message in messages:
        assert message in result["msg"]
    assert not quotes_key(controller.said, first)


def test_no_sites_are_no_work_for_the_host(web, controller):
    result = controller.play(files(web, name=None, certificate_file=None, key_file=None, sites=[]), host=UNREACHABLE)
    assert (result["changed"], result["sites"], result["fingerprints"]) == (False, [], {})


def test_all_sites_are_removed_in_one_execution(web, controller, first, shop):
    put_files(controller, first)
    web.install(first)
    web.install(shop, name=SHOP)
    before = web.contents()
    given = several(web, {"name": SHOP}, state="absent")
    for flags, expected in ((["--check"], (True, before)), ([], (True, {})), ([], (False, {}))):
        result = controller.play(given, "-vvvv", *flags)
        assert (result["changed"], web.contents()) == expected
        assert told(result) == dict.fromkeys((NAME, SHOP), (expected[0], None))
        assert result["fingerprints"] == {}
    assert not quotes_key(controller.said, first)


def play_role(controller, *flags, **variables):
    """Runs the role on two sites and a CA of one's own, and returns the fact that it sets."""
    tasks = [
        {"ansible.builtin.import_role": {"name": "port443.https.install_certificate"}},
        {"ansible.builtin.debug": {"msg": "FACT {{ install_certificate_fingerprints | to_json }}"}, "tags": "always"},
    ]
    play = {"hosts": "all", "gather_facts": False, "vars_files": ["vars.yml"], "vars": variables, "tasks": tasks}
    controller.run_play(play, *flags)
    fact = re.search(r'"msg": "FACT (.*)"', controller.said)
    return json.loads(json.loads(f'"{fact.group(1)}"')) if fact else None


@pytest.mark.parametrize("debug", ["0", "1"])
def test_the_role_is_one_task_and_shows_no_key(web, controller, first, shop, debug):
    controller.environment["ANSIBLE_DEBUG"] = debug
    put_files(controller, first)
    controller.write_variables(
        chain=(shop.pem() + pki.intermediate().pem()).decode(),
        key=shop.key_pem().decode(),
        ca=pki.root().pem().decode(),
    )
    variables = {
        "install_certificate_sites": [
            {"name": "main", "names": f"{NAME}, {NAME}", "certificate_file": "site.crt", "key_file": "site.key"},
            {"name": SHOP, "certificate": "{{ chain }}", "key": "{{ key }}"},
            {"name": WIKI, "names": [WIKI, "*.wiki.example.com"]},
        ],
        "install_certificate_own_ca": "ca",
        "install_certificate_ca": "{{ ca }}",
        "install_certificate_directory": str(web.store),
    }
    facts = []
    for flags, changed in ((["--check"], 1), ([], 1), ([], 0), (["--tags", "install_certificate"], 0)):
        facts.append(play_role(controller, "-vvvv", *flags, **variables))
        assert f"changed={changed} " in controller.said, controller.said
        assert controller.said.count("Using module file") == 1
        assert not any(quotes_key(controller.said, site) for site in (first, shop))
    wiki = pki.fingerprint_of((web.store / WIKI / "current" / "fullchain.pem").read_bytes())
    assert facts[1:] == [{NAME: first.sha256(), SHOP: shop.sha256(), WIKI: wiki}] * 3
    gone = {**variables, "install_certificate_state": "absent"}
    assert play_role(controller, **gone) == {}
    assert not web.store.exists()
    assert play_role(controller, **{**gone, "install_certificate_sites": []}) == {}

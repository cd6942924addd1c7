# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A key, or what may be one, that stands where a path or a name belongs is refused, and shown nowhere."""

from __future__ import annotations

import base64
import textwrap
from typing import Any, Dict

import pki
import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.action import (
    certbot_certificate,
    certificate,
    certificate_info,
    probe,
    sites,
)
from ansible_collections.port443.https.plugins.module_utils._certificate import request
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import arguments_of
from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED
from ansible_collections.port443.https.plugins.plugin_utils import _pair_reader
from ansible_collections.port443.https.plugins.plugin_utils._misplaced import (
    CERTIFICATES,
    SECRET,
    refuse_misplaced,
)
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_ports_arguments

SITE = pki.site()
RSA = pki.site(number=2, key="rsa2048")


def der(pem: bytes) -> str:
    """What PEM holds, in one line of base64."""
    return "".join(line for line in pem.decode().splitlines() if "-----" not in line)


PEM = SITE.key_pem().decode()
KEYS = {
    "PEM": PEM,
    "PEM without its last line end": PEM.strip(),
    "PEM in one line": PEM.replace("\n", " ").strip(),
    "PEM with text before": f"the key: {PEM}",
    "SEC1": SITE.key_pem("traditional").decode(),
    "locked": SITE.key_pem(passphrase=b"x").decode(),
    "DER of P-256": der(SITE.key_pem()),
    "DER of SEC1": der(SITE.key_pem("traditional")),
    "DER of RSA": der(RSA.key_pem()),
    "PKCS#12": base64.b64encode(SITE.pkcs12([], b"x")).decode(),
    "DER in several lines": "\n".join(textwrap.wrap(der(RSA.key_pem()), 64)),
    "a vault": "$ANSIBLE_VAULT;1.1;AES256\n3061346566\n",
    "a bundle": (SITE.pem() + SITE.key_pem()).decode(),
    "a certificate": SITE.pem().decode(),
    "a path with the end of its line": "/etc/ssl/site.key\n",
    "an end of a line as on old Macs": "/etc/ssl/site.key\r",
}


def check_certificate(given: Dict[str, Any]) -> None:
    _pair_reader._validate(given, certificate.MODULE)


def checked(plugin: Any) -> Any:
    return lambda given: object.__new__(plugin.ActionModule)._check(given, [])


PORTS = ("ports", "ports_info", *(f"{backend}_ports" for backend in MANAGED))
MODULES = {
    "certificate": (check_certificate, request.ARGUMENT_SPEC),
    **{
        plugin.ActionModule.module.rsplit(".", maxsplit=1)[-1]: (checked(plugin), plugin.ActionModule.argument_spec)
        for plugin in (certbot_certificate, certificate_info, probe)
    },
    **{name: (lambda given, name=name: check_ports_arguments(name, given), arguments_of(name)) for name in PORTS},
}
OPTIONS = [
    (module, option)
    for module, (_check, spec) in MODULES.items()
    for option in [*spec, "no_such_option"]
    if option not in SECRET | CERTIFICATES
]


def quotes(text: str, secret: str) -> bool:
    """Whether a piece of the secret is in there, written in whichever way."""
    pieces = [line[at : at + 12] for line in secret.split() for at in range(0, len(line) - 12, 12)]
    return any(piece in text for piece in pieces if "-----" not in piece)


@pytest.mark.parametrize("kind", ["PEM", "DER of P-256", "a path with the end of its line"])
@pytest.mark.parametrize(("module", "option"), OPTIONS)
def test_no_option_of_any_module_takes_it_or_shows_it(module, option, kind):
    for value in (KEYS[kind], [KEYS[kind]], {"a": ["b", KEYS[kind]]}):
        with pytest.raises(AnsibleActionFail) as refusal:
            MODULES[module][0]({option: value})
        told = str(refusal.value)
        assert told.startswith(f"port443.https.{module}" if module not in PORTS else module)
        assert option in told
        assert "It is not shown" in told
        assert not quotes(told, KEYS[kind])


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"b": ["c", x]}, lambda x: {"b": {x: "c"}}])
def test_each_way_to_write_a_key_is_seen_however_deep_it_stands(kind, wrap):
    with pytest.raises(RequestError) as refusal:
        refuse_misplaced({"names": wrap(KEYS[kind])})
    assert str(refusal.value).startswith("names")
    assert not quotes(str(refusal.value), KEYS[kind])


@pytest.mark.parametrize(
    "kind", ["PEM", "SEC1", "DER of P-256", "DER of RSA", "PKCS#12", "DER in several lines", "a bundle"]
)
@pytest.mark.parametrize("option", [*sorted(CERTIFICATES), "enable_https_ca"])
def test_a_key_is_no_certificate(option, kind):
    with pytest.raises(RequestError, match=f"{option} holds a private key: give the key as key"):
        refuse_misplaced({option: KEYS[kind]})


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("option", ["own_ca", "client_ca", "backend_ca", "key_path", "users_file"])
def test_a_path_of_a_site_takes_the_content_of_no_file_and_shows_none(option, kind):
    with pytest.raises(AnsibleActionFail) as refusal:
        object.__new__(sites.ActionModule)._check({"sites": [{"name": "a.example", option: KEYS[kind]}]})
    assert f"sites[0].{option} holds" in str(refusal.value)
    assert not quotes(str(refusal.value), KEYS[kind])


RIGHT = [
    {"certificate": SITE.pem().decode(), "chain": der(SITE.pem()), "ca": pki.root().pem().decode()},
    {"key": PEM, "bundle": KEYS["a bundle"], "passphrase": "two\nlines", "account_mac_key": KEYS["DER of RSA"]},
    {"sites": [{"key": PEM, "directives": "add_header A b;\nadd_header C d;\n"}]},
    {"install_certificate_passphrase": "two\nlines", "enable_https_ca": pki.root().pem().decode()},
    {
        "key_file": "/etc/ssl/" + "a" * 200,
        "names": ["www.example.com", "x" * 63 + ".example"],
        "keep": 2,
        "prove": None,
    },
    {"fingerprint": "4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22", "own_ca": "MEUCIQ" + "A" * 90},
]


@pytest.mark.parametrize("given", RIGHT)
def test_what_has_its_place_is_taken(given):
    assert refuse_misplaced(given) is None


def test_it_says_where_the_content_belongs():
    with pytest.raises(RequestError) as refusal:
        refuse_misplaced({"sites": [{"name": "a"}, {"key_file": PEM}]})
    assert str(refusal.value) == (
        "sites[1].key_file holds the content of a file in PEM form: it takes the path of a file; the content goes into "
        "key. It is not shown: it may be secret"
    )


def test_directives_are_lines_but_no_key():
    with pytest.raises(RequestError, match="directives"):
        refuse_misplaced({"sites": [{"directives": [PEM]}]})


WRONG = [
    ("certificate", {"name": "a", "certificate_file": "a.crt", "key_file": PEM}),
    ("certificate", {"name": "a", "bundle_file": PEM, "remote_src": True}),
    ("certificate", {"name": PEM}),
    ("certificate", {"name": "a", "names": ["a", PEM], "own_ca": "ca"}),
    ("certificate", {"name": "a", "state": PEM}),
    ("certificate", {"name": "a", "certificate": PEM, "key_file": "x", "remote_src": True}),
    ("certbot_certificate", {"name": "a", "webroot": PEM}),
    ("certbot_certificate", {"name": "a", "ca": PEM}),
    ("certificate_info", {"names": [PEM]}),
    ("probe", {"host": ["a"], "ca_file": PEM}),
    ("probe", {"host": ["a"], "fingerprints": {PEM: PEM}}),
    ("probe", {"host": ["a"], "ca": PEM}),
    ("ports", {"source": PEM}),
    ("pf_ports", {"anchor": PEM}),
]


@pytest.mark.parametrize("debug", ["false", "true"])
def test_nothing_that_ansible_prints_holds_it_and_no_host_is_touched(play, tmp_path, monkeypatch, debug):
    monkeypatch.setenv("ANSIBLE_DEBUG", debug)
    tasks = [{f"port443.https.{module}": given, "ignore_errors": True} for module, given in WRONG]
    for task in tasks:  # as from a vault: what stands in the playbook itself is shown by Ansible's own messages
        (given,) = (value for name, value in task.items() if name.startswith("port443"))
        task.update({next(iter(task)): replace(given)})
    said = play(tasks, tmp_path / "play.yml", tmp_path, "-vvv", "--diff", vars={"vault_key": PEM})
    assert said.count("It is not shown: it may be secret") >= len(WRONG)
    assert f"ignored={len(WRONG)}" in said
    assert "Using module file" not in said
    assert not quotes(said, PEM)


def replace(given: Any) -> Any:
    if isinstance(given, dict):
        return {replace(name): replace(value) for name, value in given.items()}
    if isinstance(given, list):
        return [replace(one) for one in given]
    return "{{ vault_key }}" if given == PEM else given

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what the script sends, also where PowerShell 5.1 writes a list of one as its element, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    HostFailure,
    IisBinding,
    SeenCertificate,
    StoredCertificate,
    read_observation,
    write_certificate,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

TEXT = "key=True\nuntil=2031-05-04T03:02:01Z\nissuer=AA==\nsubject=AQ==\nname=of\nmany=lines"
SHOWN = {
    "place": "ipport=0.0.0.0:443",
    "address": "127.0.0.1",
    "port": 443,
    "server_name": "",
    "listens": True,
    "thumbprint": "AB",
    "fingerprint": "cd",
    "problem": None,
}
ANSWER = {
    "format": 2,
    "certificates": {"My\\AB": TEXT},
    "bindings": {"ipport=0.0.0.0:443": "SslCertHash=Binary:AB"},
    "users": {"AB": "remote desktop (RDP-Tcp)"},
    "netsh": ["certhash", "appid"],
    "chain": {"AB": "PartialChain"},
    "seen": [SHOWN],
    "iis": [{"site": "Default", "information": "*:443:", "flags": "1", "thumbprint": "a b", "store": ""}],
    "guarded": True,
    "failure": None,
    "left": None,
    "changed": False,
}


def test_an_answer_is_read_whole():
    seen = read_observation(ANSWER)
    assert seen.read("My") == {"AB": StoredCertificate(True, "2031-05-04T03:02:01Z", "AA==", "AQ==", "of\nmany=lines")}
    assert seen.read("CA") == {}
    assert (seen.users, seen.chain, seen.left) == (
        {"AB": ("remote desktop (RDP-Tcp)",)},
        {"AB": ("PartialChain",)},
        (),
    )
    assert seen.at("ipport=0.0.0.0:443") == SeenCertificate(
        "ipport=0.0.0.0:443", "127.0.0.1", 443, "", True, "AB", "cd", ""
    )
    assert seen.at("ipport=[::]:443") is None
    assert seen.iis == (IisBinding("Default", "*:443:", 1, "AB", ""),)
    assert seen.failure is None


def test_a_certificate_is_written_as_it_is_read():
    seen = read_observation(ANSWER)
    assert write_certificate(seen.read("My")["AB"]) == TEXT


def test_a_failure_is_read_with_its_code_and_what_was_not_undone():
    failure = {"id": "My\\AB", "do": "import", "hresult": -2147024891, "message": "Access is denied.", "category": ""}
    seen = read_observation({**ANSWER, "failure": {**failure, "not_undone": ["remove My"]}})
    assert seen.failure == HostFailure("My\\AB", True, "Access is denied.", ("remove My",))


@pytest.mark.parametrize("name", [name for name in ANSWER if name not in ("format", "changed")])
def test_an_answer_that_lacks_something_is_none(name):
    with pytest.raises(HostError, match="is not what its script sends"):
        read_observation({key: value for key, value in ANSWER.items() if key != name})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"format": 1}, "answers in format 1, this collection reads 2"),
        ({"failed": True, "msg": "Access is denied."}, "the script on the host did not run: Access is denied."),
        ({}, "it said nothing"),
        ({**ANSWER, "certificates": None}, "is not what its script sends"),
        ({**ANSWER, "seen": [{**SHOWN, "port": "x"}]}, "is not what its script sends"),
    ],
)
def test_what_is_no_answer_is_told(answer, told):
    with pytest.raises(HostError) as problem:
        read_observation(answer)
    assert told in problem.value.message


def test_a_certificate_in_another_form_is_told():
    seen = read_observation({**ANSWER, "certificates": {"My\\AB": "key=True\nname=x"}})
    with pytest.raises(HostError, match="in another form"):
        seen.read("My")

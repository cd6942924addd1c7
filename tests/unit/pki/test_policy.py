# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every pair of policy.yml is read, judged and shaken hands with, and exactly the expected is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pki
import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki import policy
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair

CASES = yaml.safe_load((Path(__file__).parent / "policy.yml").read_text(encoding="utf-8"))
NOW = int(pki.NOW.timestamp())
OTHERS = {
    "expired": {"common_name": "Expired Intermediate", "ca": True, "number": 110, "days": (-500, -2)},
    "impostor": {"common_name": "Impostor", "number": 111},
    "rsa": {"common_name": "RSA Intermediate", "ca": True, "number": 113, "key": "rsa2048"},
    "strong": {"common_name": "RSA Root", "ca": True, "number": 114, "key": "rsa2048"},
    "forger": {"common_name": "Test Intermediate", "ca": True, "number": 112},
}


class Cast:
    """The certificates one case speaks of, by the names it gives them."""

    def __init__(self, case):
        self.case = case
        wanted = dict(case["leaf"])
        issuer = wanted.pop("issuer", "intermediate")
        common_name = wanted.pop("common_name", (wanted.get("names") or ["www.example.com"])[0].replace("dns:", ""))
        self.parts = {"root": pki.root(), "intermediate": pki.intermediate(), "self": None}
        for name, one in OTHERS.items():
            self.parts[name] = pki.issue(issuer=pki.root(), **one)
        self.parts["weak"] = pki.issue(
            "Weak Intermediate", issuer=self.parts["strong"], ca=True, number=115, digest="sha1"
        )
        signer = self.parts[issuer]
        if issuer == "forger":  # the right name and key identifier over somebody else's signature
            signer = dataclasses.replace(pki.intermediate(), key=self.parts["forger"].key)
        self.parts["leaf"] = pki.issue(common_name, number=1, issuer=signer, **wanted)
        self.parts["predecessor"] = pki.issue(common_name, number=1, issuer=signer, **dict(wanted, days=(-80, 10)))
        self.other_key = pki.make_key(case.get("other", "p256"), 2)
        self.parts["other"] = pki.issue("other.example.com", ["other.example.com"], issuer=pki.intermediate(), number=3)

    def pem(self, parts):
        return b"".join(self.parts[part].pem() for part in parts)

    def texts(self):
        trust = self.case.get("trust", "root")
        key = self.parts["leaf"].key if self.case.get("key", "leaf") == "leaf" else self.other_key
        return {
            "certificate": self.pem(self.case.get("certificate", ["leaf", "intermediate"])),
            "key": pki.write_key(key, self.case.get("key_form", "pkcs8")),
            "chain": self.pem(self.case["chain"]) if "chain" in self.case else None,
            "ca": self.pem([trust]) if trust in self.parts else None,
        }

    def fill(self, text):
        leaf = self.parts["leaf"]
        return text.format(
            not_after=policy.show_time(int(leaf.certificate.not_valid_after_utc.timestamp())),
            not_before=policy.show_time(int(leaf.certificate.not_valid_before_utc.timestamp())),
            expired=policy.show_time(int(self.parts["expired"].certificate.not_valid_after_utc.timestamp())),
            now=policy.show_time(NOW),
            leaf_key=leaf.spki_sha256(),
            other_key=pki.spki_sha256(self.other_key),
        )


def make_params(case):
    params = {name: option.get("default") for name, option in _request.ARGUMENT_SPEC.items()}
    params["name"] = "www.example.com"
    params["names"] = case.get("names", case["leaf"].get("names"))
    for option in ("minimum_days", "self_signed"):
        params[option] = case.get(option, params[option])
    params["trust"] = "none" if case.get("trust") == "none" else "system"
    return params


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in CASES])
def test_a_pair_is_judged(case):
    cast = Cast(case)
    request = _request.parse(make_params(case))
    texts = cast.texts()
    said = {"refused": [], "warnings": [], "mended": []}
    try:
        said["mended"] = list(read_pair(texts["certificate"], texts["key"], texts["chain"], NOW).mended)
        pair, warnings = _request.read_request_pair(request, texts, NOW)
        said["warnings"] = list(warnings + _request.rehearse_handshake(request, pair, texts["ca"], None))
    except RequestError as problem:
        said["refused"] = [problem.message]
    wanted = {
        "refused": ["; ".join(cast.fill(text) for text in case["refused"])] if "refused" in case else [],
        "warnings": case.get("warnings", []) + case.get("more_warnings", []),
        "mended": case.get("mended", []),
    }
    assert said == wanted

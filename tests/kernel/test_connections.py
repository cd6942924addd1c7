# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the verdict says of a ruleset is what the kernel does with real connections."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import connection_verdict
from lab import TCP, UDP, Case

FILES = ("connections.yml", "ipsets.yml", "native.yml", "programs.yml")
CASES = [case for name in FILES for case in yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))]
PROGRAMS = Path(__file__).parent / "programs"
PLACES = {
    "iptables-nft": ("iptables-nft", 4),
    "ip6tables-nft": ("iptables-nft", 6),
    "iptables-legacy": ("iptables-legacy", 4),
    "ip6tables-legacy": ("iptables-legacy", 6),
    "nft": "nft",
}
PROTOCOLS = {"tcp": TCP, "udp": UDP}


@pytest.fixture
def loaded(lab, request):
    """A case with its rules in the kernel."""
    case = request.param
    lab.clear()
    lab.make_sets(case.get("sets", ""))
    texts = {name: (PROGRAMS / file).read_text(encoding="utf-8") for name, file in case.get("files", {}).items()}
    for name, text in case.get("rules", {}).items():
        texts[name] = texts.get(name, "") + text
    lab.load({PLACES[name]: text for name, text in texts.items()})
    yield case
    lab.clear()


@pytest.mark.parametrize("loaded", CASES, ids=[case["title"] for case in CASES], indirect=True)
def test_verdict_is_what_happens(lab, loaded):
    ruleset = lab.observe()
    tried = [
        Case(family, PROTOCOLS[protocol], port, peer.split()[-1], "out" if peer.startswith("to ") else "in")
        for family, protocol, port, peer, *_rest in loaded["expect"]
    ]
    answers = [connection_verdict(ruleset, case.question()) for case in tried]
    expected = [verdict for *_rest, verdict, _because in loaded["expect"]]
    assert [answer.verdict for answer in answers] == expected, [answer.because for answer in answers]
    for answer, (*_rest, because) in zip(answers, loaded["expect"]):
        assert because in answer.because
        assert answer.because.isprintable()
    assert lab.disagreements(tried)[0] == []

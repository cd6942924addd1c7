# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict over the stores, profiles, settings and listeners of a Windows host."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.verdict import judge
from windows_facts import facts, request

CASES = yaml.safe_load((Path(__file__).parent / "verdicts.yml").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_each_line_is_judged_so(case):
    asked = {"ports": ["443/tcp"], **case.get("asked", {})}
    lines = judge(facts(**case.get("host", {})), request(**asked))
    told = {}
    for line in lines:
        protocol = "" if line.protocol == "tcp" else line.protocol
        told[f"{line.family} {line.direction} {line.port}{protocol}"] = f"{line.verdict}: {line.because}"
    lines = case["lines"]
    if isinstance(lines, str):
        lines = {"ipv4 in 443": lines, "ipv6 in 443": lines}
    assert told == lines


def test_every_setting_store_and_way_of_narrowing_has_a_case():
    text = (Path(__file__).parent / "verdicts.yml").read_text()
    for word in (
        "gpo:",
        "mdm:",
        "DoNotAllowExceptions",
        "AllowLocalPolicyMerge",
        "DefaultOutboundAction",
        "ByPass",
        "Svc=*",
    ):
        assert word in text

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every extension of iptables is in the list of what it does, so that none is taken for harmless by oversight."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import MATCHES, TARGETS
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule

SUITES = yaml.safe_load((Path(__file__).parent / "extensions.yml").read_text(encoding="utf-8"))
HERE = sorted(
    path.stem
    for folder in ("lib", "lib64")
    for path in Path("/usr", folder).glob("**/xtables/lib*t_*.so")
    if path.is_file()
)
PLAIN = {"standard", "NAT"}  # the verdicts, and the file that DNAT, SNAT and their like link to


def unlisted(extensions):
    """Those that are in no list; targets are in capitals."""
    names = {
        name.partition("_")[2] for name in extensions if name.startswith(("libxt_", "libipt_", "libip6t_"))
    } - PLAIN
    return sorted(name for name in names if name not in (TARGETS if name.isupper() else MATCHES))


def test_suites_are_those_of_the_hosts():
    assert list(SUITES) == ["bullseye", "bookworm", "trixie", "sid"]
    assert all(len(suite["extensions"]) > 80 for suite in SUITES.values())


@pytest.mark.parametrize("suite", SUITES)
def test_extensions_of_a_suite_are_all_listed(suite):
    assert unlisted(SUITES[suite]["extensions"]) == []


def test_extensions_of_this_machine_are_all_listed():
    assert unlisted(HERE) == []


def test_extension_that_nobody_knows_is_found():
    assert unlisted(["libxt_TARPIT", "libxt_geoip", "libxt_set", "libebt_among"]) == ["TARPIT", "geoip"]


@pytest.mark.parametrize("name", [*sorted(TARGETS), "TARPIT"])
def test_target_does_what_its_list_says(name):
    """Without its options a target that is read may not be understood; it is never taken for harmless then."""
    known = TARGETS.get(name, "unknown")
    rule = parse_rule(f"-A INPUT -j {name}", "ip")
    if known == "harmless":
        assert (rule.verdict, rule.effects) == ("continue", ())
    elif known == "unknown":
        assert rule.verdict == "opaque"


@pytest.mark.parametrize("name", [*sorted(MATCHES), "geoip"])
def test_match_asks_what_its_list_says(name):
    rule = parse_rule(f"-A INPUT -m {name} -j DROP", "ip6")
    known = MATCHES.get(name, "unknown")
    assert [match.names for match in rule.matches if match.field == "unknown"] == (
        [(name,)] if known == "unknown" else []
    )

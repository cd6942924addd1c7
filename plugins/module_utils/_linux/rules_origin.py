# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the line of a file in iptables-save's form that a rule of the kernel was loaded from."""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import meaning
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import without_counters

_FAMILIES = {"ip": 4, "ip6": 6}


def find_origin(files: Sequence[Tuple[int, str, str]], answer: Verdict) -> str:
    """Returns the file and line that what decided comes from, empty where that is not known.

    ``files`` are IP version, path and text; what other firewalls than iptables have is in none of them.
    """
    for family, path, text in files:
        line = find_line(text, answer) if _FAMILIES.get(answer.family) == family and answer.frontend != "nft" else None
        if line:
            return f"{path} line {line}"
    return ""


def find_line(text: str, answer: Verdict) -> Optional[int]:
    """Returns the number, counted from 1, of the line that means what decided, or None where the file has no such.

    ``text`` is a file for iptables-restore, or one of ufw's rules files; of several such lines the first is told.
    """
    table = ""
    wanted = _meaning(answer.rule, answer) if answer.rule else None
    for number, line in enumerate(text.split("\n"), 1):
        bare = without_counters(line.strip())
        if bare.startswith("*"):
            table = bare[1:]
        if table != answer.table:
            continue
        if wanted is None and bare.startswith((f":{answer.chain} ACCEPT", f":{answer.chain} DROP")):
            return number
        if wanted is not None and bare.startswith(f"-A {answer.chain} ") and _meaning(bare, answer) == wanted:
            return number
    return None


def _meaning(line: str, answer: Verdict) -> Tuple[object, ...]:
    return meaning(parse_rule(line, answer.family))


def read_rules_files(host: FirewallHost, paths: Iterable[Tuple[int, str]]) -> List[Tuple[int, str, str]]:
    """Returns IP version, path and text of those files that are there; raises HostError for one it cannot read."""
    found: List[Tuple[int, str, str]] = []
    for family, path in paths:
        content = host.read(path)
        if content is not None:
            found.append((family, path, content.decode("utf-8", "surrogateescape")))
    return found

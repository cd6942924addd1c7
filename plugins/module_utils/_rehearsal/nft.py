# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loads an nft file into a private network namespace and returns the ruleset that it makes."""

from __future__ import annotations

import base64
import pickle
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Dict, FrozenSet, List, Optional

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot import made_later
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import observe_kernel
from ansible_collections.port443.https.plugins.module_utils._linux.links import parse_dev
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset

_FLUSH = re.compile(r"(?:^|[;\n])\s*flush\s+ruleset")
_LINK = re.compile(r'\b(?:iif|oif|device)\s+(?:(?:!=|==)\s*)?"?([A-Za-z0-9_][\w.:@-]{0,14})')
_WORD = re.compile(r"[A-Za-z0-9_][\w.:@-]{0,14}")


@dataclass(frozen=True)
class Loaded:
    """What a file makes; ``words`` are nft's where it does not load, and ``doubles`` tells of rules that come again.

    That is so where the file is loaded a second time, as a reload does. ``early`` are nft's words where the file does
    not load before the network is set up, as it insists on links that are made only then.
    """

    ruleset: Ruleset = ()
    words: str = ""
    doubles: bool = False
    early: str = ""


# Mostly the file that is there is also what is there in the end: the last answers are kept.
@lru_cache(maxsize=4)
def load(host: FirewallHost, text: str) -> Optional[Loaded]:
    """Returns what a text makes on a host without rules; None where there is no nft or no namespace for it."""
    if host.find(COMMAND[0]) is None:
        return None
    there = parse_dev((host.read("/proc/net/dev") or b"").decode("utf-8", "replace"))
    names = _links(there, text)
    late = made_later(host, names, there)
    answer = host.in_private_network(lambda: _load(host, text, names - late, late))
    if answer is None:
        return None
    return Loaded(_unpack(answer["ruleset"]), answer["words"], answer["doubles"], answer["early"])


def _load(host: FirewallHost, text: str, names: FrozenSet[str], late: FrozenSet[str]) -> Dict[str, Any]:
    """Runs inside the namespace; the links ``late`` are made only if it does not load without them."""
    _make_links(host, names)
    ended = host.run(COMMAND, text)
    early = ended.words() if ended.returncode and late else ""
    if early:
        _make_links(host, late)
        ended = host.run(COMMAND, text)
    if ended.returncode:
        return {"ruleset": _pack(()), "words": ended.words(), "doubles": False, "early": ""}
    ruleset = observe_kernel(host).ruleset
    doubles = False
    if not _FLUSH.search(text) and not host.run(COMMAND, text).returncode:
        doubles = _count(observe_kernel(host).ruleset) > _count(ruleset)
    return {"ruleset": _pack(ruleset), "words": "", "doubles": doubles, "early": early}


def _count(ruleset: Ruleset) -> int:
    return sum(len(chain.rules) for table in ruleset for chain in table.chains)


def _links(there: FrozenSet[str], text: str) -> FrozenSet[str]:
    """The interfaces that nft may want to be there: those of the host that the text names, and those it insists on."""
    named = there.intersection(_WORD.findall(text)) | set(_LINK.findall(text))
    return frozenset(named - {"lo"})


def _make_links(host: FirewallHost, names: FrozenSet[str]) -> None:
    """Where the kernel has no dummy links, a veth serves as well."""
    lines: List[str] = []
    for name in sorted(names):
        lines.append(f"link add {name} type dummy")
        lines.append(f"link add {name} type veth")
    if lines and host.find("ip"):
        host.run(("ip", "-force", "-batch", "-"), "".join(line + "\n" for line in lines))


def _pack(ruleset: Ruleset) -> str:
    """What JSON can carry; of 10,000 rules it is made and read in a tenth of the time that lists would take."""
    return base64.b64encode(pickle.dumps(ruleset)).decode("ascii")


def _unpack(packed: str) -> Ruleset:
    """Reads what this process' own child wrote into the pipe between them, nobody else's."""
    ruleset: Ruleset = pickle.loads(base64.b64decode(packed))  # noqa: S301
    return ruleset


COMMAND = ("nft", "-f", "-")

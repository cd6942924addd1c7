# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes the rules in force: the main ruleset, the anchors that it calls, and the tables that rules ask about."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import has_failed, listing, pfctl_words
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import System
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import Filter, is_directly_below, resolve
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._pf.peer import parse_address
from ansible_collections.port443.https.plugins.module_utils._pf.rule import (
    AUTOMATIC,
    PfRule,
    PfTable,
    Rules,
    called_anchors,
    referred_tables,
)
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest

_TRANSLATIONS = ("nat", "rdr", "binat", "no nat", "no rdr", "no binat")
_SHAPING = ("dummynet", "no dummynet", "altq", "queue")


def split_listings(rules: Rules) -> Tuple[Rules, Rules]:
    """Returns the rules that ``-s rules`` prints, and those of ``-s nat``; what shapes alone is in neither."""

    def translates(rule: PfRule) -> bool:
        return rule.text.startswith(_TRANSLATIONS)

    kept = tuple(rule for rule in rules if not rule.text.startswith(_SHAPING))
    return tuple(rule for rule in kept if not translates(rule)), tuple(rule for rule in kept if translates(rule))


def observe_rules(
    host: FirewallHost, system: System, request: PortsRequest, main: str, always: Tuple[str, ...]
) -> Filter:
    """Returns what is in force, from the main ruleset as pfctl printed it; the anchors in ``always`` are asked too."""
    rules, redirected = split_listings(parse_rules(main))
    anchors = _observe_anchors(host, system, "rules", rules, always)
    inside = _observe_anchors(host, system, "nat", redirected, ())
    skipped = {line.split()[0] for line in _listing_verbose(host) if line.endswith("(skip)")}
    tables = {
        (anchor, name): _observe_table(host, anchor, name)
        for anchor, found in {"": rules + redirected, **anchors}.items()
        for name in referred_tables(found)
        if request.source or name.startswith(AUTOMATIC) or name in _destinations(found)
    }
    return Filter(
        enabled=False,
        rules=rules,
        anchors=anchors,
        translations=redirected,
        translation_anchors=inside,
        tables={key: table for key, table in tables.items() if table is not None},
        skipped=frozenset(skipped),
    )


def _listing_verbose(host: FirewallHost) -> List[str]:
    """The lines on pf's interfaces; raises HostError without any, as "all" is always one of them (pf_if.c)."""
    ended = host.run(("pfctl", "-v", "-s", "Interfaces"))
    if has_failed(ended) or not ended.out.strip():
        raise HostError(f"pfctl -v -s Interfaces failed with code {ended.returncode} and said: {pfctl_words(ended)}")
    return ended.out.splitlines()


def _destinations(rules: Rules) -> FrozenSet[str]:
    return frozenset(rule.destination.name for rule in rules if rule.destination.kind == "table")


def _observe_anchors(
    host: FirewallHost, system: System, what: str, rules: Rules, always: Tuple[str, ...]
) -> Dict[str, Rules]:
    """The rules of all anchors that rules call, directly or through others, and of those in ``always``."""
    found: Dict[str, Rules] = {}
    waiting: List[str] = [*always, *(resolve(called, "") for called in called_anchors(rules))]
    while waiting:
        path = waiting.pop(0)
        if path.endswith("*"):
            above = path[:-1]
            listed = (line.strip() for line in listing(host, system, "Anchors", above.rstrip("/")).splitlines())
            waiting += [name for name in listed if is_directly_below(name, above) and name not in found]
        elif path not in found:
            found[path] = parse_rules(listing(host, system, what, path))
            waiting += [resolve(called, path) for called in called_anchors(found[path])]
    return found


def _observe_table(host: FirewallHost, anchor: str, name: str) -> Optional[PfTable]:
    """What a table holds, None where it cannot be read: then nobody knows whom a rule with it is about."""
    where = ("-a", anchor) if anchor else ()
    ended = host.run(("pfctl", *where, "-t", name, "-T", "show"))
    if ended.returncode:
        return None
    words = ended.out.split()
    return PfTable(
        _networks(word for word in words if word[0] != "!"), _networks(word[1:] for word in words if word[0] == "!")
    )


def _networks(words: Iterable[str]) -> Tuple[Network, ...]:
    parsed = [parse_address(word)[1] for word in words]
    return tuple(network for network in parsed if network is not None)

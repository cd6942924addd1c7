# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what of HAProxy's sections global and defaults stands against what sites of ours are for.

Rules such as ``http-request deny`` are no part of it: HAProxy refuses a defaults section with rules from which both
frontends and backends inherit, as those of a block do (seen with 2.6.12; named sections alone may have rules).
"""

from __future__ import annotations

from typing import Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import (
    Line,
    take_defaults,
    walk,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Profile, Site, Surrounding
from ansible_collections.port443.https.plugins.module_utils._webservers.surroundings import tell_surrounding
from ansible_collections.port443.https.plugins.module_utils._webservers.tls_profile import PROTOCOLS

_OPTIONS = "ssl-default-bind-options"
_STATISTICS = (("stats", "enable"), ("stats", "uri"), ("stats", "auth"), ("stats", "admin"))
_NEWEST = "TLSv1.3"


def find_surroundings(before: Sequence[Tuple[str, str]]) -> Tuple[Surrounding, ...]:
    """Returns what sections at the end of these files, (path, text), take from global and defaults."""
    lines: List[Line] = []
    places: List[str] = []
    for path, text in before:
        for line in walk([text]):
            places.append(f"{path} line {line.number}")
            lines.append(line._replace(number=len(lines)))
    taken = [one for one in lines if one.section == "global" and len(one.words) > 1] + take_defaults(lines)
    return tuple(Surrounding(one.words, places[one.number], (one.section,)) for one in taken)


def tell_surroundings(
    sites: Sequence[Site], around: Sequence[Surrounding], profile: Profile, fatal: bool = False
) -> Iterator[str]:
    """Yields which lines take something from sites, or if ``fatal`` all of it, one sentence each."""
    for one in around if sites else ():
        effect, remedy = _judge_fatal(one) if fatal else _judge(one, PROTOCOLS[profile])
        if effect:
            yield tell_surrounding(one, "HAProxy", effect, remedy, sites, True)


def _judge_fatal(one: Surrounding) -> Tuple[str, str]:
    if one.within == ("defaults",) and one.words == ("disabled",):
        return "{} would not be served", "write it into the sections that it is for"
    return "", ""


def _judge(one: Surrounding, protocols: Sequence[str]) -> Tuple[str, str]:
    """Returns the effect of a line, empty for none, and what helps. Our bind lines say ssl-min-ver for themselves."""
    if one.within == ("global",) and one.words[0] == _OPTIONS:
        gone = [version for version in protocols if _is_taken(version, one.words[1:])]
        if gone:
            return f"visitors of {{}} are not answered in {' and '.join(gone)}", "allow it there"
    if one.within == ("defaults",) and (one.words[0] == "monitor-uri" or one.words[:2] in _STATISTICS):
        return "HAProxy answers that path itself in the place of {}", "write it into the sections that it is for"
    return "", ""


def _is_taken(version: str, options: Sequence[str]) -> bool:
    """Tells whether options leave a version of TLS out."""
    last = dict(zip(options, options[1:])).get("ssl-max-ver", _NEWEST)
    forced = [word for word in options if word.startswith("force-")]
    short = version.lower().replace(".", "")
    return version > last or f"no-{short}" in options or (bool(forced) and f"force-{short}" not in forced)

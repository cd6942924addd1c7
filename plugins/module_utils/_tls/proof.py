# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proves by TLS handshakes, many at once, that each site's certificate is served wherever it should be."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Sequence, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import (
    PATIENCE,
    Endpoint,
    Look,
    fetch,
    is_proved,
)

AT_ONCE = 16  # handshakes; the host talks to itself
PAUSE = 0.1  # seconds between two looks
SETTLING = 1.0  # seconds; nginx' old workers take connections for 0.1 beside the new ones (ngx_process_cycle.c)
SHOWN = 3  # sites that a message tells of

Looks = Mapping[str, Tuple[Look, ...]]
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Expectation:
    """What a site is to serve, and where: ``fingerprint`` is SHA-256 of the leaf, ``kind`` that of its key.

    At ``contested`` places the server gives connections to another site of its own, which has that very address.
    """

    site: str
    fingerprint: str
    kind: str
    places: Tuple[Endpoint, ...]
    contested: Tuple[Endpoint, ...] = ()

    def is_met(self, looks: Looks) -> bool:
        """Tells whether the site was seen to be served wherever nobody else is to be."""
        return is_proved(looks.get(self.site, ()), self.fingerprint)


def look_at_all(expectations: Sequence[Expectation]) -> Dict[str, Tuple[Look, ...]]:
    """Returns one look at each place of each site, by the sites' names; contested places are left out."""
    asked = [(one, place) for one in expectations for place in one.places]
    found: Dict[str, List[Look]] = {one.site: [] for one in expectations}
    if asked:
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(asked))) as pool:
            looks = pool.map(lambda pair: fetch(pair[1], pair[0].fingerprint, pair[0].kind), asked)
            for (one, _place), look in zip(asked, looks):
                found[one.site].append(look)
    return {site: tuple(looks) for site, looks in found.items()}


def look_at_contested(expectations: Sequence[Expectation]) -> Dict[str, Tuple[Look, ...]]:
    """Returns one look at each contested place of each site, by the sites' names."""
    turned = [Expectation(one.site, one.fingerprint, one.kind, one.contested) for one in expectations if one.contested]
    return look_at_all(turned)


def look_until_met(expectations: Sequence[Expectation], seconds: float) -> Dict[str, Tuple[Look, ...]]:
    """Returns a look at each place, taken when every site was served twice in a row, or the last when time was up.

    A server answers a reload before it has done it, and its old workers may take a connection or two meanwhile.
    """
    deadline = time.monotonic() + seconds
    looks: Dict[str, Tuple[Look, ...]] = {}
    seen = 0
    while True:
        wanted = expectations if seen else [one for one in expectations if not one.is_met(looks)]
        looks.update(look_at_all(wanted))
        seen = seen + 1 if all(one.is_met(looks) for one in expectations) else 0
        if seen == 2 or time.monotonic() > deadline:
            return looks
        time.sleep(PAUSE)


def look_until(look: Callable[[], Seen], is_enough: Callable[[Seen], bool], seconds: float) -> Seen:
    """Returns what was seen once it is enough, or the last when time was up; looks at least once."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if is_enough(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(PAUSE)


def look_again(expectations: Sequence[Expectation], looks: Looks) -> Dict[str, Tuple[Look, ...]]:
    """Returns the looks, taken anew for a moment at what was not served where its files are in place already.

    Whoever put them there may be in the middle of the reload; nothing is left to do then.
    """
    late = [one for one in expectations if not one.is_met(looks)]
    return {**looks, **(look_until_met(late, SETTLING) if late else {})}


def look_until_gone(expectations: Sequence[Expectation], seconds: float) -> Dict[str, Tuple[Look, ...]]:
    """Returns a look at each place, twice in a row without any of the fingerprints, or the last when time was up."""
    deadline = time.monotonic() + seconds
    unseen = 0
    while True:
        looks = look_at_all(expectations)
        shown = any(look.fingerprint == one.fingerprint for one in expectations for look in looks[one.site])
        unseen = 0 if shown else unseen + 1
        if unseen == 2 or time.monotonic() > deadline:
            return looks
        time.sleep(PAUSE)


def tell_served_again(former: Sequence[Expectation], seconds: float) -> str:
    """Returns the end of a sentence, whether what was served before a change is served again; empty if nothing was."""
    if not former:
        return ""
    looks = look_until_met(former, seconds)
    missed = [one for one in former if not one.is_met(looks)]
    if not missed:
        return ", and what was served before is served again"
    seen = [f"{one.site} ({', '.join(map(str, looks[one.site]))})" for one in missed]
    return f", but what was served before is not served again: {join_some(seen)}"


def join_some(told: Sequence[str]) -> str:
    """Returns what is told of several sites as one text, the first few and how many more there are."""
    rest = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "; ".join([*told[:SHOWN], *rest])


def answers(address: str, port: int, seconds: float) -> bool:
    """Tells whether somebody takes connections at a TCP port, asked until ``seconds`` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((address, port), timeout=PATIENCE):
                return True
        except OSError:
            if time.monotonic() > deadline:
                return False
        time.sleep(PAUSE)

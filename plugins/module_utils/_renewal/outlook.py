# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foresees whether a certificate will be renewed before it expires, by what certbot last said."""

from __future__ import annotations

import os
import re
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._renewal.defaults import find_beaten, read_all
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import (
    KEY_TYPES,
    NO_RENEWAL,
    Lineage,
    WantedLineage,
    is_kept_back,
    observe,
    renewal_file,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

# certbot tries twice a day once a third of the time is left (half, where the whole is less than ten days; up to 3.x 30
# days): with a quarter left it has tried for a week with 90 days, for a day and a half with 6.
LATE = 4
# storage.py and renewal.py, should_autorenew: fixed days up to 3.x, from 4 a share of the lifetime.
_FIXED_BEFORE, _BY_SHARE_SINCE = "30 days", (4, 0)
_SPAN = re.compile(r"([0-9]+) *(minute|hour|day|week)s?")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MOST_TOLD = 1500  # characters
# certbot/_internal/log.py, FILE_FMT. In the log stands also what a quiet certbot tells nobody.
_RECORD = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:,]+:(?P<level>[A-Z]+):(?P<logger>[\w.]+):", re.MULTILINE)
_SHOWN = "Notifying user:"
_DETAIL = re.compile(r"^ *(?:Domain|Type|Detail|Identifier): .*", re.MULTILINE)


def find_problems(host: Host, layout: RenewalPaths, site: str, now: int) -> Tuple[str, ...]:
    """Returns why a site's certificate will not be renewed, or has not been; raises HostError for unreadable files."""
    have = observe(host, layout, site)
    if have is None:
        return ()  # which whoever looks for the newest pair says
    problems = _find_obstacles(host, layout, site, have)
    late = tell_late(host, layout, site, have, now)
    return (*problems, late) if late else problems


def tell_late(host: Host, layout: RenewalPaths, site: str, have: Lineage, now: int) -> str:
    """Returns that certbot has not renewed what it should have, with its own words; empty if it is not late."""
    leaf = have.certificate
    if leaf.not_after - now >= (leaf.not_after - leaf.not_before) // LATE:
        return ""
    said = _read_failure(host, layout, site)
    told = f"it expires on {show_time(leaf.not_after)}, and certbot has not renewed it"
    return f"{told}: {said}" if said else f"{told}, see {layout.log}/letsencrypt.log"


def is_short(have: Lineage) -> bool:
    """Tells whether a certificate is for so short a time that some certbot may never find it fresh."""
    return bool(have.renews_before) or _lifetime(have) <= _read_span(_FIXED_BEFORE)


def tell_hasty(layout: RenewalPaths, site: str, have: Lineage, version: Tuple[int, ...]) -> str:
    """Returns that a certbot of this version renews a certificate each time it runs, empty where it does not.

    CAs count what they issue: with two a day the fifth of a week is refused, and with it what is needed.
    """
    before = have.renews_before or ("" if version >= _BY_SHARE_SINCE else _FIXED_BEFORE)
    lifetime = _lifetime(have)
    if not before or _read_span(before) < lifetime:
        return ""
    return (
        f"certbot renews it each time that it runs, since it does so {before} before the expiry, and the CA issues it "
        f"for {_show_span(lifetime)}: write 'renew_before_expiry = {_show_span(lifetime // 3)}' as the first line of "
        f"{renewal_file(layout, site)}, or use a newer certbot (4 and later renew by the share of time that is left)"
    )


def _lifetime(have: Lineage) -> int:
    leaf = have.certificate
    return leaf.not_after - leaf.not_before


def _read_span(words: str) -> int:
    """Returns the seconds of certbot's words for a time; none for words that are not understood here."""
    found = _SPAN.fullmatch(words.strip())
    return int(found.group(1)) * _SECONDS[found.group(2)] if found else 0


def _show_span(seconds: int) -> str:
    for unit in ("day", "hour"):
        number = (seconds + 1) // _SECONDS[unit]  # the last second counts with it (RFC 5280, 4.1.2.5)
        if number > 1:
            return f"{number} {unit}s"
    return f"{max(1, seconds // 60)} minutes"


def find_failure(log: str, lineage: str) -> str:
    """Returns what certbot's log says of the last renewal of a lineage that failed; empty if it says nothing.

    The CA's reasons stand before the failure itself, in what certbot would have shown had it not been told to be quiet.
    """
    records = list(_RECORD.finditer(log))
    ends = [record.start() for record in records[1:]] + [len(log)]
    texts = [log[record.end() : end].strip() for record, end in zip(records, ends)]
    failed = f"Failed to renew certificate {lineage} with error: "
    for number in range(len(texts) - 1, -1, -1):
        if not texts[number].startswith(failed):
            continue
        reasons = []
        for text in reversed(texts[:number]):
            if text.startswith(("Failed to renew certificate", f"{_SHOWN} Processing ")):
                break
            if text.startswith(_SHOWN) and _DETAIL.search(text):
                reasons = [line.strip() for line in _DETAIL.findall(text)]
                break
        when = records[number].group()[:19]
        return "\n".join([f"{when} {texts[number]}", *reasons])[:_MOST_TOLD]
    return ""


def _find_obstacles(host: Host, layout: RenewalPaths, site: str, have: Lineage) -> Tuple[str, ...]:
    beaten = find_beaten(read_all(host, layout), layout, _as_wanted(layout, site, have))
    told = tuple(f"at the next renewal {problem}" for problem in beaten)
    return (NO_RENEWAL, *told) if is_kept_back(have) else told


def _as_wanted(layout: RenewalPaths, site: str, have: Lineage) -> WantedLineage:
    """Returns what a renewal would be by the lineage's own settings."""
    keys = {description: key for key, (description, _words) in KEY_TYPES.items()}
    renewal, key = have.renewal, have.certificate.key.describe()
    port = renewal.get("http01_port", "") if renewal.get("authenticator") == "standalone" else ""
    return WantedLineage(
        name=layout.lineage(site),
        names=have.certificate.names(),
        key_type=keys.get(key, key),
        server=have.server,
        webroot=have.webroot,
        standalone_port=int(port) if port.isdigit() else None,
        hook=renewal.get("renew_hook", ""),
    )


def _read_failure(host: Files, layout: RenewalPaths, site: str) -> str:
    """The log is begun anew at each run, or now and then by logrotate, so the last words may be in the one before."""
    for name in ("letsencrypt.log", "letsencrypt.log.1", "letsencrypt.log.2"):
        try:
            content = host.read(os.path.join(layout.log, name))
        except HostError:
            continue  # where certbot's words cannot be read, the time is told alone
        said = find_failure((content or b"").decode("utf-8", "replace"), layout.lineage(site))
        if said:
            return said
    return ""

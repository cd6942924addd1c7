# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides about certificates that the DNS proves: their names, when one is issued again, which pairs are installed."""

from __future__ import annotations

import posixpath
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible_collections.port443.https.plugins.module_utils._pki.names import normalise_name

# As community.crypto's x509_certificate_info tells times, in UTC.
_TIME = "%Y%m%d%H%M%SZ"
_ACCESS = ("owner", "group")


def wanted_names(names: Sequence[str]) -> List[str]:
    """Returns names as a certificate has them, each once: ``DNS:`` and the name in ASCII and small letters."""
    return list(dict.fromkeys(f"DNS:{normalise_name(name)}" for name in names))


def is_issued_again(have: Mapping[str, Any], values: Mapping[str, Any], now: datetime) -> bool:
    """Tells whether a certificate is to be replaced: it is another than is meant, or due.

    ``have`` is what x509_certificate_info tells of it. ``values`` say what is meant: ``names`` as of ``wanted_names``,
    ``key``, the SHA-256 of the public key, ``server`` and ``old_server``, and ``remaining_days``. With these the module
    that asks the CA knows itself when one is due; with 0 it is when less than a third of its time is left, as a number
    of days would have one for six days issued anew at every run.
    """
    is_another = (
        sorted(have["subject_alt_name"] or ()) != sorted(values["names"])
        or have["public_key_fingerprints"]["sha256"] != values["key"]
        or values["old_server"] != values["server"]
    )
    return is_another or (int(values["remaining_days"]) == 0 and _is_due(have, now))


def _is_due(have: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = (_read_time(have[name]) for name in ("not_before", "not_after"))
    return (ends - now) * 3 < ends - begins


def _read_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)


def pairs(
    sites: Sequence[Mapping[str, Any]], folder: str, state: str, is_there: Callable[[str], bool]
) -> List[Dict[str, Any]]:
    """Returns the sites as the module certificate takes them, from the folder of the controller they were issued into.

    One of which nothing ``is_there`` is left out, as where a rehearsal issues nothing; to go, a name is enough.
    """
    if state != "present":
        return [{"name": site["name"]} for site in sites]
    found = []
    for site in sites:
        base = posixpath.join(folder, str(site["name"]))
        if is_there(f"{base}.pem"):
            given = {name: site[name] for name in ("name", "names", *_ACCESS) if name in site}
            found.append({**given, "certificate_file": f"{base}.pem", "key_file": f"{base}.key"})
    return found

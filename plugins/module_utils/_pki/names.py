# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Normalises and matches host names as certificates hold them: DNS names, wildcards of one label, IP addresses."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import Collection, Optional

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# IDNA (RFC 3490, 3.1) reads these as the dot between labels.
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def normalise_name(given: str) -> str:
    """Returns a DNS name lower-case in ASCII without its final dot, or an IP address in its shortest form.

    International names become their A-labels (RFC 5891); a wildcard may be the whole first label. Raises RequestError.
    """
    address = _read_address(given)
    if address is not None:
        return address
    name = given.strip().rstrip(".")
    labels = [_to_a_label(label) for label in _DOTS.split(name)]
    checked = labels[1:] if labels[0] == "*" and len(labels) > 2 else labels
    if len(".".join(labels)) > 253 or not all(_LABEL.fullmatch(label) for label in checked):
        raise RequestError(
            f"{given!r} is neither a host name such as www.example.com, nor a wildcard such as *.example.com, "
            "nor an IP address"
        )
    return ".".join(labels)


def normalise_site(given: str) -> str:
    """Returns the name of a site as its directory's name: a host name or word, never a path; raises RequestError."""
    name = ".".join(_to_a_label(label) for label in _DOTS.split(given))
    if len(name) > 200 or not re.fullmatch(r"[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_][a-z0-9_-]*)*", name):
        raise RequestError(
            f"name {given!r} cannot be a directory's name: give the site's host name without a wildcard, such as "
            "example.com, or a word, and everything else the certificate has to cover as names"
        )
    return name


def is_covered(name: str, held: Collection[str]) -> bool:
    """Tells whether a normalised name is among those a certificate holds; ``held`` is best a set.

    A wildcard stands for exactly one label, the first (RFC 6125, 6.4.3), and never for an address.
    """
    if name in held:
        return True
    if _read_address(name) is not None:
        return False
    first, dot, parent = name.partition(".")
    return bool(dot) and first != "*" and "*." + parent in held


def is_address(name: str) -> bool:
    """Tells whether a normalised name is an IP address, which TLS never sends as a server name (RFC 6066, 3)."""
    return _read_address(name) is not None


def _read_address(given: str) -> Optional[str]:
    text = given[1:-1] if given.startswith("[") and given.endswith("]") else given
    if "%" in text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _to_a_label(label: str) -> str:
    lowered = unicodedata.normalize("NFC", label.lower())
    try:
        lowered.encode("ascii")
    except UnicodeEncodeError:
        return "xn--" + lowered.encode("punycode").decode("ascii")
    return lowered

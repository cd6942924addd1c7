# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges values of sites that mean the same in every server's configuration, and shows them in messages."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import Iterable, List, Optional

SITE_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*", re.ASCII)
TARGET = re.compile(r"(?:https?://|/)[!#-\[\]-~]*")  # printable, without a space, quote or backslash
REDIRECT_CODES = (301, 302, 303, 307, 308)


def show_value(value: str, most: Optional[int] = None) -> str:
    """Returns a value for a message, of a long one the ``most`` first letters; none that may be a secret by mistake."""
    if "\n" in value or "\r" in value or "-----BEGIN" in value:
        return "(a text of several lines, not shown)"
    return repr(value if most is None or len(value) <= most else value[:most] + "...")


def is_network(text: str) -> bool:
    """Tells whether a text is an address or a network as servers write one; what Python alone takes is none."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?", text) is not None


def find_doubles(values: Iterable[str]) -> List[str]:
    """Returns what is there more than once, each once, in order of appearance."""
    return [value for value, count in Counter(values).items() if count > 1]


def tell_no_checks(title: str) -> str:
    """Returns why a server that asks no application whether it is well takes no ``health_path``."""
    return (
        f"health_path: {title} asks no application whether it is well, and passes over one that does not answer: leave "
        "it out, or take HAProxy, or Apache with several applications"
    )

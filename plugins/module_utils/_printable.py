# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Escapes what in the text of others would not be seen, or obeyed by a terminal."""

from __future__ import annotations


def printable(text: str, keep: str = "") -> str:
    """Returns text to be shown: control characters, and what cannot be seen, escaped, save those of ``keep``."""
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode("ascii") for char in text
    )

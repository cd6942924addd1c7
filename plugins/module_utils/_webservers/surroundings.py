# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what others have said for all sites of a web server, with file and line."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site, Surrounding

_NAMED = 3  # of the sites in a sentence; the others are counted


def tell_surrounding(one: Surrounding, title: str, effect: str, remedy: str, hit: Sequence[Site], every: bool) -> str:
    """Returns the sentence about a directive that has an effect at the sites of ``hit``, ``every`` if at all of them.

    ``effect`` has a place for whom it concerns, ``remedy`` says what would help.
    """
    names = [site.name for site in hit]
    told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    whom = "all sites" if every and len(names) > _NAMED else told
    within = f" in {' '.join(one.within)}" if one.within else ""
    return (
        f"{one.place} says '{' '.join(one.words)}'{within}, which holds for all of {title}, so that "
        f"{effect.format(whom)}: {remedy}, or take it away there"
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what lighttpd's configuration has for every name that stands against what sites of ours are for.

What hands requests on elsewhere (``url.redirect``, ``proxy.server`` and their like) is no part of it: sites take that
back for themselves.
"""

from __future__ import annotations

from typing import Iterator, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.read_blocks import is_enabled
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site, Surrounding
from ansible_collections.port443.https.plugins.module_utils._webservers.surroundings import tell_surrounding

_VERIFY = "ssl.verifyclient.activate"


def tell_surroundings(sites: Sequence[Site], around: Sequence[Surrounding]) -> Iterator[str]:
    """Yields which values take something from sites, one sentence each."""
    for one in around:
        effect, remedy, own = _judge(one)
        hit = [site for site in sites if effect and not own & _given(site)]
        if hit:
            yield tell_surrounding(one, "lighttpd", effect, remedy, hit, len(hit) == len(sites))


def _judge(one: Surrounding) -> Tuple[str, str, Set[str]]:
    """Returns the effect, empty for none, what helps, and which values of a site stand in its place."""
    key, *values = one.words
    if key == _VERIFY and is_enabled(values[0] if values else None):
        effect = "visitors of {} are asked for a client certificate, which these sites do not want"
        return effect, f"write '{_VERIFY} = \"disable\"' into the directives of a site that it is not for", {key}
    if key == "auth.require" and {"", "/"} & set(values):
        effect = "visitors of {} are asked for a password, as is a CA that looks for the proof of their names"
        return effect, f"write '{key} = ()' into the directives of a site that it is not for", {key}
    if key == "url.access-deny" and "" in values:
        who = "some visitors are" if one.within else "everybody is"
        return f"{who} kept out of {{}}", f"write '{key} = ()' into the directives of a site that it is not for", {key}
    return "", "", set()


def _given(site: Site) -> Set[str]:
    """The keys of what a site sets itself, by its options or its lines."""
    found = {line.split("=")[0].strip(" \t+:") for line in site.directives}
    found |= {"auth.require"} if site.users_file else set()
    return found | ({_VERIFY} if site.client_verification != "none" else set())

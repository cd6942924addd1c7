# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what of Apache's server level stands against what sites of ours are for: who is kept out, and what is refused.

Virtual hosts inherit what stands outside of them. ``<Location "/">`` with ``Require`` in a site replaces one outside,
as AuthMerging is off unless it is set (mod_authz_core).
"""

from __future__ import annotations

import re
from typing import Iterator, List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import split_lines, split_words
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site, Surrounding
from ansible_collections.port443.https.plugins.module_utils._webservers.surroundings import tell_surrounding

# What SSL_CONF_cmd takes after SSLProtocol and SSLCipherSuite (SSL_CONF_cmd(3)).
_OVERRULING = ("protocol", "minprotocol", "maxprotocol", "cipherstring")
_KEPT_OUT = "only some visitors reach {}, and a CA that looks for the proof of their names may not"


def tell_surroundings(sites: Sequence[Site], around: Sequence[Surrounding]) -> Iterator[str]:
    """Yields which directives outside of virtual hosts take something from sites, one sentence each."""
    for one in around:
        effect, remedy, own = _judge(one)
        hit = [site for site in sites if effect and _is_for(one, site) and not own & _given(site)]
        if hit:
            yield tell_surrounding(one, "Apache", effect, remedy, hit, len(hit) == len(sites))


def _judge(one: Surrounding) -> Tuple[str, str, Set[str]]:
    """Returns the effect, empty for none, what helps, and which directives of a site stand in its place."""
    name, rest = one.words[0], [word.lower() for word in one.words[1:]]
    if name == "sslverifyclient" and rest[:1] != ["none"]:
        effect = "visitors of {} are asked for a client certificate, which these sites do not want"
        return effect, "write 'SSLVerifyClient none' into the directives of a site that it is not for", {name}
    if name == "sslopensslconfcmd" and rest[:1] and rest[0] in _OVERRULING:
        effect = "versions or ciphers of TLS are not those of the profile at {}"
        return effect, f"give these sites an 'SSLOpenSSLConfCmd {one.words[1]}' of their own", {f"{name} {rest[0]}"}
    if one.within and _keeps_out(name, rest):
        remedy = "write a Location of '/' that requires what it should into the directives of a site that it is not for"
        return _KEPT_OUT, remedy, {"location /", "users"}
    return "", "", set()


def _keeps_out(name: str, rest: Sequence[str]) -> bool:
    """A refusal of some alone, such as ``Require not ip``, is a ban, and not told."""
    if name == "require":
        return list(rest) != ["all", "granted"] and rest[:1] != ["not"]
    return name == "deny" and list(rest) == ["from", "all"]


def _is_for(one: Surrounding, site: Site) -> bool:
    """Tells whether the section around a directive is for all requests of a site, or for one of its locations."""
    if not one.within:
        return True
    kind, words = one.within[0], one.within[1:]
    regular = kind.endswith("match") or words[:1] == ("~",)
    pattern = words[-1] if words else ""
    if kind in ("location", "locationmatch"):
        paths = ["/", *(location.path for location in site.locations)]
        return any(_fits(pattern, path) if regular else _is_below(path, pattern) for path in paths)
    if kind in ("proxy", "proxymatch"):
        urls = [*site.backends, *(url for location in site.locations for url in location.backends)]
        return any(_fits(pattern, url) if regular else _globs(pattern, url) for url in urls)
    return kind == "if"


def _is_below(path: str, prefix: str) -> bool:
    """As core's location walk: a star stands for no slash, so that only one of all paths is taken for a pattern."""
    bare = prefix.rstrip("/")
    return prefix in ("/*", "*") or path == bare or path.startswith(bare + "/")


def _globs(pattern: str, url: str) -> bool:
    """A proxy's section is for the URLs that begin with its words; a star is for all."""
    return pattern == "*" or url.startswith(pattern.rstrip("*"))


def _fits(pattern: str, text: str) -> bool:
    """An expression that Python does not know is taken not to fit: PCRE has more."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _given(site: Site) -> Set[str]:
    """What a site says itself: its directives, its sections for all paths, and that it has users."""
    found: List[str] = ["users"] if site.users_file else []
    found += ["sslverifyclient"] if site.client_verification != "none" else []
    for line in split_lines("\n".join(site.directives)):
        words = [word.lower() for word in split_words(line.strip("<>") if line.startswith("<") else line)]
        found += [words[0], " ".join(words[:2])] if words else []
    return set(found)

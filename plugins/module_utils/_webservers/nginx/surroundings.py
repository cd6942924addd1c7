# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what of nginx' http level stands against what sites of ours are for: who is kept out, and what is refused."""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import parse_directives
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site, Surrounding
from ansible_collections.port443.https.plugins.module_utils._webservers.surroundings import tell_surrounding

Words = Tuple[str, ...]


class _Kind(NamedTuple):
    """What a directive does to sites that inherit it: whether it does, the effect, what a site says against it.

    A site that has one of ``own`` among its directives inherits nothing of it. What is ``fatal`` leaves nothing to
    serve.
    """

    counts: Callable[[Words], bool]
    effect: str
    remedy: str
    own: Set[str]
    fatal: bool = False


_EVERYBODY = ("all", "0.0.0.0/0", "::/0")
# What SSL_CONF_cmd takes after ssl_protocols and ssl_ciphers (SSL_CONF_cmd(3)).
_OVERRULING = ("protocol", "minprotocol", "maxprotocol", "cipherstring")
_SAY = "write '{};' into the directives of a site that it is not for"


def _is_on(words: Words) -> bool:
    return words[1:2] != ("off",)


_KINDS: Dict[str, _Kind] = {
    "ssl_verify_client": _Kind(
        _is_on,
        "visitors of {} are asked for a client certificate, which these sites do not want",
        _SAY.format("ssl_verify_client off"),
        {"ssl_verify_client"},
    ),
    "ssl_reject_handshake": _Kind(
        _is_on,
        "every handshake with {} is refused",
        _SAY.format("ssl_reject_handshake off"),
        {"ssl_reject_handshake"},
        True,
    ),
    "ssl_conf_command": _Kind(
        lambda words: len(words) > 1 and words[1].lower() in _OVERRULING,
        "versions or ciphers of TLS are not those of the profile at {}",
        "give these sites an ssl_conf_command of their own",
        {"ssl_conf_command"},
    ),
    "deny": _Kind(
        lambda words: words[-1] in _EVERYBODY,
        "only visitors that are let in before it reach {}, and a CA that looks for the proof of their names may not",
        _SAY.format("allow all"),
        {"allow", "deny"},
    ),
    "auth_basic": _Kind(
        _is_on,
        "visitors of {} are asked for a password, as is a CA that looks for the proof of their names",
        _SAY.format("auth_basic off"),
        {"auth_basic"},
    ),
    "auth_request": _Kind(
        _is_on,
        "another request decides who reaches {}, which a CA that looks for the proof of their names may not",
        _SAY.format("auth_request off"),
        {"auth_request"},
    ),
}


def tell_surroundings(sites: Sequence[Site], around: Sequence[Surrounding], fatal: bool = False) -> Iterator[str]:
    """Yields which directives of the http level take something from sites, or if ``fatal`` all of it, a sentence each.

    Of a kind the last one counts that nginx inherits as a whole, all of deny and allow up to one for everybody.
    """
    given = [(site, _given(site)) for site in sites]
    for one in _effective(around):
        kind = _KINDS[one.words[0]]
        hit = [site for site, own in given if not own & kind.own]
        if hit and kind.fatal == fatal:
            yield tell_surrounding(one, "nginx", kind.effect, kind.remedy, hit, len(hit) == len(sites))


def _effective(around: Sequence[Surrounding]) -> List[Surrounding]:
    found: Dict[str, Surrounding] = {}
    let_in = False
    for one in around:
        name = one.words[0]
        let_in = let_in or (name == "allow" and one.words[-1] in _EVERYBODY)
        if name in _KINDS and _KINDS[name].counts(one.words) and not (name == "deny" and let_in):
            found[name] = one
    return list(found.values())


def _given(site: Site) -> Set[str]:
    """The names of what a site says itself, by its options or its lines."""
    own = {one.words[0] for one in parse_directives("\n".join(site.directives))}
    own |= {"auth_basic"} if site.users_file else set()
    return own | ({"ssl_verify_client"} if site.client_verification != "none" else set())

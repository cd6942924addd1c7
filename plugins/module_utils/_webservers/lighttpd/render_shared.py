# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the file that all sites share, for lighttpd: modules, sockets with their TLS, and who has no site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import quote
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.read_blocks import Value, is_enabled
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.regex import write_name
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_places import (
    render_block,
    render_challenges,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_site import (
    EXACT,
    KNOWN,
    NEUTRAL,
    assemble,
    write_trusted,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, ServerSettings
from ansible_collections.port443.https.plugins.module_utils._webservers.tls_profile import CIPHERS, PROTOCOLS, groups

# No path ends in two slashes, of which lighttpd makes one.
_NOTHING = 'url.access-allow = ("//")'
_FLAG, _OFF = "server.h2proto", "disable"


@dataclass(frozen=True)
class SharedNeeds:
    """What all sites of ours need together.

    ``names`` are those of all sites, ``pair`` the paths of the certificate and its key that are shown to clients who
    say none of them. ``secure`` and ``plain`` are sockets that nobody else opens. ``open_default`` tells that a site of
    ours answers to names that no site has. ``neutral`` are options of NEUTRAL that somebody else has set for all names;
    ``has_modules`` and ``flags`` are what an administrator has set of server.modules and server.feature-flags.
    """

    names: Tuple[str, ...]
    pair: Tuple[str, str]
    secure: Tuple[Tuple[str, int], ...]
    plain: Tuple[Tuple[str, int], ...]
    open_default: bool
    neutral: FrozenSet[str] = frozenset()
    has_modules: bool = True
    flags: Optional[Value] = None


def render_shared(needs: SharedNeeds, settings: ServerSettings, build: Build) -> str:
    """Returns the text of the shared file."""
    exact = [write_name(name) for name in needs.names if not name.startswith("*.")]
    known = [write_name(name) for name in needs.names]
    refuses = settings.unknown_names == "refuse" and not needs.open_default
    proxy = _render_proxy(settings)
    secure = [*_render_tls(needs, settings, build), *proxy, *(_refuse(needs, []) if refuses else [])]
    challenges = render_block(*render_challenges(settings.acme_root, False))
    plain = [*proxy, *(_refuse(needs, challenges) if refuses else [])]
    return assemble(
        _render_modules(needs.has_modules, settings),
        _render_http2(needs.flags, settings),
        [f"{EXACT} = {quote('|'.join(exact))}", f"{KNOWN} = {quote('|'.join(known))}"],
        *(_render_socket(socket, secure) for socket in needs.secure),
        *(_render_socket(socket, plain) for socket in needs.plain),
        settings.http_directives,
    )


def find_flag(flags: Optional[Value]) -> Optional[bool]:
    """Returns what an administrator has said of HTTP/2, None where that is nothing."""
    return is_enabled(dict(flags).get(_FLAG)) if isinstance(flags, tuple) else None


def write_socket(socket: Tuple[str, int]) -> str:
    """Returns a socket, all of IPv4 or all of IPv6, as a condition names it."""
    return f"[{socket[0]}]:{socket[1]}" if socket[0] else f"0.0.0.0:{socket[1]}"


def refuses_on(socket: Tuple[str, int], text: str) -> bool:
    """Tells whether a shared file refuses names that no site has on a socket."""
    _before, _opening, after = text.partition(f'$SERVER["socket"] == {quote(write_socket(socket))} {{\n')
    return f"    {_NOTHING}\n" in after.partition("\n}\n")[0] + "\n"


def _render_socket(socket: Tuple[str, int], lines: Sequence[str]) -> List[str]:
    return render_block(f'$SERVER["socket"] == {quote(write_socket(socket))}', lines)


def _render_modules(has_modules: bool, settings: ServerSettings) -> List[str]:
    """mod_setenv comes before what answers by itself, such as a redirect, or that would go without its headers."""
    first = '("mod_openssl", "mod_setenv")'
    last = ["mod_access", "mod_redirect", *(["mod_extforward"] if settings.proxy_protocol else [])]
    return [
        f"server.modules := {first} + server.modules" if has_modules else f"server.modules = {first}",
        f"server.modules += ({', '.join(map(quote, last))})",
    ]


def _render_http2(flags: Optional[Value], settings: ServerSettings) -> List[str]:
    """HTTP/2 is on unless a flag of the whole server says no; one that is there is replaced together with all flags."""
    if settings.http2 or find_flag(flags) is False:
        return []
    if find_flag(flags) is None:
        return [f'server.feature-flags += ("{_FLAG}" => "disable")']
    given = flags if isinstance(flags, tuple) else ()
    others = [f"{quote(key)} => {quote(value)}" for key, value in given if key != _FLAG and isinstance(value, str)]
    return [f"server.feature-flags := ({', '.join([*others, f'{quote(_FLAG)} => {quote(_OFF)}'])})"]


def _render_tls(needs: SharedNeeds, settings: ServerSettings, build: Build) -> List[str]:
    commands = [("MinProtocol", PROTOCOLS[settings.profile][0])]
    commands += [("CipherString", ":".join(CIPHERS))] if settings.profile == "intermediate" else []
    commands += [("Groups", ":".join(groups(build.openssl))), ("Options", "-ServerPreference")]
    certificate, key = needs.pair
    return [
        'ssl.engine = "enable"',
        f"ssl.pemfile = {quote(certificate)}",
        f"ssl.privkey = {quote(key)}",
        "ssl.openssl.ssl-conf-cmd = (",
        *(f"    {quote(name)} => {quote(value)}," for name, value in commands),
        ")",
    ]


def _render_proxy(settings: ServerSettings) -> List[str]:
    """Of a connection that is no balancer's lighttpd takes no PROXY line; headers about the visitor say nothing."""
    if not settings.proxy_protocol:
        return []
    return [
        'extforward.hap-PROXY = "enable"',
        f"extforward.forwarder = ({write_trusted(settings)})",
        "extforward.headers = ()",
    ]


def _refuse(needs: SharedNeeds, challenges: Sequence[str]) -> List[str]:
    """What answers to names that no site has, and to bare addresses: 403, but for ``challenges``.

    A site takes that back for its names: an expression for the names of all sites would be too large for PCRE some day.
    """
    lines = ['server.tag = ""', *(f"{key} = {NEUTRAL[key]}" for key in sorted(needs.neutral))]
    return [*lines, *([*challenges, *render_block("else", [_NOTHING])] if challenges else [_NOTHING])]

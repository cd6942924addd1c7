# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads nginx's configuration as nginx does: servers, their certificates, listen directives.

The files are read here rather than by ``nginx -T``, because that makes the pid file and the logs where they are
missing, and says nothing at all as long as a certificate of the configuration is missing (seen with nginx 1.22.1).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Match, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    FindTexts,
    Listen,
    ReadFiles,
    Server,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteConfiguration, Surrounding

INCLUDE_DEPTH = 20

Socket = Tuple[str, int]
# Is it one of ;{}, the text, and the line where it stands.
Token = Tuple[bool, str, int]

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[;{}])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>(?:\\.|\$\{[^}]*\}|[^\s;{}\\])+)""",
    re.DOTALL,
)

_ESCAPED = re.compile(r"""\\(["'\\trn])""")

_LUA = re.compile(
    r"""--\[(?P<long>=*)\[.*?\](?P=long)\]|--[^\n]*|\[(?P<level>=*)\[.*?\](?P=level)\]"""
    r"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}]""",
    re.DOTALL,
)


@dataclass(frozen=True)
class Directive:
    """One directive: its name with its arguments, and what its block holds, None where it has none.

    ``place`` is its file and line, for messages.
    """

    words: Tuple[str, ...]
    block: Optional[Tuple[Directive, ...]] = None
    place: str = field(default="", compare=False)


def read_configuration(main: str, find: FindTexts) -> SiteConfiguration:
    """Returns the configuration whose main file is ``main``; raises HostError where it cannot be understood.

    nginx.org/en/docs/http/ngx_http_core_module.html#listen and ngx_http_ssl_module.html are the reference.
    """
    folder = posixpath.dirname(main)
    directives = _load(main, folder, find, 0)
    servers: List[Server] = []
    defaults: Set[Socket] = set()
    quic: Set[Socket] = set()
    protocols: Dict[Socket, Directive] = {}
    around: List[Surrounding] = []
    for context in directives:
        if context.words[0] in ("http", "stream") and context.block is not None:
            servers += _read_context(context.block, folder)
            defaults |= find_sockets(context.block, "default_server")
            protocols.update(_read_protocols(context.block))
            quic |= find_sockets(context.block, "reuseport", quic=True)
        if context.words[0] == "http":
            around += [Surrounding(one.words, one.place) for one in context.block or () if one.block is None]
    pids = [directive.words[1] for directive in directives if directive.words[0] == "pid" and len(directive.words) > 1]
    return SiteConfiguration(
        servers=_share_sockets(servers),
        listening=frozenset((one.address, one.port) for server in servers for one in server.listens),
        defaults=frozenset(defaults),
        quic=frozenset(quic),
        pid=pids[-1] if pids else None,
        protocols=tuple((socket, one.words[1:], one.place) for socket, one in sorted(protocols.items())),
        around=tuple(around),
    )


def load_directives(main: str, read: ReadFiles) -> Tuple[Directive, ...]:
    """Returns the directives of a main file, those of the files that it includes in their places."""
    return _load(main, posixpath.dirname(main), without_names(read), 0)


def parse_directives(text: str) -> Tuple[Directive, ...]:
    """Returns the directives of a text without looking at what it includes; raises HostError where it is torn."""
    depth, complete = 0, True
    for is_mark, mark, _line in _tokens(text, "text"):
        complete = is_mark
        depth += {"{": 1, "}": -1}.get(mark, 0) if is_mark else 0
        if depth < 0:
            break
    if depth or not complete:
        raise HostError("a brace has no partner" if depth else "the last directive has no ';' at its end")
    return tuple(_parse(_tokens(text, "text"), "text", "/", None, 0))


def read_servers(directives: Sequence[Directive]) -> Tuple[Server, ...]:
    """Returns the servers of an http block's directives, or of a file that stands in one."""
    return _share_sockets(tuple(_read_context(directives, "/")))


def find_sockets(directives: Sequence[Directive], word: str, quic: bool = False) -> Set[Socket]:
    """Returns the sockets, TCP's or with ``quic`` those of UDP, of which a server's listen directive has the word."""
    found: Set[Socket] = set()
    for server in directives:
        for part in server.block or () if server.words[0] == "server" else ():
            if part.words[0] == "listen" and word in part.words and ("quic" in part.words) == quic:
                listen = _read_listen([one for one in part.words[1:] if one != "quic"], False)
                found |= {(listen.address, listen.port)} if listen is not None else set()
    return found


def _read_protocols(directives: Sequence[Directive]) -> Iterator[Tuple[Socket, Directive]]:
    """Yields what default servers say of ssl_protocols, for themselves or by what is around them."""
    around = [one for one in directives if one.words[0] == "ssl_protocols"]
    for server in directives:
        if server.words[0] == "server" and server.block is not None:
            said = [*around, *(one for one in server.block if one.words[0] == "ssl_protocols")]
            for socket in find_sockets((server,), "default_server") if said else ():
                yield socket, said[-1]


def matches(server_name: str, name: str) -> bool:
    """Tells whether a ``server_name`` of nginx, regular expressions aside, stands for a host name."""
    if server_name.startswith("."):
        return name == server_name[1:] or name.endswith(server_name)
    if server_name.startswith("*."):
        return name.endswith(server_name[1:])
    if server_name.endswith(".*"):
        return name.startswith(server_name[:-1])
    return name == server_name


def _load(pattern: str, folder: str, find: FindTexts, depth: int) -> Tuple[Directive, ...]:
    if depth > INCLUDE_DEPTH:
        raise HostError(f"nginx's configuration includes itself: {pattern}")
    directives: List[Directive] = []
    for path, text in find(pattern):
        directives += _parse(_tokens(text, path), path, folder, find, depth)
    return tuple(directives)


def _parse(
    tokens: Iterator[Token], source: str, folder: str, find: Optional[FindTexts], depth: int
) -> Iterator[Directive]:
    """Yields the directives up to the end of the block or file."""
    words: List[str] = []
    place = ""
    for is_mark, text, line in tokens:
        if not is_mark:
            place = place if words else f"{source} line {line}"
            words.append(text)
        elif text == "}":
            return
        elif not words:
            raise HostError(f"nginx's configuration {source} has a '{text}' without a directive")
        elif text == "{":
            yield Directive(tuple(words), tuple(_parse(tokens, source, folder, find, depth)), place)
            words = []
        else:
            if words[0] == "include" and len(words) == 2 and find is not None:
                yield from _load(posixpath.join(folder, words[1]), folder, find, depth + 1)
            else:
                yield Directive(tuple(words), None, place)
            words = []


def _tokens(text: str, source: str) -> Iterator[Token]:
    at, first, line = 0, "", 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise HostError(f"nginx's configuration {source} cannot be read after its first {at} characters")
        begin, at = at, found.end()
        kind = found.lastgroup
        if kind is not None:
            part = found.group(kind)
            if part == "{" and kind == "mark" and first.endswith("_by_lua_block"):
                at = _after_lua(text, at)  # another language between the braces
                part = ";"
            yield kind == "mark", part if kind == "mark" else _ESCAPED.sub(_unescape, part), line
            first = "" if kind == "mark" else first or part
        line += text.count("\n", begin, at)


def _unescape(found: Match[str]) -> str:
    """What nginx makes of a backslash with a letter after it; with any other letter than these, both stay."""
    return {"t": "\t", "r": "\r", "n": "\n"}.get(found.group(1), found.group(1))


def _after_lua(text: str, at: int) -> int:
    """Returns where a block ends; braces in Lua's strings and comments do not count (lua.org/manual/5.1, 2.1)."""
    depth = 1
    while depth:
        found = _LUA.search(text, at)
        if found is None:
            return len(text)
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        at = found.end()
    return at


def _read_context(directives: Sequence[Directive], folder: str) -> Iterator[Server]:
    inherited, staples = _certificates(directives, folder), _staples(directives, False)
    for directive in directives:
        if directive.words[0] != "server" or directive.block is None:
            continue
        block = directive.block
        names = [name.lower() for part in block if part.words[0] == "server_name" for name in part.words[1:]]
        all_tls = any(part.words == ("ssl", "on") for part in block)
        listens = [_read_listen(part.words[1:], all_tls) for part in block if part.words[0] == "listen"]
        certificates = _certificates(block, folder) or inherited
        sockets = tuple(listen for listen in listens if listen is not None)
        yield Server(tuple(names), sockets, certificates, _staples(block, staples))


def _staples(directives: Sequence[Directive], inherited: bool) -> bool:
    said = [directive.words[1:] == ("on",) for directive in directives if directive.words[0] == "ssl_stapling"]
    return said[-1] if said else inherited


def _certificates(directives: Sequence[Directive], folder: str) -> Tuple[str, ...]:
    return tuple(
        posixpath.join(folder, directive.words[1])
        for directive in directives
        if directive.words[0] == "ssl_certificate" and len(directive.words) == 2
    )


def _read_listen(words: Sequence[str], all_tls: bool) -> Optional[Listen]:
    """Returns None for what no TCP client reaches: a Unix socket, QUIC, a UDP stream."""
    if not words or words[0].startswith("unix:") or "quic" in words or "udp" in words:
        return None
    where = re.fullmatch(r"(?:(\[[^]]*\]|[^:\[]*):)?([0-9]+)(?:-[0-9]+)?|(\[[^]]*\]|[^:\[]+)", words[0])
    if where is None:
        return None
    address, port, alone = where.groups()
    host = (address or alone or "").strip("[]")
    return Listen(
        "" if host in ("*", "0.0.0.0") else host,  # noqa: S104
        int(port or 80),
        tls=all_tls or "ssl" in words,
        proxy="proxy_protocol" in words,
    )


def _share_sockets(servers: Sequence[Server]) -> Tuple[Server, ...]:
    """A socket is set up once, whichever of the servers on it says how."""
    tls: Set[Tuple[str, int]] = set()
    proxy: Set[Tuple[str, int]] = set()
    for server in servers:
        tls |= {(listen.address, listen.port) for listen in server.listens if listen.tls}
        proxy |= {(listen.address, listen.port) for listen in server.listens if listen.proxy}
    return tuple(
        Server(
            server.names,
            tuple(
                Listen(one.address, one.port, (one.address, one.port) in tls, (one.address, one.port) in proxy)
                for one in server.listens
            ),
            server.certificates,
            server.staples,
        )
        for server in servers
    )

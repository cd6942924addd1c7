# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads lighttpd's configuration as far as sites go: names, sockets, and the certificates that are shown there.

The reference is src/network.c and src/mod_openssl.c, lighttpd 1.4.69.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import FindTexts, Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd import regex
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.read_blocks import (
    Block,
    BlockCondition,
    Value,
    is_enabled,
    read_blocks,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteConfiguration, Surrounding

HOST = "HTTP host"
SOCKET = "SERVER socket"
_SCHEME = "HTTP scheme"
_OF_VISITORS = ("HTTP remoteip", "HTTP remote-ip")
# Stands before an expression that is kept in the place of names.
EXPRESSION = "~"


@dataclass(frozen=True)
class _Socket:
    """A socket, whose ``block`` is the one that sets it up."""

    listen: Listen
    block: Block

    def certificates(self, folder: str) -> Tuple[str, ...]:
        return _certificates(self.block, folder) if self.listen.tls else ()


def read_configuration(main: str, find: FindTexts) -> SiteConfiguration:
    """Returns the configuration whose main file is ``main``; raises HostError where it cannot be understood."""
    return describe(read_blocks(main, find), posixpath.dirname(main))


def describe(blocks: Sequence[Block], folder: str) -> SiteConfiguration:
    """Returns what blocks say of sites; relative paths are from ``folder``."""
    sockets = _read_sockets(blocks)
    servers = [
        Server((), (one.listen,), one.certificates(folder), bool(one.block.text("ssl.stapling-file")))
        for one in sockets
    ]
    for block in blocks:
        servers += _read_servers(block, sockets, folder)
    return SiteConfiguration(
        servers=tuple(servers),
        listening=frozenset(opened for one in sockets for opened in _opened(one)),
        defaults=frozenset((one.listen.address, one.listen.port) for one in sockets),
        modules=frozenset(list_texts(blocks[0].find("server.modules"))),
        pid=blocks[0].text("server.pid-file") or None,
        around=tuple(one for block in blocks for one in _find_surroundings(block)),
    )


def _find_surroundings(block: Block) -> Iterator[Surrounding]:
    """Yields the values of a block that holds for every name, all addresses or some, with the texts of a list."""
    if all(one.variable in _OF_VISITORS for one in block.conditions):
        within = tuple(f'{one.variable} {one.operator} "{one.text}"' for one in block.conditions)
        for key, value in block.values.items():
            texts = (value,) if isinstance(value, str) else tuple(map(_show, value))
            yield Surrounding((key, *texts), block.places.get(key, ""), within)


def _show(pair: Tuple[str, Value]) -> str:
    """A text of a list, or the key of what is no text."""
    key, value = pair
    return value if isinstance(value, str) and not key else key


def list_texts(value: Optional[Value]) -> Tuple[str, ...]:
    """Returns the strings of a list, none of what is no list."""
    return tuple(text for _key, text in value if isinstance(text, str)) if isinstance(value, tuple) else ()


def matches(server_name: str, name: str) -> bool:
    """Tells whether a name of a server, a wildcard or an expression, stands for a host name."""
    if server_name.startswith(EXPRESSION):
        return regex.fits(server_name[1:], name)
    if server_name.startswith("*."):
        return name.endswith(server_name[1:])
    return name == server_name


def is_for_names(condition: BlockCondition) -> bool:
    """Tells whether a condition is for whole host names; others, such as ``^www\\.``, are for what all sites have."""
    names = _read_names(condition) if condition.variable == HOST else ()
    return bool(names) and not any(is_open(name) for name in names)


def is_open(server_name: str) -> bool:
    """Tells whether a name of a server is an expression that is not for whole names."""
    return server_name.startswith(EXPRESSION) and not (
        server_name.startswith(f"{EXPRESSION}^") and server_name.endswith("$")
    )


def read_socket(written: str, port: int) -> Optional[Tuple[str, int]]:
    """Returns the socket that a text stands for, None for one of Unix; ``port`` is that of one that says none."""
    if written.startswith(("/", "\\")):
        return None
    found = re.fullmatch(r"(\[[^]]*\]|[^\[:]*)(?::([0-9]+))?", written)
    if found is None:
        return None
    host = found.group(1)
    if host in ("", "*", "0.0.0.0"):  # noqa: S104
        host = ""
    elif host in ("[]", "[::]"):
        host = "::"
    return host.strip("[]"), int(found.group(2) or port)


def _read_sockets(blocks: Sequence[Block]) -> Tuple[_Socket, ...]:
    """One address is opened once, by the first condition for it, or else by what holds everywhere."""
    everywhere = blocks[0]
    tls = is_enabled(everywhere.find("ssl.engine"))
    written = everywhere.text("server.port")
    port = int(written) if written.isdigit() else (443 if tls else 80)
    found: Dict[Tuple[str, int], _Socket] = {}
    for block in blocks:
        last = block.conditions[-1] if block.conditions else BlockCondition("", "", "")
        if last.variable == SOCKET and last.operator == "==":
            _add_socket(found, read_socket(last.text, port), block)
    _add_socket(found, read_socket(f"{everywhere.text('server.bind')}:{port}", port), everywhere)
    return tuple(sorted(found.values(), key=lambda socket: bool(socket.block.conditions)))


def _add_socket(found: Dict[Tuple[str, int], _Socket], socket: Optional[Tuple[str, int]], block: Block) -> None:
    if socket is not None and socket not in found:
        tls = is_enabled(block.find("ssl.engine")) or False
        trusted = block.find("extforward.forwarder")
        proxy = bool(trusted) and bool(is_enabled(block.find("extforward.hap-PROXY")))
        found[socket] = _Socket(Listen(*socket, tls, proxy, _read_balancers(trusted) if proxy else ()), block)


def _read_balancers(trusted: Optional[Value]) -> Tuple[str, ...]:
    """The networks of which alone a PROXY line is taken, none where it is taken of everybody."""
    words = {network: word for network, word in trusted if word} if isinstance(trusted, tuple) else {}
    if words.get("all") == "trust":
        return ()
    return tuple(network for network in words if re.fullmatch(r"[0-9a-fA-F.:]+(?:/[0-9]+)?", network))


def _opened(socket: _Socket) -> Iterator[Tuple[str, int]]:
    """An IPv6 socket takes IPv4's connections as well where it is told so."""
    yield socket.listen.address, socket.listen.port
    both = is_enabled(socket.block.find("server.v4mapped"))
    if socket.listen.address == "::" and (both or (both is None and _is_shared(socket.block))):
        yield "", socket.listen.port


def _is_shared(block: Block) -> bool:
    return is_enabled(block.find("server.set-v6only")) is False


def _certificates(block: Block, folder: str) -> Tuple[str, ...]:
    written = block.text("ssl.pemfile")
    return (posixpath.join(folder, written),) if written else ()


def _read_servers(block: Block, sockets: Sequence[_Socket], folder: str) -> Iterator[Server]:
    """Yields a block for host names as servers, one for each certificate that it shows on its sockets."""
    last = next((one for one in reversed(block.conditions) if one.variable == HOST), None)
    if last is None or (block.conditions[-1] is not last and "ssl.pemfile" not in block.values):
        return
    names = _read_names(last)
    own = _own_certificates(block, folder)
    if not own and all(map(is_open, names)):
        return
    shown: Dict[Tuple[str, ...], List[Listen]] = {}
    for socket in sockets:
        if _reaches(block, socket.listen):
            listens = shown.setdefault((own if socket.listen.tls else ()) or socket.certificates(folder), [])
            listens.append(socket.listen)
    for certificates, listens in shown.items():
        yield Server(names, tuple(listens), certificates, bool(block.text("ssl.stapling-file")))


def _own_certificates(block: Block, folder: str) -> Tuple[str, ...]:
    """The certificate that a block sets, or one for host names around it."""
    current: Optional[Block] = block
    while current is not None and any(one.variable == HOST for one in current.conditions):
        if "ssl.pemfile" in current.values:
            return _certificates(current, folder)
        current = current.parent
    return ()


def _read_names(condition: BlockCondition) -> Tuple[str, ...]:
    """The names that a condition on the Host is for, none where it is for all but some."""
    text = condition.text.lower() if condition.operator != "=~" else condition.text
    if condition.operator == "==":
        return (re.sub(r":[0-9]{1,5}\Z", "", text).strip("[]"),)
    if condition.operator == "=$":
        return (f"*{text}",) if text.startswith(".") else (f"{EXPRESSION}{regex.escape(text)}$",)
    if condition.operator == "=^":
        return (f"{EXPRESSION}^{regex.escape(text)}",)
    if condition.operator == "=~":
        names = regex.read_names(text)
        return (f"{EXPRESSION}{text}",) if names is None else names
    return ()


def _reaches(block: Block, listen: Listen) -> bool:
    """Whether the conditions of a block can hold on a socket."""
    written = f"{'[::]' if listen.address == '::' else listen.address or '0.0.0.0'}:{listen.port}"  # noqa: S104
    scheme = "https" if listen.tls else "http"
    for one in block.conditions:
        if one.variable == SOCKET and one.operator in ("==", "!="):
            same = read_socket(one.text, listen.port) == (listen.address, listen.port)
            if same != (one.operator == "=="):
                return False
        elif one.variable == SOCKET and regex.fits(one.text, written) != (one.operator == "=~"):
            return False
        if one.variable == _SCHEME and (one.text == scheme) != (one.operator == "=="):
            return False
    return True


def sockets_of(port: int, ipv6: bool) -> FrozenSet[Tuple[str, int]]:
    """Returns the sockets of a port, all of IPv4 and all of IPv6."""
    return frozenset((("", port), ("::", port)) if ipv6 else (("", port),))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads HAProxy's configuration as far as certificates and sockets go: its ``bind`` lines."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import Callable, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, ReadFiles, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import Line, walk

# What no TCP client reaches, or what was opened by somebody else.
_OTHER_SOCKETS = (
    "unix@",
    "uxst@",
    "uxdg@",
    "abns@",
    "abnsz@",
    "fd@",
    "sockpair@",
    "rhttp@",
    "udp@",
    "udp4@",
    "udp6@",
    "/",
)
_BINDING = ("frontend", "listen", "peers", "log-forward")
_UPDATES = re.compile(r"\[[^]#]*\bocsp-update\s+on\b[^]]*\]")  # of one certificate in a list, since 2.8
_QUIC = ("quic4@", "quic6@", "quic@")

ListFolder = Callable[[str], Sequence[str]]
Socket = Tuple[str, int]


@dataclass(frozen=True)
class Bind:
    """A ``bind`` line: where it stands, such as ``frontend www``, how its line begins, and its sockets (address, port).

    An address is empty for all of IPv4, ``::`` for all of IPv6.
    """

    section: str
    text: str
    tcp: FrozenSet[Socket] = frozenset()
    quic: FrozenSet[Socket] = frozenset()


@dataclass(frozen=True)
class HaproxyConfiguration:
    """What of a configuration matters for certificates; ``pid`` is the pid file's path, None where it names none.

    ``staples`` tells whether OCSP responses of all certificates are fetched and stapled.
    """

    servers: Tuple[Server, ...]
    pid: Optional[str]
    has_master: bool
    staples: bool = False


def read_configuration(texts: Sequence[str], read: ReadFiles, list_folder: ListFolder) -> HaproxyConfiguration:
    """Returns the configuration that the files' texts make; one server a ``bind``.

    ``list_folder`` returns the paths in a folder, none where there is none.
    """
    base, pid, has_master, staples = "", None, False, False
    servers: List[Server] = []
    stapled: Set[str] = set()
    for line in walk(texts):
        section, words = line.section, line.words
        if section == "global":
            base = words[1] if words[0] == "crt-base" and len(words) > 1 else base
            pid = words[1] if words[0] == "pidfile" and len(words) > 1 else pid
            has_master = has_master or words[0] == "master-worker"
            # docs.haproxy.org/3.0/configuration.html, 3.2: all certificates' responses are fetched and stapled
            staples = staples or words[:2] in (("ocsp-update.mode", "on"), ("tune.ssl.ocsp-update.mode", "on"))
        elif section == "crt-store" and words[0] == "load":
            stapled.update(_read_loaded(words, base))
        elif section in ("frontend", "listen") and words[0] == "bind" and len(words) > 1:
            certificates, names, updated = _read_certificates(words[2:], base, read, list_folder)
            sockets = _read_sockets(words[1], "ssl" in words[2:], "accept-proxy" in words)
            servers.append(Server(names, tuple(sockets), certificates))
            stapled.update(updated)
    told = [
        replace(one, staples=staples or (bool(one.certificates) and stapled.issuperset(one.certificates)))
        for one in servers
    ]
    return HaproxyConfiguration(tuple(told), pid, has_master, staples)


def read_binds(texts: Sequence[str]) -> Tuple[Bind, ...]:
    """Returns all lines that open sockets of TCP or QUIC, those of peers, logs and the stats socket among them."""
    binds: List[Bind] = []
    for line in walk(texts):
        if line.section == "global" and line.words[:2] == ("stats", "socket") and len(line.words) > 2:
            binds.append(_read_bind(line, line.words[2], line.words[3:]))
        elif line.section in _BINDING and line.words[0] == "bind" and len(line.words) > 1:
            binds.append(_read_bind(line, line.words[1], line.words[2:]))
    return tuple(binds)


def matches(server_name: str, name: str) -> bool:
    """Tells whether a server name of a ``crt-list``, wildcard or not, stands for a host name."""
    if server_name.startswith("*."):
        return name.endswith(server_name[1:])
    return name == server_name


def read_command_line(words: Sequence[str]) -> Tuple[str, ...]:
    """Returns the configuration files and folders that a command line of haproxy names (haproxy(1), ``-f``, ``--``)."""
    found = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-f"]
    return tuple(found + list(words[words.index("--") + 1 :] if "--" in words else ()))


def _read_certificates(
    words: Sequence[str], base: str, read: ReadFiles, list_folder: ListFolder
) -> Tuple[Tuple[str, ...], Tuple[str, ...], Tuple[str, ...]]:
    """Returns the files that a bind's ``crt`` and ``crt-list`` name, the names in lists, and what is stapled."""
    files: List[str] = []
    names: List[str] = []
    stapled: List[str] = []
    for keyword, value in zip(words, words[1:]):
        if keyword == "crt":
            path = posixpath.join(base, value)
            files += list_folder(path) or [path]
        elif keyword == "crt-list":
            for line in (line for text in read(value) for line in text.splitlines()):
                parts = re.sub(r"\[[^]]*\]", " ", line.split("#")[0]).split()
                if parts:
                    files.append(posixpath.join(base, parts[0]))
                    names += [name.lower() for name in parts[1:] if not name.startswith("!")]
                    stapled += files[-1:] if _UPDATES.search(line.split("#")[0]) else []
    return tuple(files), tuple(names), tuple(stapled)


def _read_loaded(words: Sequence[str], base: str) -> Iterator[str]:
    """Yields the file that a line of a ``crt-store`` loads, if its OCSP response is fetched (3.0, 12.7)."""
    options = dict(zip(words, words[1:]))
    if options.get("ocsp-update") == "on" and "crt" in options:
        yield posixpath.join(base, options["crt"])


def _read_sockets(written: str, tls: bool, proxy: bool) -> Iterator[Listen]:
    """Yields the sockets to ask; of a range of ports the first, which stands for all of them."""
    for one in written.split(","):
        if not one.startswith((*_OTHER_SOCKETS, *_QUIC)):
            for address, port in list(_read_addresses(one))[:1]:
                yield Listen(address, port, tls, proxy)


def _read_addresses(one: str) -> Iterator[Socket]:
    """Yields the sockets of one address; a range of ports is one of each, docs.haproxy.org/2.6, 4.2, bind."""
    bare = re.sub(r"^(?:ipv4@|ipv6@|tcp@|tcp4@|tcp6@|quic4@|quic6@|quic@)", "", one)
    host, _colon, port = bare.rpartition(":")
    numbers = re.fullmatch("([0-9]+)(?:-([0-9]+))?", port)
    if numbers is None:
        return
    address = host.strip("[]")
    everywhere = address in ("", "*", "0.0.0.0")  # noqa: S104
    if everywhere and one.startswith(("ipv6@", "tcp6@", "quic6@")):
        address, everywhere = "::", False
    first = int(numbers.group(1))
    for number in range(first, min(int(numbers.group(2) or first), 65535) + 1):
        yield ("" if everywhere else address), number


def _read_bind(line: Line, written: str, words: Sequence[str]) -> Bind:
    """An IPv6 socket takes IPv4's connections as well unless it is told not to (ipv6(7), IPV6_V6ONLY)."""
    tcp: List[Socket] = []
    quic: List[Socket] = []
    for one in written.split(","):
        if one.startswith(_OTHER_SOCKETS):
            continue
        of_kind = quic if one.startswith(_QUIC) else tcp
        for address, port in _read_addresses(one):
            of_kind.append((address, port))
            if address == "::" and "v6only" not in words:
                of_kind.append(("", port))
    section = f"{line.section} {line.name}".strip()
    return Bind(section, " ".join(line.words[: 3 if line.section == "global" else 2]), frozenset(tcp), frozenset(quic))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads HAProxy's configuration, as far as certificates and sockets go: the ``bind`` lines."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, ReadFiles, Server

# Keywords that open a section, docs.haproxy.org/2.6/configuration.html, 2.1 (and crt-store of 3.0).
_SECTIONS = frozenset(
    (
        *(
            "global",
            "defaults",
            "frontend",
            "backend",
            "listen",
            "peers",
            "resolvers",
            "mailers",
            "userlist",
            "program",
        ),
        *("http-errors", "ring", "cache", "log-forward", "crt-store", "traces", "fcgi-app"),
    )
)
# What no TCP client reaches, or what was opened by somebody else.
_OTHER_SOCKETS = ("unix@", "abns@", "abnsz@", "fd@", "sockpair@", "quic4@", "quic6@", "udp@", "udp4@", "udp6@", "/")

ListFolder = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class HaproxyConfiguration:
    """What of a configuration matters for certificates; ``pid`` is the pid file's path, None where it names none."""

    servers: Tuple[Server, ...]
    pid: Optional[str]
    has_master: bool


def read_configuration(texts: Sequence[str], read: ReadFiles, list_folder: ListFolder) -> HaproxyConfiguration:
    """Returns the configuration that the files' texts make; one server a ``bind``.

    ``list_folder`` returns the paths in a folder, none where there is none.
    """
    base, pid, has_master, has_updates = "", None, False, False
    servers: List[Server] = []
    for section, words in _lines(texts):
        if section == "global":
            base = words[1] if words[0] == "crt-base" and len(words) > 1 else base
            pid = words[1] if words[0] == "pidfile" and len(words) > 1 else pid
            has_master = has_master or words[0] == "master-worker"
            # docs.haproxy.org/3.0/configuration.html, 3.2: all certificates' responses are fetched and stapled
            has_updates = has_updates or words[:2] in (["ocsp-update.mode", "on"], ["tune.ssl.ocsp-update.mode", "on"])
        elif section in ("frontend", "listen") and words[0] == "bind" and len(words) > 1:
            certificates, names = _read_certificates(words[2:], base, read, list_folder)
            sockets = _read_sockets(words[1], "ssl" in words[2:], "accept-proxy" in words)
            servers.append(Server(names, tuple(sockets), certificates, has_updates))
    return HaproxyConfiguration(tuple(servers), pid, has_master)


def matches(server_name: str, name: str) -> bool:
    """Tells whether a server name of a ``crt-list``, wildcard or not, stands for a host name."""
    if server_name.startswith("*."):
        return name.endswith(server_name[1:])
    return name == server_name


def read_command_line(words: Sequence[str]) -> Tuple[str, ...]:
    """Returns the configuration files and folders that a command line of haproxy names (haproxy(1), ``-f``, ``--``)."""
    found = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-f"]
    return tuple(found + list(words[words.index("--") + 1 :] if "--" in words else ()))


def _lines(texts: Sequence[str]) -> Iterator[Tuple[str, List[str]]]:
    """Yields (section, words) of each line; all branches of conditional blocks, whose lines begin with a dot, count."""
    for text in texts:
        section = ""
        for line in re.sub(r"\\\n", " ", text).splitlines():
            words = _split(line)
            if not words or words[0].startswith("."):
                continue
            if words[0] in _SECTIONS:
                section = words[0]
            elif words[0] == "no":
                continue
            else:
                yield section, words


def _split(line: str) -> List[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a quote that does not end: haproxy refuses that, and says so in its test
        return line.split()


def _read_certificates(
    words: Sequence[str], base: str, read: ReadFiles, list_folder: ListFolder
) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Returns the files that a bind's ``crt`` and ``crt-list`` name, and the names a list restricts them to."""
    files: List[str] = []
    names: List[str] = []
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
    return tuple(files), tuple(names)


def _read_sockets(written: str, tls: bool, proxy: bool) -> Iterator[Listen]:
    for one in written.split(","):
        if one.startswith(_OTHER_SOCKETS):
            continue
        host, _colon, port = re.sub(r"^(?:ipv4@|ipv6@|tcp@|tcp4@|tcp6@)", "", one).rpartition(":")
        number = re.match("[0-9]+", port)
        if number:
            address = host.strip("[]")
            everywhere = address in ("", "*", "0.0.0.0")  # noqa: S104
            yield Listen("" if everywhere else address, int(number.group()), tls, proxy)

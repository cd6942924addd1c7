# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads Apache's configuration as Apache does: virtual hosts, their certificates, Listen directives.

The files are read here rather than by ``apache2ctl -D DUMP_VHOSTS``, because that says nothing at all as long as a
certificate of the configuration is missing (seen with Apache 2.4.68).
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import (
    fill_macro,
    fill_variables,
    meets_version,
    number_lines,
    read_address,
    read_name,
    split_section,
    split_words,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    FindTexts,
    Listen,
    ReadFiles,
    Server,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteConfiguration, Surrounding

INCLUDE_DEPTH = 20

_BUILT_IN = ("core", "http_core", "mod_so", "mod_log_config", "mod_logio", "mod_version", "mod_unixd", "mod_watchdog")

# Sections that say nothing of which requests their lines are for.
_ALL_REQUESTS = ("ifmodule", "ifdefine", "ifversion", "iffile", "macro", "requireall", "requireany", "requirenone")


@dataclass(frozen=True)
class CertificatePaths:
    """A certificate and its key as the configuration names them; ``key`` is the same file where it names none."""

    certificate: str
    key: str


@dataclass(frozen=True)
class ApacheConfiguration:
    """What of a configuration matters for certificates; ``pid`` is the pid file's path, None where it names none."""

    servers: Tuple[Server, ...]
    pairs: Tuple[CertificatePaths, ...]
    pid: Optional[str]


@dataclass
class _Host:
    """A virtual host, or the main server, while it is read."""

    addresses: Tuple[str, ...] = ()
    name: str = ""
    aliases: List[str] = field(default_factory=list)
    certificates: List[str] = field(default_factory=list)
    keys: List[str] = field(default_factory=list)
    engine: Optional[bool] = None
    proxy: Optional[bool] = None
    staples: Optional[bool] = None


def read_configuration(main: str, root: str, variables: Mapping[str, str], read: ReadFiles) -> ApacheConfiguration:
    """Returns the configuration whose main file is ``main``; raises HostError where it cannot be understood.

    ``root`` is the ServerRoot built in, ``variables`` what the environment defines. The reference is
    httpd.apache.org/docs/2.4/mod/core.html and mod_ssl.html.
    """
    reader = _Reader(root, dict(variables), without_names(read))
    reader.load(main, 0)
    pairs = tuple(
        CertificatePaths(certificate, host.keys[number] if number < len(host.keys) else certificate)
        for host in (reader.main, *reader.hosts)
        for number, certificate in enumerate(host.certificates)
    )
    servers = tuple(_finish(host, reader.main, reader.listens) for host in reader.hosts)
    return ApacheConfiguration(servers, pairs, reader.pid)


@dataclass(frozen=True)
class ServerLevel:
    """A configuration as renderers need it; ``said`` are directives outside of virtual hosts, in small letters."""

    configuration: SiteConfiguration
    said: FrozenSet[str]


def read_sites(
    main: str, root: str, variables: Mapping[str, str], find: FindTexts, modules: Sequence[str] = ()
) -> ServerLevel:
    """Returns what read_configuration reads, as data about sites; ``modules`` count as loaded from the first line on.

    A socket is among ``defaults`` where a virtual host has it: its first one is the default.
    """
    reader = _Reader(root, dict(variables), find, modules)
    reader.load(main, 0)
    groups = {
        (address, number)
        for host in reader.hosts
        for written in host.addresses
        for address, port in read_address(written, 0)
        for _listening, number in (reader.listens if port == 0 else [("", port)])
    }
    configuration = SiteConfiguration(
        servers=tuple(_finish(host, reader.main, reader.listens) for host in reader.hosts),
        listening=frozenset(reader.listens),
        defaults=frozenset(groups),
        modules=frozenset(name for name in reader.modules if name.endswith("_module")),
        pid=reader.pid,
        around=tuple(reader.around),
    )
    return ServerLevel(configuration, frozenset(reader.said))


def matches(server_name: str, name: str) -> bool:
    """Tells whether a ServerName or ServerAlias, with its wildcards, stands for a host name."""
    return fnmatch.fnmatchcase(name, server_name.replace("[", "[[]"))


def read_environment(text: str) -> Dict[str, str]:
    """Returns the variables that a shell file such as Debian's ``envvars`` sets, the last value of each."""
    variables: Dict[str, str] = {}
    for name, value in re.findall(r"(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)=(\S*)", text):
        plain = value.strip("\"'")
        variables[name] = re.sub(r"\$\{?(\w+)\}?", lambda found: variables.get(found.group(1), ""), plain)
    return variables


class _Section(NamedTuple):
    """A section that is open: its kind, whether its lines count, and the words after its kind."""

    kind: str
    active: bool
    words: Tuple[str, ...]


class _Reader:
    """Goes through the files in Apache's order; ``Define`` and ``LoadModule`` act on what follows them."""

    def __init__(self, root: str, variables: Dict[str, str], find: FindTexts, modules: Sequence[str] = ()) -> None:
        self._root = root
        self._variables = variables
        self._defined: Set[str] = set()
        self._find = find
        self._sections: List[_Section] = []
        self._place = ""
        self._current: List[_Host] = []
        self._macros: Dict[str, Tuple[List[str], List[str]]] = {}
        self._recorded: Optional[List[str]] = None
        self.modules: Set[str] = {f"{name}.c" for name in _BUILT_IN} | set(modules)
        self.main = _Host()
        self.hosts: List[_Host] = []
        self.listens: List[Tuple[str, int]] = []
        self.pid: Optional[str] = None
        self.said: Set[str] = set()
        self.around: List[Surrounding] = []

    def load(self, pattern: str, depth: int) -> None:
        if depth > INCLUDE_DEPTH:
            raise HostError(f"Apache's configuration includes itself: {pattern}")
        for path, text in self._find(pattern):
            for number, line in number_lines(text):
                self._place = f"{path} line {number}"
                self._take(line, depth)

    def _take(self, line: str, depth: int) -> None:
        if self._recorded is not None and not line.lower().startswith("</macro"):
            self._recorded.append(line)
        elif line.startswith("</"):
            self._recorded = None
            if self._sections and self._sections.pop().kind == "virtualhost" and self._current:
                self._current.pop()
        elif line.startswith("<"):
            kind, words = split_section(line)
            self._open(kind, [self._fill(word) for word in words])
        elif self._is_active():
            words = [self._fill(word) for word in split_words(line)]
            self._obey(words[0].lower(), words[1:], depth)

    def _fill(self, word: str) -> str:
        return fill_variables(word, self._variables)

    def _is_active(self) -> bool:
        return all(section.active for section in self._sections)

    def _open(self, kind: str, rest: List[str]) -> None:
        active = self._is_active()
        self._sections.append(_Section(kind, self._is_met(kind, rest), tuple(rest)))
        if kind == "virtualhost":
            host = _Host(tuple(rest))
            self._current.append(host)
            if active:
                self.hosts.append(host)
        elif kind == "macro":
            self._recorded = []
            if rest and active:
                self._macros[rest[0].lower()] = (rest[1:], self._recorded)

    def _is_met(self, kind: str, rest: List[str]) -> bool:
        """Whether a section's lines count; ``<If>`` and its like are for requests, and hold nothing that is read."""
        wanted = rest[0].lstrip("!") if rest else ""
        negated = bool(rest) and rest[0].startswith("!")
        if kind == "ifmodule":
            return (wanted in self.modules) != negated
        if kind == "ifdefine":
            return (wanted in self._defined) != negated
        if kind == "iffile":
            return bool(self._find(posixpath.join(self._root, wanted))) != negated
        return kind != "ifversion" or meets_version(rest)

    def _obey(self, name: str, rest: List[str], depth: int) -> None:
        host = self._current[-1] if self._current else self.main
        first = rest[0] if rest else ""
        if name in ("include", "includeoptional"):
            path = posixpath.join(self._root, first)
            self.load(path if not path.endswith("/") else path + "*", depth + 1)
        elif name == "use":
            self._use(first.lower(), rest[1:], depth + 1)
        elif name == "define":
            self._defined.add(first)
            self._variables[first] = rest[1] if len(rest) > 1 else self._variables.get(first, "")
        elif name == "undefine":
            self._defined.discard(first)
            self._variables.pop(first, None)
        elif name == "loadmodule" and rest:
            self.modules |= {first, re.sub(r"^(?:lib)?(.*)\.so$", r"\1.c", posixpath.basename(rest[-1]))}
        elif name == "serverroot":
            self._root = first
        elif name == "pidfile":
            self.pid = posixpath.join(self._root, first)
        elif name == "listen":
            self.listens += read_address(first)
        elif name == "servername":
            host.name = read_name(first)
        elif name == "serveralias":
            host.aliases += [alias.strip("[]").lower() for alias in rest]
        else:
            self._obey_host(host, name, rest)

    def _use(self, macro: str, values: List[str], depth: int) -> None:
        if depth > INCLUDE_DEPTH:
            raise HostError(f"Apache's configuration uses a macro within itself: {macro}")
        parameters, lines = self._macros.get(macro, ([], []))
        given = dict(zip(parameters, values))
        for line in lines:
            self._take(fill_macro(line, given), depth)

    def _obey_host(self, host: _Host, name: str, rest: List[str]) -> None:
        first = rest[0] if rest else ""
        if host is self.main:
            self.said.add(name)
            self._surround((name, *rest))
        if name == "sslcertificatefile":
            host.certificates.append(posixpath.join(self._root, first))
        elif name == "sslcertificatekeyfile":
            host.keys.append(posixpath.join(self._root, first))
        elif name == "sslengine":
            host.engine = first.lower() != "off"
        elif name == "sslusestapling":
            host.staples = first.lower() == "on"
        elif name == "remoteipproxyprotocol":
            host.proxy = first.lower() == "on"

    def _surround(self, words: Tuple[str, ...]) -> None:
        """Virtual hosts inherit it, for the requests that the innermost section is for, if it is for paths or hosts."""
        within = next((one for one in reversed(self._sections) if one.kind not in _ALL_REQUESTS), None)
        self.around.append(Surrounding(words, self._place, (within.kind, *within.words) if within else ()))


def _finish(host: _Host, main: _Host, listens: Sequence[Tuple[str, int]]) -> Server:
    """What a virtual host does not say, the main server says for it."""
    engine = main.engine if host.engine is None else host.engine
    proxy = main.proxy if host.proxy is None else host.proxy
    sockets: List[Listen] = []
    for written in host.addresses:
        for address, port in read_address(written, 0):
            for listening, number in listens:
                if port in (0, number) and (not address or not listening or address == listening):
                    sockets.append(Listen(address or listening, number, bool(engine), bool(proxy)))
    staples = main.staples if host.staples is None else host.staples
    certificates = tuple(host.certificates or main.certificates)
    everywhere = any(address == "" for written in host.addresses for address, _port in read_address(written, 0))
    name = host.name or (main.name if everywhere else "")  # as Apache's ap_fini_vhost_config
    return Server((*filter(None, [name]), *host.aliases), tuple(dict.fromkeys(sockets)), certificates, bool(staples))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the existing configuration of lighttpd for rendering: sites of ours that stay, and what others set."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import without_names
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.read_blocks import (
    Block,
    Value,
    read_blocks,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.reader import (
    HOST,
    SOCKET,
    describe,
    is_for_names,
    list_texts,
    matches,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.regex import (
    ANY_HOST,
    read_names,
    write_name,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_shared import find_flag
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_site import (
    EXACT,
    HEADER,
    KNOWN,
    NEUTRAL,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    ConfigFile,
    ServerSettings,
    Site,
    SiteConfiguration,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

ENDING = ".conf"
_MOST_BYTES = 60000


@dataclass(frozen=True)
class OtherBlocks:
    """What the configuration says without ours, beside the sites in it."""

    configuration: SiteConfiguration
    neutral: FrozenSet[str]
    allowed: Tuple[str, ...]
    has_modules: bool
    flags: Optional[Value]


@dataclass(frozen=True)
class KnownSite:
    """A site as far as others depend on it: of one that stays, what its file says."""

    name: str
    names: Tuple[str, ...]
    pair: Tuple[str, str]
    is_default: bool
    client_ca: str
    verifies: bool
    port: int
    http_port: int


def find_own(files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
    """Returns the files of the sites that are there, by their names; the one that all share begins with a dash."""
    found: Dict[str, Tuple[ConfigFile, ...]] = {}
    for entry in files.list_folder(layout.written_to):
        name = entry[len(PREFIX) : -len(ENDING)]
        if entry.startswith(PREFIX) and entry.endswith(ENDING) and name[:1] not in ("", "-"):
            path = f"{layout.written_to}/{entry}"
            found[name] = (ConfigFile(path, text="".join(files.texts(path))),)
    return found


def read_others(files: ConfigurationFiles, layout: SiteLayout) -> OtherBlocks:
    """Returns what is said without our files; raises HostError where it cannot be understood."""

    def read(pattern: str) -> Sequence[str]:
        return [text for text in files.texts(pattern) if not text.startswith(HEADER)]

    blocks = read_blocks(layout.main, without_names(read))
    wide = [block for block in blocks if not any(is_for_names(one) for one in block.conditions)]
    return OtherBlocks(
        describe(blocks, posixpath.dirname(layout.main)),
        frozenset(key for block in wide for key in block.values if key in NEUTRAL),
        list_texts(blocks[0].find("url.access-allow")),
        blocks[0].find("server.modules") is not None,
        blocks[0].find("server.feature-flags"),
    )


def know(site: Site, settings: ServerSettings) -> KnownSite:
    """Returns a site that is given as others see it."""
    verifies = site.client_verification != "none"
    pair = (site.certificate, site.key)
    ca = site.client_ca if verifies else ""
    return KnownSite(site.name, site.names, pair, site.default_server, ca, verifies, settings.port, settings.http_port)


def read_kept(name: str, file: ConfigFile) -> KnownSite:
    """Returns a site that stays as it is; raises HostError where its file is not as ours are."""
    blocks = read_blocks(
        file.path, lambda path: [(path, file.text or "")], {EXACT: "", KNOWN: "", "server.modules": ()}
    )
    hosts = [block for block in blocks if [one.variable for one in block.conditions] == [SOCKET, HOST]]
    secure = next((block for block in hosts if "ssl.pemfile" in block.values), None)
    plain = next((block for block in hosts if block is not secure), None)
    names = read_names(secure.conditions[1].text) if secure else None
    if secure is None or plain is None or names is None:
        raise HostError(f"{file.path} is not as it was written: give the site '{name}' as well, or remove the file")
    pattern = secure.conditions[1].text
    return KnownSite(
        name=name,
        names=names,
        pair=(secure.text("ssl.pemfile"), secure.text("ssl.privkey")),
        is_default=f"){ANY_HOST})" in pattern or f"({ANY_HOST})" in pattern,
        client_ca=secure.text("ssl.verifyclient.ca-file") or secure.text("ssl.ca-file"),
        verifies=bool(secure.text("ssl.verifyclient.activate")),
        port=_read_port(secure),
        http_port=_read_port(plain),
    )


def _read_port(block: Block) -> int:
    found = re.search(r":([0-9]+)\$\Z", block.conditions[0].text)
    return int(found.group(1)) if found else 0


def refuse_mixtures(sites: Sequence[KnownSite], kept: Sequence[KnownSite], others: OtherBlocks, http2: bool) -> None:
    """Raises HostError where sites that are given cannot stand beside those that stay, or what others have set."""
    told = [*_tell_names(sites, kept), *tell_clients([*sites, *kept])]
    first = next((site.name for site in sites if site.is_default), None)
    former = next((site.name for site in kept if site.is_default), None)
    if first and former:
        told.append(
            f"site '{first}' is to be the default server, and '{former}', which is not among those given, is: give "
            "that one as well, without default_server, or remove it"
        )
    told += _tell_size([*sites, *kept])
    if http2 and find_flag(others.flags) is False:
        told.append(
            "server.feature-flags of lighttpd's configuration turns HTTP/2 off: take that away, or set http2 to false"
        )
    if told:
        raise HostError("; ".join(told))


def tell_clients(sites: Sequence[KnownSite]) -> Iterator[str]:
    """Yields what prevents client certificates: lighttpd checks one in the handshake alone.

    A request for site A on a connection, or with a session, that was opened for site B comes with the certificate for
    B, so that all have to be of one CA.
    """
    cas = sorted({site.client_ca for site in sites if site.verifies})
    if len(cas) > 1:
        yield (
            f"the sites have several client CAs ({', '.join(cas)}), and lighttpd would let the clients of one into the "
            "sites of another: give all of them one client_ca, or take nginx, Apache or HAProxy"
        )


def _tell_size(sites: Sequence[KnownSite]) -> Iterator[str]:
    """Yields what PCRE refuses: 64 kB of an expression, in which each sign takes two bytes."""
    size = sum(2 * len(write_name(name)) + 10 for site in sites for name in site.names)
    wide = [site.name for site in sites if site.is_default or any(name.startswith("*.") for name in site.names)]
    if wide and size > _MOST_BYTES:
        yield (
            f"the sites have more names than lighttpd can tell apart from those of {', '.join(wide)}: leave out "
            "wildcards and default_server, or take nginx, Apache or HAProxy"
        )


def _tell_names(sites: Sequence[KnownSite], kept: Sequence[KnownSite]) -> Iterator[str]:
    for site in sites:
        for other in kept:
            for name in find_overlaps(site.names, other.names):
                yield (
                    f"site '{site.name}' has the name {name}, which '{other.name}' has as well, a site of ours that is "
                    "not among those given: give that one as well, or remove it"
                )


def find_overlaps(names: Sequence[str], others: Sequence[str]) -> List[str]:
    """Returns which names of a site another has too, wildcards that stand for some of the other's among them."""
    found = [name for name in names if name in others]
    wild = [name for name in others if name.startswith("*.")]
    for name in (one for one in names if one.startswith("*.") and one not in others):
        if any(matches(name, other[2:]) or matches(other, name[2:]) for other in wild):
            found.append(name)
    return found

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders all files of sites for lighttpd, in an order of which each prefix is a configuration that loads."""

from __future__ import annotations

from typing import AbstractSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import quote
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.reader import sockets_of
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_existing import (
    ENDING,
    KnownSite,
    OtherBlocks,
    find_own,
    know,
    read_kept,
    read_others,
    refuse_mixtures,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_shared import (
    SharedNeeds,
    render_shared,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_site import (
    SiteContext,
    render_site,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    Build,
    ConfigFile,
    ServerSettings,
    Site,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

# No site's name begins with a dash, which sorts before all that one may begin with: the sites use its variables.
SHARED = f"{PREFIX}-shared{ENDING}"


def render_files(
    sites: Sequence[Site],
    removed: Sequence[str],
    settings: ServerSettings,
    build: Build,
    layout: SiteLayout,
    files: ConfigurationFiles,
) -> Tuple[ConfigFile, ...]:
    """Returns every file that is to be or to go; raises HostError where what is there stands against it.

    The shared file comes first and goes last. A main file gets its line when all that it includes is there.
    """
    own = find_own(files, layout)
    gone = [ConfigFile(file.path) for name in removed for file in own.get(name, ())]
    listed = {*removed, *(site.name for site in sites)}
    kept = [read_kept(name, file) for name, (file,) in own.items() if name not in listed]
    shared = f"{layout.written_to}/{SHARED}"
    if not sites and not kept:
        last = [ConfigFile(shared)] if SHARED in files.list_folder(layout.written_to) else []
        return (*_include(False, files, layout), *gone, *last)
    others = read_others(files, layout)
    given = [know(site, settings) for site in sites]
    refuse_mixtures(given, kept, others, settings.http2)
    needs = _gather([*given, *kept], settings, others)
    around = SiteContext(
        settings, build, layout.root, others.allowed, others.neutral, _is_free(settings.http_port, settings, others)
    )
    return (
        ConfigFile(shared, text=render_shared(needs, settings, build)),
        *(ConfigFile(f"{layout.written_to}/{PREFIX}{site.name}{ENDING}", render_site(site, around)) for site in sites),
        *gone,
        *_include(True, files, layout),
    )


def _gather(sites: Sequence[KnownSite], settings: ServerSettings, others: OtherBlocks) -> SharedNeeds:
    """What is shown to clients who say no name of ours stays the same whichever sites a run is given."""
    first = min(sites, key=lambda site: (not site.is_default, site.name))
    names = {name: None for site in sorted(sites, key=lambda one: one.name) for name in site.names}
    return SharedNeeds(
        names=tuple(names),
        pair=first.pair,
        secure=_find_free({settings.port, *(site.port for site in sites)}, settings, others),
        plain=_find_free({settings.http_port, *(site.http_port for site in sites)}, settings, others),
        open_default=first.is_default,
        neutral=others.neutral,
        has_modules=others.has_modules,
        flags=others.flags,
    )


def _find_free(ports: AbstractSet[int], settings: ServerSettings, others: OtherBlocks) -> Tuple[Tuple[str, int], ...]:
    """The sockets of ports that nobody else opens."""
    wanted = {socket for port in ports for socket in sockets_of(port, settings.ipv6)}
    return tuple(sorted(wanted - others.configuration.listening, key=lambda socket: (socket[1], socket[0])))


def _is_free(port: int, settings: ServerSettings, others: OtherBlocks) -> bool:
    return not sockets_of(port, settings.ipv6) & others.configuration.listening


def _include(wanted: bool, files: ConfigurationFiles, layout: SiteLayout) -> List[ConfigFile]:
    """The main file with or without a line of ours; nothing where it is as it should be."""
    if not layout.include_in:
        return []
    text = "".join(files.texts(layout.include_in))
    line = f"include {quote(f'{layout.written_to}/{PREFIX}*{ENDING}')}\n"
    there = text.endswith(line) or f"\n{line}" in text
    if wanted == there:
        return []
    if not wanted:
        return [ConfigFile(layout.include_in, text=text.replace(line, "", 1))]
    joined = text if text.endswith("\n") or not text else text + "\n"
    return [ConfigFile(layout.include_in, text=joined + line)]

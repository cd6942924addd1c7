# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders all files of sites for Apache, in an order of which each prefix is a configuration that loads."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import split_lines, split_words
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.layout import find_server_root
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.reader import (
    ServerLevel,
    read_environment,
    read_sites,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_shared import render_shared
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_site import (
    ServerContext,
    render_site,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import FindTexts
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    Build,
    ConfigFile,
    ServerSettings,
    Site,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

# No site's name begins with a dash, which sorts before all that one may begin with: the shared file goes first, then
# the one site that is the default.
SHARED = PREFIX + "--shared.conf"
_DEFAULT = PREFIX + "-"
_WRITTEN = ("# Written by port443.https", "# Written by the Ansible role port443.https")


def read_level(
    files: ConfigurationFiles, layout: SiteLayout, modules: Sequence[str] = (), ours: bool = True
) -> ServerLevel:
    """Returns what the whole configuration says, without our files if ``ours`` is false; raises HostError."""
    variables = read_environment("\n".join(files.texts(layout.main.rpartition("/")[0] + "/envvars")))
    return read_sites(layout.main, find_server_root(layout), variables, _make_find(files, ours), modules)


def _make_find(files: ConfigurationFiles, ours: bool) -> FindTexts:
    """A folder that is included stands for all files in it, and below."""

    def find(pattern: str) -> Sequence[Tuple[str, str]]:
        found = list(files.find(pattern))
        if not found:
            for name in files.list_folder(pattern):
                found += find(f"{pattern.rstrip('/')}/{name}")
        return [(path, text) for path, text in found if ours or not text.startswith(_WRITTEN)]

    return find


def find_own(files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
    """Returns the files of our sites that are there, by the sites' names; the shared file is not among them."""
    found: Dict[str, List[ConfigFile]] = {}
    for folder in filter(None, (layout.written_to, layout.linked_from)):
        for file in files.list_folder(folder):
            if not file.startswith(PREFIX) or not file.endswith(".conf") or file == SHARED:
                continue
            name = file[len(PREFIX) : -len(".conf")]
            name = name[1:] if name.startswith("-") else name
            path = f"{folder}/{file}"
            if folder == layout.linked_from:
                found.setdefault(name, []).append(ConfigFile(path, link=f"{layout.written_to}/{PREFIX}{name}.conf"))
            else:
                found.setdefault(name, []).append(ConfigFile(path, text="".join(files.texts(path))))
    return {name: tuple(one) for name, one in found.items()}


def render_files(
    sites: Sequence[Site],
    removed: Sequence[str],
    settings: ServerSettings,
    build: Build,
    layout: SiteLayout,
    files: ConfigurationFiles,
) -> Tuple[ConfigFile, ...]:
    """Returns every file that is to be or to go.

    What goes away goes last, the links before what they lead to. A site that becomes the default, or is it no longer,
    is there twice in between, which Apache takes.
    """
    others = read_level(files, layout, ours=False)
    own = find_own(files, layout)
    around = _look_around(settings, build, layout, others, files)
    kept = [name for name in own if name not in removed and name not in {site.name for site in sites}]
    shared = _render_all(sites, {name: own[name] for name in kept}, around, others)
    wanted: List[ConfigFile] = []
    if shared is not None:
        wanted += _place(SHARED, SHARED, shared, layout)
    for site in sites:
        wanted += _place(*_name_files(site, layout), render_site(site, around), layout)
    gone = [file.path for name, there in own.items() if name not in kept for file in there]
    if shared is None:
        gone += [
            path
            for path in _paths(SHARED, layout)
            if files.list_folder(path.rpartition("/")[0]) and _is_there(files, path)
        ]
    paths = {file.path for file in wanted}
    linked = [path for path in gone if layout.linked_from and path.startswith(layout.linked_from + "/")]
    leaving = [*linked, *(path for path in gone if path not in linked)]
    removals = [ConfigFile(path) for path in leaving if path not in paths]
    before, after = _include(bool(sites or kept), files, layout)
    return (*before, *wanted, *removals, *after)


def _look_around(
    settings: ServerSettings, build: Build, layout: SiteLayout, others: ServerLevel, files: ConfigurationFiles
) -> ServerContext:
    """Debian's ports.conf listens on 443 as soon as mod_ssl is loaded by the distribution's own files.

    Where somebody's own file loads it, after ports.conf, that listens not, nor would it because of us.
    """
    loaded = others
    if "ssl_module" not in others.configuration.modules:
        loaded = read_level(files, layout, ("ssl_module", "mod_ssl.c"), ours=False)
    return ServerContext(
        settings,
        build,
        layout,
        frozenset(port for _address, port in others.configuration.listening),
        frozenset(port for _address, port in loaded.configuration.listening),
    )


def _render_all(
    sites: Sequence[Site], kept: Dict[str, Tuple[ConfigFile, ...]], around: ServerContext, others: ServerLevel
) -> Optional[str]:
    """The shared file, for sites of which some are known by their files alone."""
    texts = [file.text for there in kept.values() for file in there if file.text]
    default = any(site.default_server for site in sites) or any(
        file.path.rpartition("/")[2].startswith(_DEFAULT) for there in kept.values() for file in there
    )
    client_cas = any(site.client_verification != "none" for site in sites) or any(
        words[0].lower() == "sslverifyclient" for text in texts for words in map(split_words, split_lines(text))
    )
    first = sites[0] if sites else next(filter(None, map(_read_pair, texts)), None)
    return render_shared(first, around, others, default, client_cas)


def _read_pair(text: str) -> Optional[Site]:
    """A site as far as its certificate goes, from its file."""
    said = {words[0].lower(): words[1] for words in map(split_words, split_lines(text)) if len(words) > 1}
    certificate, key = said.get("sslcertificatefile", ""), said.get("sslcertificatekeyfile", "")
    return Site("", (), certificate, key) if certificate and key else None


def _name_files(site: Site, layout: SiteLayout) -> Tuple[str, str]:
    """The names of a site's file and of what Apache includes; these differ where links do, for the default."""
    name = f"{PREFIX}{site.name}.conf"
    first = f"{_DEFAULT}{site.name}.conf" if site.default_server else name
    return (name, first) if layout.linked_from else (first, first)


def _place(name: str, included: str, text: str, layout: SiteLayout) -> List[ConfigFile]:
    path = f"{layout.written_to}/{name}"
    links = [ConfigFile(f"{layout.linked_from}/{included}", link=path)] if layout.linked_from else []
    return [ConfigFile(path, text=text), *links]


def _paths(name: str, layout: SiteLayout) -> Tuple[str, ...]:
    return tuple(f"{folder}/{name}" for folder in (layout.linked_from, layout.written_to) if folder)


def _is_there(files: ConfigurationFiles, path: str) -> bool:
    folder, _slash, name = path.rpartition("/")
    return name in files.list_folder(folder)


def _include(wanted: bool, files: ConfigurationFiles, layout: SiteLayout) -> Tuple[List[ConfigFile], List[ConfigFile]]:
    """The main file with or without a line of ours, before or after all others; nothing where it is as it should be."""
    if not layout.include_in:
        return [], []
    text = "".join(files.texts(layout.include_in))
    line = f"IncludeOptional {layout.written_to}/{PREFIX}*.conf\n"
    there = text.endswith(line) or "\n" + line in text
    if wanted and not there:
        joined = text if text.endswith("\n") or not text else text + "\n"
        return [ConfigFile(layout.include_in, text=joined + line)], []
    if not wanted and there:
        return [], [ConfigFile(layout.include_in, text=text.replace(line, "", 1))]
    return [], []

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders all files of sites for nginx, in an order of which each prefix is a configuration that it loads.

What nginx refuses on the way: two default servers or two reuseports on one socket, a variable or a hash's size that is
not there yet, a link to nothing. So what gives up a socket goes before what takes it.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Dict, FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import parse_directives
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_existing import (
    ENDING,
    Claim,
    KeptSites,
    check_kept,
    choose_bucket,
    choose_pair,
    claims_of,
    find_value,
    prepare,
    read_kept,
    read_text,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_shared import (
    HASH_SIZE,
    HTTP_FILE,
    NOBODY_FILE,
    render_http,
    render_nobody,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_site import render_site
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import Rendering, quote
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    Build,
    ConfigFile,
    ServerSettings,
    Site,
    SiteConfiguration,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

_INCLUDE_COMMENT = "# of the Ansible role port443.https.serve_https"


@dataclass(frozen=True)
class _Change:
    files: Tuple[ConfigFile, ...]
    claims: FrozenSet[Claim]


def find_own(files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
    """Returns the sites of ours that are there by their names; links are taken to lead where ours lead."""
    found: Dict[str, List[ConfigFile]] = {}
    for folder in filter(None, (layout.written_to, layout.linked_from)):
        for entry in files.list_folder(folder):
            name = entry[len(PREFIX) : -len(ENDING)]
            if not entry.startswith(PREFIX) or not entry.endswith(ENDING) or name[:1] in ("", "-"):
                continue
            path = f"{folder}/{entry}"
            if folder == layout.linked_from:
                found.setdefault(name, []).append(ConfigFile(path, link=f"{layout.written_to}/{entry}"))
            else:
                found.setdefault(name, []).append(ConfigFile(path, text=read_text(files, path)))
    return {name: tuple(found[name]) for name in sorted(found)}


def render_files(
    sites: Sequence[Site],
    removed: Sequence[str],
    settings: ServerSettings,
    build: Build,
    layout: SiteLayout,
    others: SiteConfiguration,
    files: ConfigurationFiles,
) -> Tuple[ConfigFile, ...]:
    """Returns every file that is to be or to go; raises HostError where what is there stands against it."""
    listed = {site.name for site in sites}
    present = sorted(set(find_own(files, layout)) - set(removed) - listed)
    kept = read_kept(present, files, layout)
    check_kept(sites, kept)
    gone = [_Change(_files_of(f"{PREFIX}{name}{ENDING}", "", layout), frozenset()) for name in removed]
    include = _render_include(files, layout, bool(sites or present))
    if not sites and not present:
        shared = [*_files_of(NOBODY_FILE, "", layout), *_files_of(HTTP_FILE, "", layout)]
        return (*(one for change in gone for one in change.files), *shared, *include)
    rendering = prepare(sites, settings, build, layout, others, files, kept)
    changes = [*gone, *_render_all(sites, rendering, kept, layout)]
    http = render_http(settings, choose_bucket(sites, settings, layout, files, kept))
    before, after = _place_http(http, read_text(files, f"{layout.written_to}/{HTTP_FILE}"), layout)
    ordered = [one for change in _order(changes, _claims_of_files(files, layout)) for one in change.files]
    return (*include, *before, *ordered, *after)


def _files_of(name: str, text: str, layout: SiteLayout) -> Tuple[ConfigFile, ...]:
    """A file and its link, in the order in which they come, or go where there is no text."""
    path = f"{layout.written_to}/{name}"
    if not layout.linked_from:
        return (ConfigFile(path, text or None),)
    link = f"{layout.linked_from}/{name}"
    return (ConfigFile(path, text), ConfigFile(link, link=path)) if text else (ConfigFile(link), ConfigFile(path))


def _claims_of_files(files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, FrozenSet[Claim]]:
    """What the files that are there now claim, by their paths."""
    entries = [entry for entry in files.list_folder(layout.written_to) if entry.startswith(PREFIX)]
    paths = [f"{layout.written_to}/{entry}" for entry in entries if entry.endswith(ENDING) and entry != HTTP_FILE]
    return {path: frozenset(claims_of(parse_directives(read_text(files, path)))) for path in paths}


def _render_all(sites: Sequence[Site], rendering: Rendering, kept: KeptSites, layout: SiteLayout) -> List[_Change]:
    nobodys = set(rendering.free_defaults) if rendering.settings.unknown_names == "refuse" else set()
    changes = []
    for site in sites:
        defaults = rendering.free_defaults if site.default_server else frozenset()
        nobodys -= defaults
        text = render_site(site, rendering, defaults)
        changes.append(_Change(_files_of(f"{PREFIX}{site.name}{ENDING}", text, layout), _claims_in(text)))
    reuseport = rendering.free_quic if rendering.settings.http3 else frozenset()
    text = render_nobody(rendering, frozenset(nobodys), reuseport, choose_pair(sites, kept, rendering.build))
    return [*changes, _Change(_files_of(NOBODY_FILE, text, layout), _claims_in(text))]


def _claims_in(text: str) -> FrozenSet[Claim]:
    return frozenset(claims_of(parse_directives(text)))


def _place_http(text: str, now: str, layout: SiteLayout) -> Tuple[Tuple[ConfigFile, ...], Tuple[ConfigFile, ...]]:
    """Before the sites, which need what is new in it; after them where it only loses what they needed until now."""
    files = _files_of(HTTP_FILE, text, layout)
    loses = bool(now) and _bucket_in(text) <= _bucket_in(now) and set(text.splitlines()) < set(now.splitlines())
    shrinks = _bucket_in(text) < _bucket_in(now)
    return ((), files) if loses or shrinks else (files, ())


def _bucket_in(text: str) -> int:
    found = find_value(parse_directives(text), HASH_SIZE) or ""
    return int(found) if found.isdigit() else 0


def _order(changes: Sequence[_Change], claims: Dict[str, FrozenSet[Claim]]) -> List[_Change]:
    """Puts what gives up a socket before what takes it."""
    now, waiting, ordered = dict(claims), list(changes), []
    while waiting:
        chosen = next((one for one in waiting if not _collides(one, now)), waiting[0])
        waiting.remove(chosen)
        ordered.append(chosen)
        now.update({one.path: chosen.claims for one in chosen.files if not one.link})
    return ordered


def _collides(change: _Change, now: Dict[str, FrozenSet[Claim]]) -> bool:
    own = {one.path for one in change.files}
    return any(change.claims & claims for path, claims in now.items() if path not in own)


def _render_include(files: ConfigurationFiles, layout: SiteLayout, wanted: bool) -> Tuple[ConfigFile, ...]:
    """The main file with a line that includes ours, where it has none, or without it once the last site goes."""
    if not layout.include_in:
        return ()
    line = f"    include {quote(layout.written_to)}/{PREFIX}*{ENDING}; {_INCLUDE_COMMENT}\n"
    text = read_text(files, layout.include_in)
    if not wanted:
        return (ConfigFile(layout.include_in, text.replace(line, "", 1)),) if line in text else ()
    if line in text or _is_included(text, layout):
        return ()
    lines = text.splitlines(keepends=True)
    ends = [number for number, one in enumerate(lines) if one.startswith("}")]
    if not ends:
        raise HostError(f"{layout.include_in} has no http {{}} whose brace begins a line: add to it '{line.strip()}'")
    # The last brace at the beginning of a line is that of http in the files that come with nginx.
    return (ConfigFile(layout.include_in, "".join([*lines[: ends[-1]], line, *lines[ends[-1] :]])),)


def _is_included(text: str, layout: SiteLayout) -> bool:
    folder, ours = posixpath.dirname(layout.main), f"{layout.written_to}/{PREFIX}x{ENDING}"
    return any(
        part.words[0] == "include" and fnmatchcase(ours, posixpath.join(folder, part.words[1]))
        for context in parse_directives(text)
        for part in context.block or ()
        if context.words[0] == "http" and len(part.words) > 1
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Assembles an nft file with its includes, and locates each place of the whole in its file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import tokens
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.search import (
    WILDCARDS,
    find_included,
    is_searched,
    observe_folders,
)
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

_DEEPEST = 16  # MAX_INCLUDE_DEPTH in nftables' include/parser.h
_STDIN = re.compile(r"/dev/stdin:(\d+):")


@dataclass(frozen=True)
class NftSources:
    """The file ``path`` and all that it includes: contents by path, and the paths that each include stands for."""

    path: str
    contents: Mapping[str, bytes] = field(default_factory=dict)
    included: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)

    def replaced(self, texts: Mapping[str, str]) -> NftSources:
        """Returns the same with other texts in some of the files."""
        changed = {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}
        return NftSources(self.path, {**self.contents, **changed}, self.included)

    def text(self, path: str) -> str:
        """A file as text; bytes that are no UTF-8 survive the way back."""
        return self.contents[path].decode("utf-8", "surrogateescape")

    def mention(self, word: str) -> bool:
        """Tells whether a word is in any of the files."""
        return any(word.encode("ascii") in content for content in self.contents.values())

    def names(self, prefix: str) -> Tuple[str, ...]:
        """The names in the files that begin so, each once and sorted."""
        name = re.compile(rb"(?<![\w-])" + re.escape(prefix.encode("ascii")) + rb"[a-z0-9-]+")
        found = {one.decode("ascii") for content in self.contents.values() for one in name.findall(content)}
        return tuple(sorted(found))


@dataclass(frozen=True)
class Piece:
    """A part of the whole: from ``start`` on, as long as it says, it is what ``path`` holds from ``offset`` on."""

    start: int
    length: int
    path: str
    offset: int


@dataclass(frozen=True)
class Whole:
    """The text that nft reads in the end, includes put in."""

    text: str
    pieces: Tuple[Piece, ...]

    def locate(self, at: int) -> Tuple[str, int]:
        """Returns the file and the offset in it of the character at ``at``."""
        for piece in self.pieces:
            if piece.start <= at < piece.start + piece.length:
                return piece.path, piece.offset + at - piece.start
        last = self.pieces[-1]
        return last.path, last.offset + last.length

    def repeats(self, path: str) -> bool:
        """Tells whether a file is included more than once, so that a change in it is several changes."""
        offsets = [piece.offset for piece in self.pieces if piece.path == path and piece.length]
        return len(offsets) > len(set(offsets))


def observe_sources(host: FirewallHost, path: str) -> NftSources:
    """Reads a file that exists and all that it includes; raises HostError for one that cannot be read."""
    contents: Dict[str, bytes] = {}
    included: Dict[str, Tuple[str, ...]] = {}
    folders: Tuple[str, ...] = ()
    waiting = [path]
    while waiting:
        name = waiting.pop()
        content = host.read(name)
        if name in contents or content is None:
            continue
        contents[name] = content
        if b"include" not in content:
            continue
        for pattern, _start, _end in _includes(content.decode("utf-8", "surrogateescape")):
            if pattern not in included:
                folders = folders or (observe_folders(host, path) if is_searched(pattern) else ())
                included[pattern] = find_included(host, pattern, folders)
                waiting += included[pattern]
    return NftSources(path, contents, included)


def assemble(sources: NftSources) -> Whole:
    """Returns the text that nft reads; a file that is missing is left as its include, for nft to complain."""
    parts: List[str] = []
    pieces: List[Piece] = []
    _append(sources, sources.path, parts, pieces, 0)
    return Whole("".join(parts), tuple(pieces))


def with_names(sources: NftSources, words: str) -> str:
    """Returns what nft said of the whole with the names and the lines of the files that it is made of."""
    whole = assemble(sources)
    starts = [0] + [at + 1 for at, letter in enumerate(whole.text) if letter == "\n"] if _STDIN.search(words) else []

    def place(found: re.Match[str]) -> str:
        number = int(found.group(1))
        path, offset = whole.locate(starts[number - 1]) if 0 < number <= len(starts) else ("", 0)
        if path not in sources.contents:
            return found.group()
        return "{}:{}:".format(path, sources.text(path).count("\n", 0, offset) + 1)

    return _STDIN.sub(place, words)


def _append(sources: NftSources, path: str, parts: List[str], pieces: List[Piece], depth: int) -> None:
    if depth > _DEEPEST:
        raise HostError(f"{sources.path} includes files more than {_DEEPEST} deep, which nft does not read")
    text = sources.text(path)
    at = 0
    for pattern, start, end in _includes(text) if "include" in text else ():
        paths = sources.included.get(pattern, ())
        if not paths and not WILDCARDS.intersection(pattern):
            continue
        _add(parts, pieces, path, text, at, start)
        for one in paths:
            _append(sources, one, parts, pieces, depth + 1)
            parts.append("\n")
            _advance(pieces, 1)
        at = end
    _add(parts, pieces, path, text, at, len(text))


def _add(parts: List[str], pieces: List[Piece], path: str, text: str, start: int, end: int) -> None:
    parts.append(text[start:end])
    pieces.append(Piece(_length(pieces), end - start, path, start))


def _advance(pieces: List[Piece], length: int) -> None:
    """Notes characters that stand in no file."""
    pieces.append(Piece(_length(pieces), length, "", 0))


def _length(pieces: List[Piece]) -> int:
    return pieces[-1].start + pieces[-1].length if pieces else 0


def _includes(text: str) -> List[Tuple[str, int, int]]:
    """The patterns of the include statements with the span of each statement."""
    found: List[Tuple[str, int, int]] = []
    beginning, include = True, -1
    for token in tokens(text):
        if include >= 0 and token.text[:1] == '"':
            found.append((token.text[1:-1], include, token.end))
        include = token.start if beginning and token.text == "include" else -1
        beginning = token.kind != "word"
    return found

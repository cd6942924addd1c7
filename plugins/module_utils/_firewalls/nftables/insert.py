# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inserts lines beside statements of an nft file, and cuts statements out with what came with them."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import NftStatement
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.search import DEFAULT_FOLDER
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources, Whole

_BLANKS = " \t\r"


class Insertions:
    """What is to be put into the files, by place; offsets of statements count in the whole."""

    def __init__(self, sources: NftSources, whole: Whole) -> None:
        self._sources = sources
        self._whole = whole
        self._inserted: Dict[str, Dict[int, List[str]]] = {}

    def texts(self) -> Dict[str, str]:
        """Returns the files that change."""
        changed: Dict[str, str] = {}
        for path, places in self._inserted.items():
            text = self._sources.text(path)
            for offset in sorted(places, reverse=True):
                text = text[:offset] + "".join(places[offset]) + text[offset:]
            changed[path] = text
        return changed

    def before(self, at: int, lines: Sequence[str]) -> None:
        """Puts statements before the one that begins there."""
        path, offset, text = self._find(at)
        line = _line_start(text, offset)
        indent = text[line:offset]
        if indent.strip():
            self._insert(path, offset, "".join(f"{each}; " for each in lines))
        else:
            end = _newline(text, line)
            self._insert(path, _above_comment(text, line), "".join(f"{indent}{each}{end}" for each in lines))

    def define(self, chain: NftStatement, name: str, rules: Sequence[str]) -> None:
        """Puts the definition of a chain before that of another one in a table's braces."""
        path, offset, text = self._find(chain.start)
        line = _line_start(text, offset)
        indent = text[line:offset]
        if indent.strip():
            body = "".join(f"{rule}; " for rule in rules)
            self._insert(path, offset, f"chain {name} {{ {body}}}; ")
            return
        end = _newline(text, line)
        deeper = self._indent_within(chain) or indent * 2 or "\t"
        body = "".join(f"{deeper}{rule}{end}" for rule in rules)
        made = f"{indent}chain {name} {{{end}{body}{indent}}}{end}{end}"
        self._insert(path, _above_comment(text, line), made)

    def at_end(self, chain: NftStatement, statement: str) -> None:
        """Puts a statement at the end of a chain's braces."""
        path, offset, text = self._find(chain.closing)
        line = _line_start(text, offset)
        indent = text[line:offset]
        if not indent.strip():
            deeper = self._indent_within(chain) or indent + (indent or "\t")
            self._insert(path, line, f"{deeper}{statement}{_newline(text, line)}")
            return
        before = text[:offset].rstrip(_BLANKS)
        if before[-1:] in (";", "{"):
            self._insert(path, offset, f"{statement}; ")
        else:
            self._insert(path, len(before), f"; {statement}")

    def after(self, statement: NftStatement, lines: Sequence[str]) -> None:
        """Puts statements behind one that stands in no braces."""
        path, offset, text = self._find(statement.end - 1)
        start = self._find(statement.start)[1]
        indent = text[_line_start(text, start) : start]
        indent = indent if not indent.strip() else ""
        at = _behind_separator(text, offset + 1)
        if at == len(text) and text[-1:] != "\n":
            end = _newline(text, _line_start(text, offset))
            self._insert(path, at, "".join(f"{end}{indent}{each}" for each in lines))
        elif text[at - 1] == "\n":
            self._insert(path, at, "".join(f"{indent}{each}{_newline(text, start)}" for each in lines))
        else:
            self._insert(path, at, "".join(f"{each}; " for each in lines))

    def _indent_within(self, chain: NftStatement) -> str:
        """How the statements in a chain's braces are indented, where they stand on lines of their own."""
        for inner in reversed(chain.body):
            _path, offset, text = self._find(inner.start)
            indent = text[_line_start(text, offset) : offset]
            if not indent.strip():
                return indent
        return ""

    def _find(self, at: int) -> Tuple[str, int, str]:
        path, offset = self._whole.locate(at)
        if self._whole.repeats(path):
            raise HostError(f"{path} is included more than once by {self._sources.path}{_twice(self._sources, path)}")
        return path, offset, self._sources.text(path)

    def _insert(self, path: str, offset: int, text: str) -> None:
        self._inserted.setdefault(path, {}).setdefault(offset, []).append(text)


def _twice(sources: NftSources, path: str) -> str:
    """What to say where it is one include that gives a file twice, which nobody sees who looks at the files."""
    for pattern, paths in sources.included.items():
        if paths.count(path) > 1:
            return f': this nft reads "{pattern}" twice, but "{DEFAULT_FOLDER}/{pattern}" once'
    return ""


def cut(text: str, start: int, end: int) -> str:
    """Returns a text without the statement that stands there, and without the bytes that came with it."""
    line = _line_start(text, start)
    behind = _skip(text, end)
    follows = text[behind : behind + 1]
    first = not text[line:start].strip()
    if first and follows == "\n":
        whole = text.startswith("chain", start)
        return text[:line] + text[_behind_gap(text, behind + 1) if whole else behind + 1 :]
    if first and not follows:
        return text[: line - 2] if text[:line].endswith("\r\n") else text[: max(0, line - 1)]
    if follows == ";":
        after = behind + 1
        return text[:start] + text[after + 1 if text[after : after + 1] == " " else after :]
    before = text[:start].rstrip(_BLANKS)
    if follows in ("}", "") and before[-1:] == ";":
        return before[:-1] + text[end:]
    return text[:start] + text[end:]


def _behind_gap(text: str, at: int) -> int:
    """Behind the empty line that sets our chain apart."""
    for gap in ("\n", "\r\n"):
        if text.startswith(gap, at):
            return at + len(gap)
    return at


def _above_comment(text: str, line: int) -> int:
    """The beginning of the comment that stands on the lines above one, which is about what follows."""
    above = line
    while above:
        start = _line_start(text, above - 1)
        words = text[start : above - 1].strip()
        if words[:1] != "#" or words[:2] == "#!":
            return line if words[-1:] == "\\" else above
        above = start
    return above


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _newline(text: str, at: int) -> str:
    """How the line there ends."""
    end = text.find("\n", at)
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _behind_separator(text: str, at: int) -> int:
    """The beginning of the next line, or of the next statement in this one."""
    at = _skip(text, at)
    if text[at : at + 1] == ";":
        at = _skip(text, at + 1)
    if text[at : at + 1] == "#":
        at = text.find("\n", at) if "\n" in text[at:] else len(text)
    return at + 1 if text[at : at + 1] == "\n" else at

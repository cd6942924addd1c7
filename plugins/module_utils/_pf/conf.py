# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits pf.conf: splits it into statements, puts in our marked block and takes it out to the byte.

Text is bytes as latin-1, so that comments in any encoding stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import FrozenSet, Iterator, List, Match, Sequence, Tuple

_FILTERS = frozenset(("pass", "block", "anchor", "antispoof"))
ADDED, FILE_MADE, FOLDER_MADE = "an end of line added before it", "its file made", "its folder made"
"""What a block notes in its first line of what else was done for it, so that it can be taken back."""
_MARK = re.compile(r"# (BEGIN|END) (\S+) \(port443\.https, managed by Ansible((?:; [a-z ]+)*)\)")
_BEGIN = "# BEGIN {} (port443.https, managed by Ansible{})\n"
_END = "# END {} (port443.https, managed by Ansible)\n"
_WORD = re.compile(r'"([^"]*)"|([^\s"{}]+)|([{}])')


@dataclass(frozen=True)
class PfStatement:
    """One statement: where it begins and ends in the text, and its words without quotes and comments."""

    start: int
    end: int
    words: Tuple[str, ...]

    @property
    def filters(self) -> bool:
        """Whether its place among others decides what passes."""
        return self.words[0] in _FILTERS


@dataclass(frozen=True)
class AnchorCall:
    """How a pf.conf already calls an anchor, our own block left out.

    ``called`` tells that a rule calls it, ``inline`` that its rules stand in pf.conf itself, ``loaded_from`` is the
    file of a ``load anchor``, empty for none.
    """

    called: bool = False
    inline: bool = False
    loaded_from: str = ""


def split_statements(text: str) -> Tuple[PfStatement, ...]:
    """Returns the statements at the top level, as pfctl's parse.y tells them apart.

    A statement ends with a line; a backslash before the end of the line goes on, in comments as well; what is in braces
    belongs to its statement.
    """
    return tuple(_statements(text))


def _statements(text: str) -> Iterator[PfStatement]:
    start, depth, bare = -1, 0, ""
    for at, end, kind in _pieces(text):
        piece = text[at:end]
        if kind == "end" and depth == 0:
            if start >= 0:
                yield _statement(start, at, bare)
            start, bare = -1, ""
            continue
        depth = max(0, depth + (piece == "{") - (piece == "}"))
        if kind == "text" and start < 0 and not piece.isspace():
            start = at
        bare += piece if kind == "text" else " "
    if start >= 0:
        yield _statement(start, len(text), bare)


def _pieces(text: str) -> Iterator[Tuple[int, int, str]]:
    """Yields the parts of a text: start, end, and whether it is text, a gap or the end of a line."""
    at = 0
    while at < len(text):
        end, kind = at + 1, "text"
        if text.startswith("\\\n", at):
            end, kind = at + 2, "gap"
        elif text[at] == "#":
            end, kind = _comment_end(text, at), "gap"
        elif text[at] == '"':
            closing = text.find('"', at + 1)
            end = len(text) if closing < 0 else closing + 1
        elif text[at] == "\n":
            kind = "end"
        yield at, end, kind
        at = end


def _comment_end(text: str, at: int) -> int:
    """Where a comment ends: at the end of its line, which a backslash moves on."""
    while True:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        if text[end - 1] != "\\":
            return end
        at = end + 1


def _statement(start: int, end: int, bare: str) -> PfStatement:
    words = tuple("".join(found) for found in _WORD.findall(bare))
    return PfStatement(start, end, words or ("",))


def without_loads(text: str) -> str:
    """Returns the text without what loads anchors, as ``-v`` prints their rules too; every line stays where it was."""
    for statement in reversed(split_statements(text)):
        if statement.words[:2] == ("load", "anchor"):
            gone = text[statement.start : statement.end]
            text = text[: statement.start] + "\n" * gone.count("\n") + text[statement.end :]
    return text


def loaded_files(text: str) -> Tuple[Tuple[str, str], ...]:
    """Returns the anchors that a text loads, each with the path of its file."""
    found = [one.words for one in split_statements(text) if one.words[:2] == ("load", "anchor") and len(one.words) == 5]
    return tuple((words[2], words[4]) for words in found)


def included_file(statement: PfStatement) -> str:
    """Returns the path of the file that a statement includes, empty for none."""
    return statement.words[1] if statement.words[0] == "include" and len(statement.words) == 2 else ""


def skipped_interfaces(text: str) -> Tuple[str, ...]:
    """Returns the interfaces and groups that ``set skip on`` names."""
    found = [one.words[3:] for one in split_statements(text) if one.words[:3] == ("set", "skip", "on")]
    return tuple(word.strip(",") for words in found for word in words if word not in ("{", "}", ","))


def find_call(text: str, anchor: str) -> AnchorCall:
    """Returns how a text calls an anchor; ``text`` is to have our block taken out."""
    called, inline, loaded = False, False, ""
    for statement in split_statements(text):
        words = statement.words
        if words[:2] == ("anchor", anchor):
            called, inline = True, inline or "{" in words
        elif words[:3] == ("load", "anchor", anchor) and len(words) == 5:
            loaded = words[4]
    return AnchorCall(called, inline, loaded)


def without_block(text: str, anchor: str) -> str:
    """Returns the text without what ``with_block`` put in; lines of others inside the block stay.

    An end of line that had to be added goes as well where nothing follows; where a block of ours does, that notes it.
    """
    kept: List[str] = []
    inside = added = False
    ours = _lines_of(anchor)
    for line in _split_lines(text):
        mark = _MARK.fullmatch(line.rstrip("\n"))
        if mark and mark.group(2) == anchor:
            inside = mark.group(1) == "BEGIN"
            added = added or (inside and ADDED in _notes(mark))
        elif inside and any(line.startswith(start) for start in ours):
            continue
        elif added and not inside and mark and mark.group(1) == "BEGIN":
            kept.append(_begin(mark.group(2), (ADDED, *_notes(mark))))
            added = False
        else:
            added = added and inside
            kept.append(line)
    result = "".join(kept)
    return result[:-1] if added and result.endswith("\n") else result


def _notes(mark: Match[str]) -> Tuple[str, ...]:
    return tuple(note for note in mark.group(3).split("; ") if note)


def _begin(anchor: str, notes: Sequence[str]) -> str:
    return _BEGIN.format(anchor, "".join(f"; {note}" for note in notes))


def notes_of(text: str) -> FrozenSet[str]:
    """Returns what the blocks in a text note."""
    marks = map(_MARK.fullmatch, text.split("\n"))
    return frozenset(note for mark in marks if mark for note in _notes(mark))


def _split_lines(text: str) -> List[str]:
    """The lines of a text; carriage returns and their like are no ends of lines for pf."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _lines_of(anchor: str) -> Tuple[str, str]:
    return f'anchor "{anchor}"\n', f'load anchor "{anchor}" from '


def with_block(text: str, anchor: str, path: str, position: str, notes: Sequence[str] = ()) -> str:
    """Returns the text with the block of an anchor; ``text`` is to have none.

    ``position`` first puts it before the first statement that filters, every other at the end. ``path`` is the file
    that the anchor is loaded from, empty for none. A call of somebody else's is used, not repeated. ``notes`` go into
    the block's first line.
    """
    have = find_call(text, anchor)
    call, load = _lines_of(anchor)
    lines = ("" if have.called else call) + ("" if have.loaded_from or not path else f'{load}"{path}"\n')
    if not lines:
        return text
    at = _place(text, position)
    head = text[:at]
    added = bool(head) and not head.endswith("\n")
    begin = _begin(anchor, (ADDED, *notes) if added else notes)
    return head + ("\n" if added else "") + begin + lines + _END.format(anchor) + text[at:]


def _place(text: str, position: str) -> int:
    for statement in _foreign_filters(text) if position == "first" else ():
        return text.rfind("\n", 0, statement.start) + 1
    return len(text)


def _foreign_filters(text: str) -> List[PfStatement]:
    """The statements that filter, but for the calls in blocks of ours."""
    ours = [(name,) for name in anchors_of_ours(text)]
    return [one for one in split_statements(text) if one.filters and one.words[1:2] not in ours]


def settled(text: str, anchor: str, path: str, position: str, notes: Sequence[str] = ()) -> str:
    """Returns the text that has the block in its place: the same text if it has, else the block moved or put in."""
    stripped = without_block(text, anchor)
    want = with_block(stripped, anchor, path, position, notes)
    have = _block_of(text, anchor)
    if stripped == text or have != _block_of(want, anchor):
        return want
    if find_call(stripped, anchor).called:
        return text
    at, others = text.index(have), _foreign_filters(text)
    if position == "first":
        return want if any(statement.start < at for statement in others) else text
    return want if any(statement.start > at for statement in others) else text


def _block_of(text: str, anchor: str) -> str:
    """The block's own lines without its first, which tells how it was put in."""
    end = text.find(_END.format(anchor))
    begin = text.find(f"# BEGIN {anchor} (port443.https, managed by Ansible")
    if begin < 0 or end < begin:
        return ""
    return text[text.index("\n", begin) + 1 : end + len(_END.format(anchor))]


def anchors_of_ours(text: str) -> Tuple[str, ...]:
    """Returns the anchors that blocks in a text name, in order."""
    marks = (_MARK.fullmatch(line) for line in text.split("\n"))
    return tuple(mark.group(2) for mark in marks if mark and mark.group(1) == "BEGIN")

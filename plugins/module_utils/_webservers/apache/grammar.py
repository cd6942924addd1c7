# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apache's grammar: lines, words, variables and macros of a configuration, and a value written as one word.

The reference is ap_cfg_getline, ap_getword_conf and ap_resolve_env in server/util.c and server/core.c, Apache 2.4.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Mapping, Optional, Sequence, Tuple

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NEWEST = 999  # patch level of 2.4
_SPACE = " \t\n\v\f\r"


def split_lines(text: str) -> Iterator[str]:
    """Yields the lines with a directive or a section: a backslash at the end carries a line on, a comment as well."""
    for _number, line in number_lines(text):
        yield line


def number_lines(text: str) -> Iterator[Tuple[int, str]]:
    """Yields what split_lines yields, each with the number of the line in which it begins."""
    lines = text.split("\n")
    whole, begin = "", 1
    for number, line in enumerate(lines, 1):
        carried = re.search(r"\\\r?\Z", line) if number < len(lines) else None
        whole += line[: carried.start()] if carried else line
        if carried:
            continue
        stripped = whole.strip(_SPACE)
        if stripped and not stripped.startswith("#"):
            yield begin, stripped
        whole, begin = "", number + 1


def split_words(line: str) -> List[str]:
    """Returns the words of a line as they are before variables are filled in."""
    words: List[str] = []
    rest = line.strip(_SPACE)
    while rest:
        word, rest = _take_word(rest)
        words.append(word)
        rest = rest.lstrip(_SPACE)
    return words


def _take_word(text: str) -> Tuple[str, str]:
    """The first word, and what follows it; a backslash escapes a backslash and, within quotes, the quote."""
    quote = text[0] if text[0] in "\"'" else ""
    word: List[str] = []
    position = len(quote)
    while position < len(text):
        letter = text[position]
        if letter == "\\" and text[position + 1 : position + 2] in ("\\", quote or "\\"):
            word.append(text[position + 1])
            position += 2
        elif letter == quote or (not quote and letter in _SPACE):
            break
        else:
            word.append(letter)
            position += 1
    return "".join(word), text[position + len(quote) :]


def split_section(line: str) -> Tuple[str, List[str]]:
    """Returns the kind of the section that a line opens, in small letters, and the words up to its last bracket."""
    kind, _space, rest = line[1:].partition(" ") if " " in line else line[1:].partition("\t")
    inner = rest[: rest.rfind(">")] if ">" in rest else rest
    return kind.rstrip(">").lower(), split_words(inner)


def fill_variables(word: str, variables: Mapping[str, str]) -> str:
    """Returns a word with what ``${name}`` stands for; a name that is not known stays as it is."""
    return _VARIABLE.sub(lambda found: variables.get(found.group(1), found.group()), word)


def fill_macro(line: str, parameters: Mapping[str, str]) -> str:
    """Returns a macro's line with its parameters replaced, the longest names first, as mod_macro does."""
    names = sorted(parameters, key=len, reverse=True)
    if not names:
        return line
    return re.sub("|".join(map(re.escape, names)), lambda found: parameters[found.group()], line)


def meets_version(words: Sequence[str]) -> bool:
    """Tells whether ``<IfVersion words>`` holds for 2.4, whose patch levels nobody writes conditions for.

    Comparisons such as ``>= 2.4.6`` are made with the newest of 2.4; a regular expression counts as met.
    """
    operator = words[0] if len(words) > 1 else "="
    negated, operator = operator.startswith("!"), operator.lstrip("!")
    written = words[-1] if words else ""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", written):
        return not negated
    wanted = [int(number) for number in written.split(".")]
    current = [2, 4, _NEWEST][: len(wanted)] if operator in ("=", "==") else [2, 4, _NEWEST]
    comparisons = {
        ">": current > wanted,
        ">=": current >= wanted,
        "<": current < wanted,
        "<=": current <= wanted,
    }
    return comparisons.get(operator, current == wanted) != negated


def read_name(written: str) -> str:
    """Returns the host name or address of a ServerName, which may have a scheme and a port."""
    found = re.fullmatch(r"(?:\w+://)?(\[[^]]*\]|[^:]*)(?::[0-9]+)?", written)
    return (found.group(1) if found else written).strip("[]").lower()


def read_address(written: str, port: Optional[int] = None) -> List[Tuple[str, int]]:
    """Returns one (address, port), the address empty for all, or none; ``port`` is where none is said, 0 for all."""
    found = re.fullmatch(r"(?:(\[[^]]*\]|[^:\[]*):)?([0-9]+|\*)", written)
    if found and (found.group(1) is not None or port is None):
        host, number = (found.group(1) or ""), (0 if found.group(2) == "*" else int(found.group(2)))
    elif port is not None:
        host, number = written, port
    else:
        return []
    host = host.strip("[]")
    return [("" if host in ("*", "_default_", "0.0.0.0", "::") else host, number)]  # noqa: S104


def quote(value: str) -> str:
    """Returns a value as one word; see find_unquotable for what no word holds.

    A backslash is doubled only where it would escape what follows, so that regular expressions stay readable.
    """
    escaped = re.sub(r'\\(?=[\\"]|$)|"', lambda found: "\\" + found.group(), value)
    return f'"{escaped}"'


def find_unquotable(value: str) -> str:
    """Returns what of a value no word of Apache's can hold, empty if it can hold it all."""
    if any(letter < " " or letter == "\x7f" for letter in value):
        return "a line end or another control character"
    if "${" in value:
        return "'${', which Apache takes for a variable"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "bytes that are no UTF-8"
    return ""


def escape_pattern(value: str) -> str:
    """Returns a text as a regular expression (PCRE) that stands for it alone.

    It has neither backslashes before quotes nor spaces outside of brackets, as mod_rewrite reads words its own way.
    """
    return re.sub(r"[^A-Za-z0-9_/:@,=~\x80-\U0010ffff-]", lambda found: _escape_letter(found.group()), value)


def _escape_letter(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if letter in '^\\"[]' else f"[{letter}]"

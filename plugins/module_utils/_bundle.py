# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The import closure of a module of this collection: its source, and those of all that it imports.

Two need it: what a host is sent for a task (_payload), and the program that stays on a host (_renewal/zipapp). The
first is made for every task, so imports are found by the one form in which they are written here, which takes a
hundredth of what ast takes; a test holds that to what ast finds, in every file.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, Iterator, Optional, Set

PACKAGE = "ansible_collections.port443.https.plugins.module_utils"
_QUOTES = '"' * 3
_COMMENT = re.compile(r"\n *#.*")
_IMPORT = re.compile(rf"\n *from ({re.escape(PACKAGE)}[\w.]*) import (\([^)]*\)|.*)")


def closure(entry: str, read_source: Callable[[str], Optional[str]]) -> Dict[str, str]:
    """Returns the sources of a module, of all it imports, and of the packages they lie in, by their full names.

    ``read_source`` returns the source of the module of a name, None where there is none, as of a class.
    """
    found: Dict[str, str] = {}
    seen: Set[str] = {PACKAGE}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        source = read_source(name)
        if source is not None:
            found[name] = source
            waiting += [name.rpartition(".")[0], *find_imports(source)]
    return found


def find_imports(source: str) -> Iterator[str]:
    """Yields the full names of the modules of this collection that a source imports from, and of all it imports."""
    for module, names in _IMPORT.findall("\n" + source):
        yield module
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", names))


def is_package(name: str, names: Iterable[str]) -> bool:
    """Tells whether one of the modules of these names lies in the one of that name."""
    return any(other.startswith(name + ".") for other in names)


def bare(source: str) -> str:
    """Returns a source without documentation and lines of comment, every line of code in its place.

    It looks at the text alone, as parsing takes longer than sending. What it takes for documentation is a string in
    three quotes that begins a line; a test holds what it leaves of every file to what Python reads in it.
    """
    pieces = ("\n" + source).split(_QUOTES)  # code and strings in turn
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            pieces[number] = _COMMENT.sub("\n", piece)
        elif not pieces[number - 1].rpartition("\n")[2].strip(" "):
            pieces[number - 1] += '""'
            pieces[number] = "\n" * piece.count("\n")
        else:
            pieces[number] = f"{_QUOTES}{piece}{_QUOTES}"
    return "".join(pieces)[1:]

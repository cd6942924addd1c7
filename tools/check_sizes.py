# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says which Python files and functions have outgrown what one reading takes in: 300 lines a file, 40 a function.

DOCUMENTATION, EXAMPLES and RETURN of a module do not count, because they are as long as the options are many; nor does
a docstring count as lines of its function.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Iterator, Sequence

FILE_LINES = 300
FUNCTION_LINES = 40
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def main(arguments: Sequence[str]) -> int:
    """Prints one line for each file or function that is too long; returns 1 if there is any."""
    paths = [path for folder in arguments for path in sorted(Path(folder).rglob("*.py"))]
    complaints = [line for path in paths for line in complaints_about(path)]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


def complaints_about(path: Path) -> Iterator[str]:
    """Yields ``path:line: what is too long`` for one file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    lines = len(text.splitlines()) - sum(length(node) for node in tree.body if is_documentation(node))
    if lines >= FILE_LINES:
        yield f"{path}:1: the file has {lines} lines, {FILE_LINES - 1} is the most: split it by what it knows"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = length(node) - (length(node.body[0]) if ast.get_docstring(node) else 0)
            if lines >= FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines, {FUNCTION_LINES - 1} is the most"


def length(node: ast.stmt) -> int:
    """The number of lines a statement takes."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_documentation(node: ast.stmt) -> bool:
    """Whether a statement is one of a module's documentation blocks."""
    return (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in DOCUMENTATION
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

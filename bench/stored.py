# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts in Markdown with places that the bench fills: what stands between two marks, written and read."""

from __future__ import annotations

from typing import Iterator

BEGIN, END = "<!-- results: {} -->", "<!-- end of results: {} -->"


def put_results(text: str, part: str, results: str) -> str:
    """Returns the text of bench/README.md with the results of a part in their place."""
    return between(text, BEGIN.format(part), END.format(part), results)


def between(text: str, begin: str, end: str, content: str) -> str:
    """Returns the text with ``content`` between two marks; raises ValueError unless each of them is there once."""
    before, rest = text.split(begin)
    _old, after = rest.split(end)
    return f"{before}{begin}\n\n{content.rstrip()}\n\n{end}{after}"


def rows_of(text: str, part: str) -> Iterator[dict[str, str]]:
    """Yields the rows of a part's first table, each as its cells by column; none if nothing is stored."""
    begin, end = BEGIN.format(part), END.format(part)
    columns: list[str] = []
    for line in text.split(begin)[1].split(end)[0].splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not columns:
                columns = cells
            elif not line.startswith("|---"):
                yield dict(zip(columns, cells))
        elif columns:
            return

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Elements of HTML and SVG; whatever text is put into one is escaped."""

from __future__ import annotations

from html import escape
from typing import Union

_VOID = frozenset(("br", "col", "input", "rect", "line", "path", "use", "circle"))


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(tag: str, *children: Union[str, int], **attributes: Union[str, int, bool, None]) -> Html:
    """Returns an element with its attributes and children.

    A child that is no Html is text. Of an attribute's name an underscore is a hyphen, one at the end nothing, as in
    ``class_``; an attribute that is True stands without a value, one that is None or False is left out.
    """
    told = "".join(
        _attribute(name, value) for name, value in attributes.items() if value is not None and value is not False
    )
    if tag in _VOID:
        return Html(f"<{tag}{told}/>")
    return Html(f"<{tag}{told}>{join(*children)}</{tag}>")


def join(*children: Union[str, int]) -> Html:
    """Returns children one behind the other."""
    return Html("".join(child if isinstance(child, Html) else escape(str(child)) for child in children))


def _attribute(name: str, value: Union[str, int, bool, None]) -> str:
    given = name.rstrip("_").replace("_", "-")
    return f" {given}" if value is True else f' {given}="{escape(str(value))}"'

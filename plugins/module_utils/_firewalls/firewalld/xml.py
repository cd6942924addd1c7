# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits firewalld's XML files as text; firewalld itself would write them anew and keep a copy of the old.

What is put in goes on lines of its own where the file has lines, so that taking it out leaves the bytes of before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple
from xml.parsers import expat

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    ZoneItem,
    item_of_rule,
    parse_firewalld_port,
)

_TAG = re.compile(rb"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_EMPTIED = re.compile(rb">(</(?:zone|policy)) >")  # how `<zone/>` looks when what we put in is taken out


@dataclass
class Node:
    """An element: its bytes are those from ``start`` to ``end``, its content begins at ``inner``.

    ``closing`` is where its end tag begins; ``<a/>`` is ``empty`` and closes where it begins.
    """

    tag: str
    attributes: Dict[str, str]
    start: int
    inner: int
    closing: int = 0
    end: int = 0
    empty: bool = False
    text: str = ""
    children: List[Node] = field(default_factory=list)

    def find_all(self, tag: str) -> List[Node]:
        """The children of that name."""
        return [child for child in self.children if child.tag == tag]

    @property
    def meaning(self) -> Tuple[Any, ...]:
        """What it says, whatever the order, the spaces, the comments, and a target that is the default anyway."""
        children = sorted((child.meaning for child in self.children), key=repr)
        attributes = sorted(pair for pair in self.attributes.items() if pair != ("target", "default"))
        return self.tag, attributes, " ".join(self.text.split()), children


def parse(content: bytes) -> Node:
    """Returns the root of an XML file; raises ValueError with the parser's words if it is broken."""
    root: List[Node] = []
    opened: List[Node] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: Dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        node = Node(tag, attributes, at, _end_of_tag(content, at))
        (opened[-1].children if opened else root).append(node)
        opened.append(node)

    def end(_tag: str) -> None:
        node = opened.pop()
        node.empty = content[node.inner - 2 : node.inner] == b"/>"
        node.closing = node.start if node.empty else parser.CurrentByteIndex
        node.end = _end_of_tag(content, node.closing)

    def text(characters: str) -> None:
        opened[-1].text += characters

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        raise ValueError(str(problem)) from None
    return root[0]


def _end_of_tag(content: bytes, at: int) -> int:
    tag = _TAG.match(content, at)
    if tag is None:
        raise ValueError(f"no tag ends after byte {at}")
    return tag.end()


def item_of(node: Node) -> Optional[ZoneItem]:
    """Returns what an element of a zone or policy lets in, or None for any other element."""
    attributes = node.attributes
    if node.tag == "service" and "name" in attributes:
        return ZoneItem(attributes["name"])
    if node.tag == "port":
        port = parse_firewalld_port(attributes.get("port", ""), attributes.get("protocol", ""))
        return ZoneItem("", port) if port else None
    if node.tag != "rule":
        return None
    elements, values = ["rule"], {f"rule {name}": value for name, value in attributes.items()}
    for child in node.children:
        elements += [child.tag, *(inner.tag for inner in child.children)]
        values.update({f"{child.tag} {name}": value for name, value in child.attributes.items()})
    return item_of_rule(elements, values, "")


def items_of(root: Node) -> Tuple[ZoneItem, ...]:
    """Returns all that a zone or policy lets in, in the file's order."""
    items = (item_of(child) for child in root.children)
    return tuple(item for item in items if item)


def remove(content: bytes, unwanted: Callable[[ZoneItem], bool]) -> bytes:
    """Returns a file without the items that are ``unwanted``, and without the lines that held nothing else."""
    after = content
    for node in reversed(parse(content).children):
        item = item_of(node)
        if item and unwanted(item):
            start, end = _whole_lines(content, node.start, node.end)
            after = after[:start] + after[end:]
    return _EMPTIED.sub(rb"/>", after) if after != content else content


def _whole_lines(content: bytes, start: int, end: int) -> Tuple[int, int]:
    """The bytes of an element with its line's indent and end if it stands there alone."""
    line_start = content.rfind(b"\n", 0, start) + 1
    newline = content.find(b"\n", end)
    alone = newline >= 0 and not content[line_start:start].strip() and not content[end:newline].strip()
    return (line_start, newline + 1) if alone else (start, end)


def insert(content: bytes, items: Sequence[ZoneItem]) -> bytes:
    """Returns a file with items put before the end of its root, each on a line if the end stands on one."""
    if not items:
        return content
    root = parse(content)
    elements = [_element(item) for item in items]
    if root.empty:
        opened = content[: root.inner - 2] + b">"
        return opened + b"".join(elements) + f"</{root.tag} >".encode() + content[root.inner :]
    line_start = content.rfind(b"\n", 0, root.closing) + 1
    if line_start < root.inner or content[line_start : root.closing].strip():
        return content[: root.closing] + b"".join(elements) + content[root.closing :]
    newline = b"\r\n" if content[:line_start].endswith(b"\r\n") else b"\n"
    lines = b"".join(b"  " + element + newline for element in elements)
    return content[:line_start] + lines + content[line_start:]


def _element(item: ZoneItem) -> bytes:
    if item.service:
        inner = f'<service name="{item.service}"/>'
    else:
        number, _slash, protocol = str(item.port).partition("/")
        inner = f'<port port="{number}" protocol="{protocol}"/>'
    if item.rich:
        priority = f' priority="{item.priority}"' if item.priority else ""
        family = f' family="ipv{item.source.version}"' if item.source else ""
        source = f'<source address="{item.source}"/>' if item.source else ""
        inner = f"<rule{priority}{family}>{source}{inner}<accept/></rule>"
    return inner.encode("utf-8")

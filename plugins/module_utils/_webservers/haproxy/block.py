# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our marked block in a file of HAProxy: finds, merges and removes it, all else byte for byte."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

# As the role of release 0.1.0 wrote them, so that its block is taken over.
BEGIN = "# BEGIN of what the Ansible role port443.https.serve_https wrote"
END = "# END of what the Ansible role port443.https.serve_https wrote"
# Stands in BEGIN's place where the text before had no line end at its end: that is one which came with the block.
_BEGIN_JOINED = BEGIN + ", with the line end before it"


class Divided(NamedTuple):
    """A text in three: before the block, the block's lines without its markers, after it."""

    before: str
    block: str
    after: str


def divide(text: str, path: str) -> Divided:
    """Returns the text in three, the block empty where there is none; before and after together are others' text.

    Raises HostError where the markers are not one pair.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+\Z", text)
    begins = [at for at, line in enumerate(lines) if line.rstrip("\r\n") in (BEGIN, _BEGIN_JOINED)]
    ends = [at for at, line in enumerate(lines) if line.rstrip("\r\n") == END]
    if not begins and not ends:
        return Divided(text, "", "")
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise HostError(
            f"{path} has {len(begins)} lines '{BEGIN}' and {len(ends)} lines '{END}': there has to be one of each, in "
            "this order, around our block; take out what is left of an older one"
        )
    begin, end = begins[0], ends[0]
    before = "".join(lines[:begin])
    if lines[begin].rstrip("\r\n") == _BEGIN_JOINED and end == len(lines) - 1:
        before = before[:-1]
    return Divided(before, "".join(lines[begin + 1 : end]), "".join(lines[end + 1 :]))


def merge(text: str, block: str, path: str) -> str:
    """Returns the text with the block in the place of ours, at the end where there is none; empty takes it away.

    ``block`` ends with a line end. Taking it away gives the very text that was there before it was first merged.
    """
    before, _old, after = divide(text, path)
    if not block:
        return before + after
    joined = bool(before) and not before.endswith("\n")
    begin = _BEGIN_JOINED if joined else BEGIN
    line_end = "\n" if joined else ""
    return f"{before}{line_end}{begin}\n{block}{END}\n{after}"

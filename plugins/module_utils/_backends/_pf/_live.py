# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be loaded into the kernel: our anchor alone where the main ruleset calls it, else the main ruleset.

Loading pf.conf replaces the main ruleset, so it is done only where that changes nothing but our call. Where the rules
in force are not those of pf.conf (programs insert some on macOS), the filter rules in force are loaded again with our
call among them (``pfctl -R``), which leaves translation, tables and options alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._pf._observe import Have
from ansible_collections.port443.https.plugins.module_utils._backends._pf._rule import AUTOMATIC, Rules
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._plan import Run

_AUTOMATIC = re.compile(rf"<{AUTOMATIC}[^>]*>")
_UNCOUNTED = ("dummynet", "altq", "queue", "set ", "table ", "Loading ")  # not in -s rules and -s nat
_FILTERS = ("pass", "block", "anchor", "match")
_MACRO = re.compile(r"\w+ = \"", re.ASCII)


@dataclass(frozen=True)
class Difference:
    """Rules that are in force and not in pf.conf, and the other way round, as pfctl prints them."""

    only_live: Tuple[str, ...]
    only_file: Tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.only_live or self.only_file)


def calls(rules: Rules, anchor: str) -> bool:
    """Tells whether a ruleset calls an anchor by name."""
    return any(rule.action == "anchor" and rule.anchor == anchor and not rule.body for rule in rules)


def difference(have: Have, anchor: str) -> Difference:
    """Returns how the rules in force differ from those of pf.conf, the call of ``anchor`` left out."""
    live = Counter(_comparable(have.main + have.translations, anchor))
    file = Counter(_comparable(have.file_rules or "", anchor))
    return Difference(tuple((live - file).elements()), tuple((file - live).elements()))


def _comparable(text: str, anchor: str) -> List[str]:
    lines = (line.strip() for line in text.splitlines())
    return [
        _AUTOMATIC.sub(f"<{AUTOMATIC}>", line)
        for line in lines
        if line and not line.startswith(_UNCOUNTED) and not _MACRO.match(line) and not is_call(line, anchor)
    ]


def is_call(line: str, anchor: str) -> bool:
    """Tells whether a printed line is the call of that anchor."""
    return line.startswith(f'anchor "{anchor}" ') and not line.endswith("{")


@dataclass(frozen=True)
class Load:
    """How the main ruleset is loaded: ``text`` is given to pfctl, or with None the file itself.

    ``parts`` loads the filter rules of the text alone.
    """

    step: Run
    text: Optional[str]
    parts: bool = False


def load_main(have: Have, anchor: str, text: Optional[str], candidate: str, position: str, calling: bool) -> Load:
    """Returns how the main ruleset comes to call the anchor (``calling``) or not to any more.

    ``candidate`` is what pf.conf will be; with ``text`` None it is loaded from the file. Raises HostError where loading
    it would drop rules of others.
    """
    refuse_broken(have)
    found = difference(have, anchor)
    back = (Run(("pfctl", "-f", "-"), (have.conf or b"").decode("latin-1")), reload_anchor(have, anchor))
    if not found.only_live and not (found.only_file and have.live.enabled):
        if text is None:
            return Load(Run(("pfctl", "-f", have.boot.conf), undo=back), candidate)
        return Load(Run(("pfctl", "-f", "-"), text, back), text)
    if not have.system.loads_parts:
        raise HostError(
            f"the rules in force are not those of {have.boot.conf} ({_told(found)}), and loading it would change more "
            f"than is asked for: make them one with pfctl -f {have.boot.conf} or an edit of it, then run this again"
        )
    lines = [line for line in have.main.splitlines() if not is_call(line.strip(), anchor)]
    before = "\n".join(have.main.splitlines()) + "\n"
    if calling:
        at = (
            next((at for at, line in enumerate(lines) if line.startswith(_FILTERS)), 0) if position == "first" else None
        )
        lines.insert(len(lines) if at is None else at, f'anchor "{anchor}" all')
    after = "\n".join(lines) + "\n"
    command = ("pfctl", "-R", "-f", "-")
    return Load(Run(command, after, (Run(command, before),)), after, True)


def refuse_broken(have: Have) -> None:
    """Raises HostError, in pfctl's own words, where pf.conf could not be loaded as it is."""
    if have.broken:
        raise HostError(
            f"{have.boot.conf} is broken as it is, so nothing was written: {have.broken}. Mend it and run this again"
        )


def _told(found: Difference) -> str:
    parts = []
    if found.only_live:
        parts.append(f"in force alone: {'; '.join(found.only_live[:3])}")
    if found.only_file:
        parts.append(f"in the file alone: {'; '.join(found.only_file[:3])}")
    return ", ".join(parts)


def load_anchor(have: Have, anchor: str, path: Optional[str], text: str) -> Run:
    """Returns how the anchor alone is loaded: from its file, or with ``path`` None from the text."""
    back = reload_anchor(have, anchor)
    if path is None:
        return Run(("pfctl", "-a", anchor, "-f", "-"), text, (back,))
    return Run(("pfctl", "-a", anchor, "-f", path), undo=(back,))


def reload_anchor(have: Have, anchor: str) -> Run:
    """Returns what brings the anchor back to what it holds now."""
    rules = have.live.anchors.get(anchor, ())
    if not rules:
        return flush_anchor(anchor)
    return Run(("pfctl", "-a", anchor, "-f", "-"), "".join(rule.text + "\n" for rule in rules))


def flush_anchor(anchor: str, undo: Tuple[Run, ...] = ()) -> Run:
    """Returns what empties the anchor; nothing else of pf's is touched."""
    return Run(("pfctl", "-a", anchor, "-F", "rules"), undo=undo)

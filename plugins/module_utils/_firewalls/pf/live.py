# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses what is loaded into the kernel: our anchor alone where the main ruleset calls it, else the main ruleset.

Loading pf.conf replaces the main ruleset, so it is done only where that changes nothing but our call. Where the rules
in force are not those of pf.conf (programs insert some on macOS), the filter rules in force are loaded again with our
call among them (``pfctl -R``), which leaves translation, tables and options alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.adopt import Candidate
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.load import PARTS, LoadMain, edited, whole
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import PfState
from ansible_collections.port443.https.plugins.module_utils._pf.drift import Difference, compare, foreign, without_rules
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Run


@dataclass(frozen=True)
class Load:
    """How the main ruleset is loaded: ``text`` is given to pfctl, or with None the file itself.

    ``parts`` loads the filter rules of the text alone.
    """

    step: LoadMain
    text: Optional[str]
    parts: bool = False


def difference(have: PfState, anchor: str) -> Difference:
    """Returns how what is in force differs from what pf.conf would load, the call of ``anchor`` left out."""
    inside = {path: [rule.text for rule in rules] for path, rules in have.live.anchors.items()}
    found = compare(have.main, have.file_rules or "", inside, anchor)
    more, less = have.drifted_tables
    found = Difference(found.only_live + more, found.only_file + less)
    for one in have.loaded:
        there = compare(one.live, one.file, {}, "")
        found = Difference(
            found.only_live + tuple(f"anchor {one.name}: {line}" for line in there.only_live),
            found.only_file + tuple(f"anchor {one.name}: {line}" for line in there.only_file),
        )
    return found


def load_main(
    have: PfState,
    anchor: str,
    text: Optional[str],
    candidate: str,
    position: str,
    calling: bool,
    adopted: Sequence[Candidate] = (),
) -> Load:
    """Returns how the main ruleset comes to call the anchor (``calling``) or not to any more.

    ``candidate`` is what pf.conf will be; with ``text`` None it is loaded from the file. ``adopted`` are rules that go
    with it. Raises HostError where loading it would drop other rules of others.
    """
    refuse_broken(have)
    found = difference(have, anchor)
    held, filed = foreign(have.main, anchor), foreign(have.file_rules or "", anchor)
    was = (have.conf or b"").decode("latin-1") if held == filed else whole(have.main)
    back = (Run(("pfctl", "-f", "-"), was), reload_anchor(have, anchor))
    told = candidate if adopted else None
    run = Run(("pfctl", "-f", "-"), text or "")
    step = LoadMain(have.system, anchor, calling, position, run, back, held, filed, told)
    if not found.only_live and not (found.only_file and have.live.enabled):
        if text is None:
            return Load(replace(step, run=Run(("pfctl", "-f", have.boot.conf))), candidate)
        return Load(step, text)
    if not have.system.loads_parts:
        raise HostError(
            f"the rules in force are not those of {have.boot.conf} ({found}), and loading it would change more "
            f"than is asked for: make them one with pfctl -f {have.boot.conf} or an edit of it, then run this again"
        )
    command = ("pfctl", *PARTS, "-f", "-")
    kept = without_rules(have.main, [rule.text for one in adopted for rule in one.rules])
    after = edited(kept, anchor, calling, position)
    before = edited(have.main, "", False, position)
    step = replace(step, run=Run(command, after), back=(Run(command, before),), left=foreign(kept, anchor), told=None)
    return Load(step, after, True)


def refuse_broken(have: PfState) -> None:
    """Raises HostError, in pfctl's own words, where pf.conf could not be loaded as it is."""
    if have.broken:
        raise HostError(
            f"{have.boot.conf} is broken as it is, so nothing was written: {have.broken}. Mend it and run this again"
        )


def load_anchor(have: PfState, anchor: str, path: Optional[str], text: str) -> Run:
    """Returns how the anchor alone is loaded: from its file, or with ``path`` None from the text."""
    back = reload_anchor(have, anchor)
    if path is None:
        return Run(("pfctl", "-a", anchor, "-f", "-"), text, (back,))
    return Run(("pfctl", "-a", anchor, "-f", path), undo=(back,))


def reload_anchor(have: PfState, anchor: str) -> Run:
    """Returns what brings the anchor back to what it holds now."""
    rules = have.live.anchors.get(anchor, ())
    if not rules:
        return flush_anchor(anchor)
    return Run(("pfctl", "-a", anchor, "-f", "-"), "".join(rule.text + "\n" for rule in rules))


def flush_anchor(anchor: str, undo: Tuple[Run, ...] = ()) -> Run:
    """Returns what empties the anchor; nothing else of pf's is touched."""
    return Run(("pfctl", "-a", anchor, "-F", "rules"), undo=undo)

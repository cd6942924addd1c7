# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans files, loads and switching on of pf from a host as observed, as data and in that order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf import enable as _enable
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf import live
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.adopt import (
    Candidate,
    choose_adopted,
    without_statements,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import (
    FOLDER,
    anchor_of,
    expected_rules,
    file_of,
    refuse_unported,
    render_file,
    render_rules,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import HIDDEN, THERE, PfState
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.verdict import blocks_neighbours
from ansible_collections.port443.https.plugins.module_utils._pf.conf import (
    FILE_MADE,
    FOLDER_MADE,
    anchors_of_ours,
    find_call,
    notes_of,
    settled,
    with_block,
    without_block,
)
from ansible_collections.port443.https.plugins.module_utils._pf.drift import calls
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import Filter
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._pf.rule import meaning
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Plan, Run, Step, Write
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class PfPlan(Plan):
    """A plan for pf, with what has to be tried before.

    ``rules`` is the text of the anchor (empty: none). ``conf`` is the text that pf.conf is to hold, ``calls`` whether
    it calls the anchor. ``main`` is the text that the main ruleset is loaded from, None where it stays; ``parts`` tells
    that it holds filter rules alone, and ``left`` are then the rules of others that are to be in force. ``switches_on``
    tells that pf comes on.
    """

    rules: str = ""
    conf: str = ""
    calls: bool = False
    main: Optional[str] = None
    parts: bool = False
    switches_on: bool = False
    left: Tuple[str, ...] = ()


def plan(have: PfState, request: PortsRequest) -> PfPlan:
    """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
    return _plan_absent(have, request) if request.state == "absent" else _plan_present(have, request)


def _plan_present(have: PfState, request: PortsRequest) -> PfPlan:
    refuse_unported(request.ports)
    _refuse_device(have, request)
    anchor = anchor_of(request)
    adopted = choose_adopted(have.candidates, request)
    text = without_statements(_text(have.conf), adopted)
    stripped = without_block(text, anchor)
    _refuse_call(have, stripped, anchor)
    neighbours = _blocks_neighbours(have, request)
    rules = render_rules(request, neighbours)
    want_conf, want_file = _wanted_files(have, request, text, stripped, neighbours)
    switches_on = request.enable and not have.live.enabled
    files = _file_steps(have, anchor, want_conf, want_file)
    main: Optional[live.Load] = None
    loads: Tuple[Step, ...] = ()
    if have.live.enabled or switches_on:
        moved = (stripped != text != want_conf and bool(want_conf)) or bool(adopted)
        main, loads = _loads(have, request, (stripped, want_conf), neighbours, moved or switches_on)
    before, after = _enable.steps(have, request, switches_on)
    return PfPlan(
        (*before, *files, *loads, *after),
        _changes(have, anchor, want_conf, want_file, rules if loads else None),
        _persisted(have, request),
        _warnings(have, request, bool(main and main.parts)) + _adoption_warnings(adopted),
        rules=rules,
        conf=want_conf,
        calls=request.persistent or find_call(stripped, anchor).called,
        main=main.text if main else None,
        parts=bool(main and main.parts),
        switches_on=switches_on,
        left=main.step.left if main else (),
    )


def _loads(
    have: PfState, request: PortsRequest, conf: Tuple[str, str], neighbours: bool, again: bool
) -> Tuple[Optional[live.Load], Tuple[Step, ...]]:
    """What is loaded into the kernel: the main ruleset where it does not call the anchor, the anchor where it differs.

    ``conf`` is pf.conf without our block and as it will be; ``again`` loads the main ruleset although it has the call,
    if the file says something else than is in force.
    """
    anchor = anchor_of(request)
    rules = have.live.anchors.get(anchor, ())
    same = meaning(rules, have.live.tables, anchor) == expected_rules(request, neighbours)
    main: Optional[live.Load] = None
    if not calls(have.live.rules, anchor) or again:
        main = _load_main(have, request, *conf)
    alone = main is None or main.parts or not request.persistent
    path = file_of(anchor) if request.persistent else None
    own = (live.load_anchor(have, anchor, path, render_rules(request, neighbours)),) if alone and not same else ()
    return main, (*own, main.step) if main else own


def _load_main(have: PfState, request: PortsRequest, stripped: str, want_conf: str) -> live.Load:
    anchor = anchor_of(request)
    text = None if request.persistent else with_block(stripped, anchor, "", request.position)
    adopted = choose_adopted(have.candidates, request)
    return live.load_main(have, anchor, text, want_conf, request.position, True, adopted)


def _wanted_files(
    have: PfState, request: PortsRequest, text: str, stripped: str, neighbours: bool
) -> Tuple[str, Optional[bytes]]:
    """What pf.conf and the anchor file are to hold; a set that is not to last is in neither."""
    anchor = anchor_of(request)
    if not request.persistent:
        return stripped, None
    noted = notes_of(text)
    made = ((FILE_MADE, have.conf is None), (FOLDER_MADE, not have.folder.exists or have.folder.made))
    notes = [note for note, done in made if done or note in noted]
    want_conf = settled(text, anchor, file_of(anchor), request.position, notes)
    return want_conf, render_file(request, neighbours, FOLDER_MADE in notes)


def _plan_absent(have: PfState, request: PortsRequest) -> PfPlan:
    anchor = anchor_of(request)
    text = _text(have.conf)
    stripped = without_block(text, anchor)
    loads: List[Step] = []
    main: Optional[live.Load] = None
    holds = have.live.anchors.get(anchor, ())
    if calls(have.live.rules, anchor) and not find_call(stripped, anchor).called:
        gone = "" if _is_gone(have, stripped) else None
        main = live.load_main(have, anchor, gone, stripped, request.position, False)
        loads.append(main.step)
    if holds:
        loads.append(live.flush_anchor(anchor, (live.reload_anchor(have, anchor),)))
    files = _file_steps(have, anchor, stripped, None)
    conf = tuple(step for step in files if isinstance(step, Write) and step.path == have.boot.conf)
    others = tuple(step for step in files if step not in conf)
    last = not anchors_of_ours(stripped)
    return PfPlan(
        (*conf, *loads, *others, *(_enable.release_steps(have) if last else ())),
        _changes(have, anchor, stripped, None, "" if holds else None),
        conf=stripped,
        calls=find_call(stripped, anchor).called,
        main=main.text if main else None,
        parts=bool(main and main.parts),
        left=main.step.left if main else (),
    )


def _text(content: Optional[bytes]) -> str:
    return (content or b"").decode("latin-1")


def _refuse_device(have: PfState, request: PortsRequest) -> None:
    """Raises HostError where the kernel has no pf that could be spoken to and nothing can be done about it."""
    if have.device == HIDDEN:
        raise HostError(
            "this jail has no /dev/pf: a rule of devfs(8) on the host has to unhide it, or pf on the host has to open "
            "the ports"
        )
    if have.device != THERE and not request.enable:
        raise HostError(
            "pf is not in this kernel (there is no /dev/pf): load it with kldload pf, or set enable: true to have it "
            "loaded and switched on, now and at boot"
        )


def _refuse_call(have: PfState, stripped: str, anchor: str) -> None:
    call = find_call(stripped, anchor)
    if call.inline:
        raise HostError(
            f'{have.boot.conf} has the rules of anchor "{anchor}" itself, in braces: open the ports there, or give the '
            "set another anchor with the option anchor"
        )
    if call.loaded_from and call.loaded_from != file_of(anchor):
        raise HostError(
            f'{have.boot.conf} loads anchor "{anchor}" from {call.loaded_from}: open the ports there, or give the set '
            "another anchor with the option anchor"
        )


def _blocks_neighbours(have: PfState, request: PortsRequest) -> bool:
    """Whether the set has to let neighbour discovery through; other sets are not counted on, as each may go."""
    if "in" not in request.directions:
        return False
    base = have.live
    if not base.enabled:
        if have.file_rules is None:
            return False
        base = Filter(True, parse_rules(have.file_rules), groups=have.live.groups)
    ours = {*anchors_of_ours(_text(have.conf)), anchor_of(request)}
    bare = replace(base, anchors={name: rules for name, rules in base.anchors.items() if name not in ours})
    return blocks_neighbours(bare, have.link(6))


def _file_steps(have: PfState, anchor: str, want_conf: str, want_file: Optional[bytes]) -> Tuple[Step, ...]:
    """The writes, the anchor file first, as pf.conf that loads a file which is missing fails as a whole."""
    steps: List[Step] = []
    if want_file is not None and not have.folder.exists:
        steps.append(Run(("mkdir", "-m", "755", FOLDER), undo=(Run(("rmdir", FOLDER)),)))
    if want_file != have.anchor_file:
        steps.append(Write(file_of(anchor), have.anchor_file, want_file))
    removes = want_file is None and have.anchor_file is not None
    made = have.folder.made or FOLDER_MADE in notes_of(_text(have.conf))
    if removes and made and have.folder.count == 1:
        steps.append(Run(("rmdir", FOLDER), undo=(Run(("mkdir", "-m", "755", FOLDER)),)))
    text = _text(have.conf)
    if want_conf != text:
        gone = _is_gone(have, want_conf)
        steps.append(Write(have.boot.conf, have.conf, None if gone else want_conf.encode("latin-1")))
    if steps:
        live.refuse_broken(have)
    return tuple(steps)


def _is_gone(have: PfState, want_conf: str) -> bool:
    """Whether pf.conf was made for a set that was the last thing in it."""
    return not want_conf and FILE_MADE in notes_of(_text(have.conf))


def _changes(
    have: PfState, anchor: str, want_conf: str, want_file: Optional[bytes], rules: Optional[str]
) -> Tuple[Change, ...]:
    found = []
    if rules is not None:
        before = "".join(rule.text + "\n" for rule in have.live.anchors.get(anchor, ()))
        found.append(Change(f"pf anchor {anchor}", before, rules))
    if want_file != have.anchor_file:
        found.append(Change(file_of(anchor), _text(have.anchor_file), _text(want_file)))
    if want_conf != _text(have.conf):
        found.append(Change(have.boot.conf, _text(have.conf), want_conf))
    return tuple(found)


def _persisted(have: PfState, request: PortsRequest) -> str:
    if not request.persistent:
        return "no"
    if have.boot.enables or request.enable or have.system.counts_references:
        return "written"
    return "no" if have.live.enabled else "not needed"


def _adoption_warnings(adopted: Sequence[Candidate]) -> Tuple[str, ...]:
    """What became of rules of others; pf has no state of connections that a rule without state let in."""
    ended = ", and connections that it let in end, as pf has no state of them"
    return tuple(f"taken over into the set: {one}{ended if one.stateless else ''}" for one in adopted)


def _warnings(have: PfState, request: PortsRequest, parts: bool) -> Tuple[str, ...]:
    found = []
    if parts:
        found.append(
            f"the rules in force are not those of {have.boot.conf}: the set was added to both, and nothing else of the "
            "file was loaded"
        )
    if not have.live.enabled and not request.enable and have.boot.enables:
        found.append("pf is off now and comes on at boot; the set is saved for that")
    if have.live.enabled and not have.boot.enables and not request.enable and not have.system.counts_references:
        found.append("pf is on now and does not come on at boot: set enable: true to have it so")
    if have.other_filter:
        found.append(f"{have.other_filter} on this host too, and rules of pf do not overrule it")
    return tuple(found)

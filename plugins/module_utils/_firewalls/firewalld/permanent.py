# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the changes of firewalld's permanent configuration, in its files.

A running firewalld keeps what it read from them, and later writes whole files from that. It notices a changed file five
seconds later, but never that a zone has got or lost a file of its own. So it is told, and what it then writes is
replaced by the bytes that are meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.adopt import is_adoptable
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import (
    ZONE,
    Place,
    add_saved,
    define_service,
    remove_saved,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    Ours,
    ZoneItem,
    is_ours,
    parse_items,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import (
    FOLDERS,
    FirewalldState,
    SettingsFile,
    service_path,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.runtime import is_settled, wanted_items
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    parse_service,
    render_service,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.xml import (
    insert,
    items_of,
    parse,
    remove,
)
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BusCall, Change, Step, Write
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class FileChanges:
    """What changes in the files."""

    steps: Tuple[Step, ...]
    changes: Tuple[Change, ...]


@dataclass(frozen=True)
class _Edit:
    """One zone's or policy's file: its bytes after, and the items that come and go."""

    place: Place
    file: SettingsFile
    after: Optional[bytes]
    want: Tuple[ZoneItem, ...]


def plan_saved(
    have: FirewalldState, request: PortsRequest, ours: Ours, targets: FrozenSet[Place], reloads: bool
) -> FileChanges:
    """Returns what makes the files what the request says; ``reloads`` tells that firewalld reads them all afterwards.

    Raises HostError for a broken file that has to be changed.
    """
    wanted = targets if request.persistent and request.state == "present" else frozenset()
    made = _made_before(have)
    edits = [_edit(have, request, ours, place, place in wanted, made) for place in sorted(have.files)]
    changed = [edit for edit in edits if edit.after != edit.file.content]
    before = have.services.get(request.chain)
    after = _service_after(have, request, wanted, made) if wanted else None
    told = have.daemon is not None and not reloads
    steps: List[Step] = [_zone_step(have, request, ours, edit) if told else _write(edit) for edit in changed]
    if before != after:
        step = _service_step(have, request, before, after, told)
        steps = [step, *steps] if after is not None else [*steps, step]
    changes = [Change(edit.file.path, _shown(edit.file.content), _shown(edit.after)) for edit in changed]
    if before != after:
        changes.append(Change(service_path(request.chain), _shown(before), _shown(after)))
    return FileChanges(tuple(steps), tuple(changes))


def _made_before(have: FirewalldState) -> FrozenSet[str]:
    """The files that exist because a set of ours went into them."""
    made: List[str] = []
    for content in have.services.values():
        try:
            made += parse_service(content).made
        except ValueError:
            continue
    return frozenset(made)


def _relative(place: Place) -> str:
    return f"{FOLDERS[place[0]]}/{place[1]}.xml"


def _edit(
    have: FirewalldState, request: PortsRequest, ours: Ours, place: Place, wanted: bool, made: FrozenSet[str]
) -> _Edit:
    file = have.files[place]
    try:
        items = items_of(parse(file.effective))
    except ValueError as problem:
        if not wanted:
            return _Edit(place, file, file.content, ())
        raise HostError(
            f"{file.path} is broken, so that firewalld does not load it ({problem}): mend it first; nothing was changed"
        ) from None
    want = wanted_items(request, place, by_service=True) if wanted else ()
    ports = wanted_items(request, place, by_service=False) if wanted else ()
    mine = [item for item in items if is_ours(item, ours)]
    settled = is_settled(mine, want, ports) or (wanted and is_settled(mine, ports))
    kept = set(mine) if settled else set(want)

    def unwanted(item: ZoneItem) -> bool:
        if is_ours(item, ours):
            return item not in kept
        return wanted and is_adoptable(item, request, have.definitions)

    after = remove(file.effective, unwanted)
    after = after if settled else insert(after, [item for item in want if item not in mine])
    return _Edit(place, file, _keep_or_delete(file, after, wanted or _relative(place) not in made), want)


def _keep_or_delete(file: SettingsFile, after: bytes, needed: bool) -> Optional[bytes]:
    if after == file.effective and (needed or file.content is None):
        return file.content
    if needed or file.content is None or file.stock is None:
        return after
    return None if parse(after).meaning == parse(file.stock).meaning else after


def _service_after(
    have: FirewalldState, request: PortsRequest, targets: FrozenSet[Place], made: FrozenSet[str]
) -> bytes:
    """The set's service; it remembers the files that are there for its sake, those of other sets of ours too."""
    remembered = sorted(
        _relative(place) for place in targets if have.files[place].content is None or _relative(place) in made
    )
    before = have.services.get(request.chain)
    try:
        if before is not None and parse_service(before) == ServiceDefinition(request.ports, True, tuple(remembered)):
            return before
    except ValueError:
        pass
    return render_service(request.name, request.chain, request.ports, remembered)


def _write(edit: _Edit) -> Write:
    return Write(edit.file.path, edit.file.content, edit.after)


def _zone_step(have: FirewalldState, request: PortsRequest, ours: Ours, edit: _Edit) -> Step:
    """Tells firewalld what changes in a saved zone; what it does not know needs no telling."""
    path = have.daemon.objects.get(edit.place) if have.daemon else None
    if have.daemon is None or path is None or edit.place[0] != ZONE:
        return _write(edit)
    known = parse_items(have.daemon.saved[edit.place])
    after = items_of(parse(edit.after if edit.after is not None else edit.file.stock or b"<zone/>"))
    added = [item for item in edit.want if item not in known and item in after]
    gone = [item for item in known if item not in after and _is_concerned(item, have, request, ours)]
    if not added and not gone:
        return _write(edit)
    forth = [add_saved(path, item) for item in added] + [remove_saved(path, item) for item in gone]
    back = [add_saved(path, item) for item in gone] + [remove_saved(path, item) for item in added]
    copy = (edit.file.path + ".old",)
    undo = BusCall(tuple(back), (), (Write(edit.file.path, edit.after, edit.file.content),), copy)
    return BusCall(tuple(forth), (undo,), (_write(edit),), copy)


def _is_concerned(item: ZoneItem, have: FirewalldState, request: PortsRequest, ours: Ours) -> bool:
    return is_ours(item, ours) or is_adoptable(item, request, have.definitions)


def _service_step(
    have: FirewalldState, request: PortsRequest, before: Optional[bytes], after: Optional[bytes], told: bool
) -> Step:
    """A zone takes only a service that firewalld knows, so a new one is told before."""
    path = service_path(request.chain)
    write = Write(path, before, after)
    known = have.daemon is None or request.chain in have.daemon.saved_services
    if not told or known or before is not None or after is None:
        return write
    ports = [(str(port).split("/", 1)[0], port.protocol) for port in request.ports]
    return BusCall((define_service(request.chain, ports),), (Write(path, after, None),), (write,))


def _shown(content: Optional[bytes]) -> str:
    return "" if content is None else content.decode("utf-8", "surrogateescape")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps that switch pf on, now and at boot, by each system's own means, and release macOS' references."""

from __future__ import annotations

from typing import List, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import THERE, PfState
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.reference import Hold, TakeReference
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import (
    DAEMON,
    PLIST,
    TOKEN_FILE,
    find_token,
    plist,
)
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Run, Step, Write
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


def steps(have: PfState, request: PortsRequest, switches_on: bool) -> Tuple[Tuple[Step, ...], Tuple[Step, ...]]:
    """Returns what comes before the rules are loaded, and what comes behind; nothing where nobody asked for that.

    ``service pf start`` and its like are not used: they drop every state (rc.d/pf flushes all), and OpenBSD's rcctl
    cannot start pf.
    """
    before: List[Step] = []
    after: List[Step] = []
    if have.device != THERE and request.enable:
        before.append(Run(("kldload", "pf"), undo=(Run(("kldunload", "pf")),)))
    if request.enable and request.persistent and not have.boot.enables:
        after += _boot_steps(have)
    if switches_on and have.system.counts_references:
        after.append(Hold(TOKEN_FILE))
    elif switches_on:
        after.append(TakeReference())
    return tuple(before), tuple(after)


def _boot_steps(have: PfState) -> List[Step]:
    if have.system.name == "FreeBSD":
        old = have.boot.rc_value
        back = ("sysrc", "-x", "pf_enable") if old is None else ("sysrc", f"pf_enable={old}")
        return [Run(("sysrc", "pf_enable=YES"), undo=(Run(back),))]
    if have.system.name == "OpenBSD":
        return [Run(("rcctl", "enable", "pf"), undo=(Run(("rcctl", "disable", "pf")),))]
    return [Write(PLIST, have.reference.plist, plist())]


def release_steps(have: PfState) -> Tuple[Step, ...]:
    """Returns what gives our own reference back (macOS) when the last set goes; those of others are not touched."""
    found: List[Step] = []
    held = have.reference
    token = find_token((held.said or b"").decode("utf-8", "surrogateescape"))
    if token is not None and token in held.tokens.split():
        found.append(Run(("pfctl", "-X", token)))
    if held.said is not None:
        found.append(Write(TOKEN_FILE, held.said, None))
    if held.plist == plist():
        if held.loaded:
            found.append(Run(("launchctl", "bootout", f"system/{DAEMON}")))
        found.append(Write(PLIST, held.plist, None))
    return tuple(found)

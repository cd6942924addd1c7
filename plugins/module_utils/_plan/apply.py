# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies the steps of a plan, all or none, and undoes them."""

from __future__ import annotations

import contextlib
from typing import Callable, List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken, Refused
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Refusal
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._host.signals import uninterrupted
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, BusCall, Prune, Run, Step, Write

_LOCKED = 4  # RESOURCE_PROBLEM in iptables' include/xtables.h: the lock, or the kernel refused for now


def apply(host: FirewallHost, steps: Sequence[Step], note: Optional[Callable[[Step, bool], None]] = None) -> None:
    """Carries out the steps in order; raises HostError after undoing those done if one fails.

    It is Refused or Overtaken only where nothing is left of them. ``note`` is called with each step before it is
    carried out, and with True once it is.
    """
    done: List[Step] = []
    with uninterrupted():
        for step in steps:
            try:
                if note is not None:
                    note(step, False)
                _carry_out(host, step)
                if note is not None:
                    note(step, True)
            except HostError as problem:
                told = _undo_all(host, done)
                raise (HostError if told else type(problem))(problem.message + told) from None
            done.append(step)


def undo(host: FirewallHost, steps: Sequence[Step]) -> str:
    """Takes back steps that were carried out; returns what could not be, as a sentence, or an empty string."""
    with uninterrupted():
        return _undo_all(host, steps)


def _carry_out(host: FirewallHost, step: Step) -> None:
    if isinstance(step, Write):
        host.write(step.path, step.before, step.after)
        return
    if isinstance(step, Prune):
        host.prune(step.family, step.table, step.chain)
        return
    if isinstance(step, Act):
        step.carry_out(host)
        return
    if isinstance(step, BusCall):
        _call(host, step)
        return
    ended = host.run(step.argv, step.stdin)
    if ended.returncode:
        raise (HostError if _is_locked(ended) else Refused)(explain(ended))


def _call(host: FirewallHost, step: BusCall) -> None:
    """Lets the program do it, and then puts the bytes into its files that they are to have.

    If it refuses a part, what it did of the others is taken back, and it may take all of it after another look:
    firewalld forgets a service some seconds after the file of that is gone, which may be between look and call.
    """
    for file in step.files:
        if host.read(file.path) != file.before:
            raise Overtaken(f"{file.path} was changed by somebody else during this run; run again")
    with contextlib.ExitStack() as keeping:
        for path in step.kept:
            keeping.enter_context(host.keep(path))
        pairs = zip(step.methods, host.ask(step.methods))
    refused = [
        f"{method} failed and said: {said.words or said.name}" for method, said in pairs if isinstance(said, Refusal)
    ]
    for file in step.files:
        now = host.read(file.path)
        if now != file.after:
            host.write(file.path, now, file.after)
    if refused:
        for back in step.undo:
            with contextlib.suppress(HostError):  # what was refused cannot be taken back either
                _carry_out(host, back)
        raise Refused("; ".join(refused[:3]))


def _is_locked(ended: Completed) -> bool:
    """Tells whether a tool of iptables waited for its lock in vain."""
    return ended.returncode == _LOCKED and "lock" in ended.words()


def explain(ended: Completed) -> str:
    """A message for a firewall tool that refused, with its own words."""
    command = " ".join(ended.argv)
    words = ended.words()
    if _is_locked(ended):
        return f"another program holds the xtables lock: {command} gave up waiting and said: {words}"
    if "Permission denied" in words or "Operation not permitted" in words:
        return (
            "no right to change the firewall (root and CAP_NET_ADMIN are needed; in a container --cap-add NET_ADMIN): "
            f"{command} said: {words}"
        )
    return f"{command} failed with code {ended.returncode} and said: {words}"


def _undo_all(host: FirewallHost, done: Sequence[Step]) -> str:
    failures = []
    for step in reversed(done):
        try:
            take_back(host, step)
        except HostError as problem:
            failures.append(problem.message)
    if failures:
        return "; and taking back the steps before it failed too: " + "; ".join(failures)
    return ""


def take_back(host: FirewallHost, step: Step) -> None:
    """Takes back one step that was carried out; raises HostError."""
    if isinstance(step, Write):
        host.write(step.path, step.after, step.before)
    elif isinstance(step, Act):
        step.take_back(host)
    elif isinstance(step, (Run, BusCall)):
        for back in step.undo:
            _carry_out(host, back)

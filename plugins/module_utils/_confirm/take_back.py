# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes back a change that nobody confirmed, however far it came."""

from __future__ import annotations

import contextlib
import time
from typing import List

from ansible_collections.port443.https.plugins.module_utils._confirm.journal import (
    ChangeJournal,
    JournalEntry,
    look_at_rules,
)
from ansible_collections.port443.https.plugins.module_utils._confirm.next_boot import files_before, put_back
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.signals import uninterrupted
from ansible_collections.port443.https.plugins.module_utils._plan.apply import take_back
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BusCall, Write

_TRIES = 5  # a tool of iptables waits five seconds itself for its lock
_PAUSE = 1.0  # seconds


def take_all_back(host: FirewallHost, journal: ChangeJournal) -> List[str]:
    """Takes back the steps of a journal, the last one first; returns what could not be.

    Of the step that the run was killed in nobody knows whether it was carried out: what is there already as it was
    before is left alone.
    """
    problems: List[str] = []
    with uninterrupted():
        for entry in reversed(journal.entries):
            problem = _try(host, entry)
            if problem and entry.done:
                problems.append(problem)
    return problems


def _try(host: FirewallHost, entry: JournalEntry) -> str:
    for left in reversed(range(_TRIES if entry.done else 1)):
        problem = _try_once(host, entry)
        if not problem:
            return ""
        if left:
            time.sleep(_PAUSE)
    return problem


def _try_once(host: FirewallHost, entry: JournalEntry) -> str:
    problem = ""
    try:
        if not is_undone(host, entry):
            take_back(host, entry.step)
    except HostError as refused:
        problem = refused.message
    if not entry.done and isinstance(entry.step, BusCall):
        # A program that was told a part of it may have written its files in a form of its own.
        with contextlib.suppress(HostError):
            for path, before in files_before(entry.step).items():
                put_back(host, path, before)
    return problem


def is_undone(host: FirewallHost, entry: JournalEntry) -> bool:
    """Tells whether what a step changes is as it was before it, as far as a look shows."""
    if isinstance(entry.step, Write):
        return host.read(entry.step.path) == entry.step.before
    return bool(entry.before) and look_at_rules(host, entry.step) == entry.before

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a step that a run was killed in came about is told by a look, and never by the lack of one."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._confirm.journal import JournalEntry
from ansible_collections.port443.https.plugins.module_utils._confirm.take_back import is_undone
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Prune, Run, Write

RULES = Run(("iptables-nft-restore", "--noflush"), "*filter\n", (Run(("iptables-nft-restore",), "back"),))
FILE = Write("/etc/iptables/rules.v4", b"old", b"new")


class Host:
    """One file, and the rules that iptables-save prints."""

    def __init__(self, file=b"", rules="", code=0):
        self._file, self._rules, self._code = file, rules, code

    def read(self, path):
        return self._file

    def run(self, argv):
        return Completed(argv, self._code, self._rules, "")


@pytest.mark.parametrize(
    ("host", "entry", "undone"),
    [
        (Host(rules="*filter\n"), JournalEntry(RULES, "*filter\n"), True),
        (Host(rules="*filter\n-A INPUT\n"), JournalEntry(RULES, "*filter\n"), False),
        (Host(rules="*filter\n"), JournalEntry(RULES, ""), False),
        (Host(code=1), JournalEntry(RULES, ""), False),
        (Host(), JournalEntry(Prune("ip", "filter", "INPUT")), False),
        (Host(file=b"old"), JournalEntry(FILE), True),
        (Host(file=b"new"), JournalEntry(FILE), False),
    ],
)
def test_a_step_is_undone_where_a_look_shows_what_was_there_before(host, entry, undone):
    assert is_undone(host, entry) is undone

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the programs that a change is confirmed by print when they cannot answer."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._confirm import journal, timers
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Run
from mute_host import Case, Mute

LOOK, ARM = "_confirm.journal:look_at_rules", "_confirm.timers:_arm_systemd"
RESTORE = Run(("iptables-nft-restore", "--noflush"))


def look(host):
    return journal.look_at_rules(host, RESTORE)


def arm(host):
    return timers._arm_systemd(host, ("python3", "take_back.pyz"), "0f", 60)


CONFIRM = [
    Case(LOOK, "silence, as of a kernel without rules", Mute(), look, "", ""),
    Case(LOOK, "it may not look", Mute(4, "*filter\n", "Could not fetch rule set generation id"), look, "", ""),
    Case(ARM, "silence, and no word of a timer", Mute(), arm, "", False),
    Case(ARM, "no bus", Mute(1, "", "Failed to connect to bus: No such file or directory"), arm, "", False),
    Case(ARM, "the timer does not wait, 252", Mute(0, "inactive\n"), arm, "", False),
    Case(ARM, "the timer waits, 252", Mute(0, "active\n"), arm, "", True),
]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for the rules files of the next boot, and what is said of it."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.persist import plan_files
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import RulesFile

DROP = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{}COMMIT\n"
SSH, BAN = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n", "-A INPUT -s 203.0.113.5/32 -j DROP\n"
SAVED = DROP.format(SSH)
LINKS = tuple(Link(family, True, "eth0", ()) for family in (4, 6))
OURS = (
    ":port443-https - [0:0]",
    "-A INPUT -j port443-https",
    "-A port443-https -p tcp -m multiport --dports 80,443 -j ACCEPT",
)
PATHS = {4: "/etc/iptables/rules.v4", 6: "/etc/iptables/rules.v6"}


def file(family, text=SAVED, enabled=True):
    return RulesFile(family, PATHS[family], "netfilter-persistent", text.encode("utf-8"), enabled)


def plan(files, scripts=(), **options):
    """What is planned on a host that filters both IP versions."""
    live = (table for family in ("ip", "ip6") for table in parse_save(DROP.format(""), "iptables-nft", family))
    kernel = Kernel(tuple(live), LINKS, {"iptables-nft": "iptables"}, "iptables-nft", NftView())
    request = parse_request({"ports": ["80/tcp", "443/tcp"], **options})
    return plan_files(tuple(files), scripts, (), request, kernel)


def added(step):
    """The lines that a file gets, each with how many lines of others come before it."""
    before, found, number = step.before.decode("utf-8").splitlines(), [], 0
    for line in step.after.decode("utf-8").splitlines():
        if line in OURS:
            found.append((number, line))
        else:
            assert line == before[number]
            number += 1
    assert number == len(before)
    return found


@pytest.mark.parametrize(
    ("sections", "places"),
    [
        ((BAN + SSH, SSH), (11, 12, 12)),
        ((SSH, BAN + "-A INPUT -j DROP\n" + SSH), (10, 11, 13)),
        (("-A INPUT -j DROP\n" + SSH, ""), (11, 11, 11)),
    ],
)
def test_of_two_filter_sections_the_last_counts(sections, places):
    """Each takes away what those before it made, iptables-restore(8); the jump goes where the last one wants it."""
    (step,) = plan([file(4, "".join(DROP.format(rules) for rules in sections))]).steps
    assert added(step) == list(zip(places, OURS))


def test_what_is_in_the_first_section_alone_is_put_into_the_last():
    with_set = DROP.format(SSH + OURS[1] + "\n" + OURS[2] + "\n").replace("*filter\n", "*filter\n" + OURS[0] + "\n")
    (step,) = plan([file(4, with_set + DROP.format(SSH))]).steps
    assert step.after.decode("utf-8").count(OURS[0]) == 1
    assert step.after.decode("utf-8").index(OURS[0]) > step.after.decode("utf-8").index("COMMIT")


SCRIPT = "/etc/rc.local"
STRANGE = DROP.format("-I INPUT -j DROP\n")
EMPTY = "*nat\nCOMMIT\n"


@pytest.mark.parametrize(
    ("files", "scripts", "options", "persisted", "warnings"),
    [
        ([file(4), file(6)], (), {}, "written", 0),
        ([file(4), file(6, STRANGE)], (), {}, "no", 1),
        ([file(4, STRANGE), file(6)], (), {}, "no", 1),
        ([file(4), file(6, enabled=False)], (), {}, "no", 1),
        ([file(4)], (SCRIPT,), {}, "no", 1),
        ([file(6)], (SCRIPT,), {}, "no", 1),
        ([file(4), file(6, EMPTY)], (SCRIPT,), {}, "no", 1),
        ([file(4)], (), {}, "written", 0),
        ([], (), {}, "not needed", 0),
        ([], (SCRIPT,), {}, "no", 1),
        ([file(4), file(6, STRANGE)], (), {"source": ["192.0.2.0/24"]}, "written", 1),
        ([file(4)], (SCRIPT,), {"source": ["192.0.2.0/24"]}, "written", 0),
        ([file(4), file(6)], (), {"persistent": False}, "no", 0),
        ([file(4), file(6)], (SCRIPT,), {"state": "absent"}, "not needed", 0),
    ],
)
def test_the_worst_of_both_ip_versions_is_told(files, scripts, options, persisted, warnings):
    saved = plan(files, scripts, **options)
    assert (saved.persisted, len(saved.warnings)) == (persisted, warnings)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the next boot puts back of a change that was not confirmed, and that nothing is left of it."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._confirm import next_boot
from ansible_collections.port443.https.plugins.module_utils._confirm.journal import (
    ChangeJournal,
    JournalEntry,
    read_journal,
)
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, BusCall, Run, Write


class Rewriting(Act):
    def files_before(self):
        return {"/etc/ufw/ufw.conf": b"ENABLED=no\n"}


@pytest.fixture
def places(tmp_path, monkeypatch):
    (tmp_path / "system").mkdir()
    monkeypatch.setattr(next_boot, "TOP", str(tmp_path / "lib"))
    monkeypatch.setattr(next_boot, "FOLDER", str(tmp_path / "lib" / "unconfirmed"))
    monkeypatch.setattr(next_boot, "UNITS", str(tmp_path / "system"))
    monkeypatch.setattr(next_boot, "WANTS", str(tmp_path / "system" / "sysinit.target.wants"))
    return tmp_path


def test_the_boot_has_a_unit_and_a_program_until_they_are_withdrawn(places):
    step = Write("/etc/ufw/user.rules", b"old", b"new")
    for _twice in range(2):
        next_boot.provide(ChangeJournal("0f", "https"), (step,), b"program", "/usr/bin/python3")
    unit = places / "system" / next_boot.UNIT
    link = places / "system" / "sysinit.target.wants" / next_boot.UNIT
    folder = places / "lib" / "unconfirmed"
    assert f"ExecStart=/usr/bin/python3 -I {folder}/take_back.pyz boot\n" in unit.read_text()
    assert (link.resolve(), unit.stat().st_mode & 0o777) == (unit, 0o644)
    assert (folder / "take_back.pyz").read_bytes() == b"program"
    assert read_journal(str(folder)) == ChangeJournal("0f", "https", (JournalEntry(step),))
    next_boot.withdraw()
    next_boot.withdraw()
    assert [path.name for path in places.rglob("*")] == ["system"]


def test_files_become_what_they_were(tmp_path):
    changed, gone, new, same = (tmp_path / name for name in ("changed", "gone", "new", "same"))
    for path in (changed, new, same):
        path.write_bytes(b"after")
    steps = (
        Write(str(changed), b"before", b"after"),
        BusCall((), (), (Write(str(gone), b"before", None),)),
        Write(str(new), None, b"after"),
        Write(str(same), b"after", b"never"),
        Run(("true",)),
    )
    assert next_boot.put_files_back(FirewallHost(), ChangeJournal("0f", "", tuple(map(JournalEntry, steps)))) == []
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"changed": b"before", "gone": b"before", "same": b"after"}


def test_an_act_tells_its_files_itself():
    assert next_boot.files_before(Rewriting()) == {"/etc/ufw/ufw.conf": b"ENABLED=no\n"}
    assert next_boot.files_before(Run(("true",))) == {}

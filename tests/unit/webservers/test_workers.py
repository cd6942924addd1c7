# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A reload is done when a server's process has new workers, as /proc lists them."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers import base


class Listing:
    """A host whose process 7 has these children, one look after the other; the last stays."""

    def __init__(self, *looks):
        self.looks, self.asked = list(looks), 0

    def read(self, path):
        assert path == "/proc/7/task/7/children"
        self.asked += 1
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time that passes by the looks alone."""
    now = [0.0]
    monkeypatch.setattr(base.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(base.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


@pytest.mark.parametrize(
    ("looks", "asked"),
    [
        ([b"8 9 ", b"8 9 ", b"8 9 10 "], 3),
        ([b"10 11 "], 1),
        ([b"8 9 ", None], 2),  # the process has ended: what is served tells
    ],
)
def test_it_is_waited_for_until_there_is_a_new_one(looks, asked):
    host = Listing(*looks)
    base.wait_for_workers(host, 7, frozenset(("8", "9")))
    assert host.asked == asked


def test_a_server_that_makes_no_new_one_is_not_waited_for_for_ever(clock):
    base.wait_for_workers(Listing(b"8 9 "), 7, frozenset(("8", "9")))
    assert base._RELOADING <= clock[0] < base._RELOADING + 1


def test_where_the_system_lists_none_nothing_is_waited_for(clock):
    assert base.list_workers(Listing(None), 7) == frozenset()
    assert base.list_workers(Listing(b""), None) == frozenset()
    base.wait_for_workers(Listing(None), 7, frozenset())
    assert clock == [0.0]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import threading

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import beside, search_path_of

EVERYWHERE = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"]


def test_work_begins_at_once_and_its_answer_is_waited_for():
    begun, go_on = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert go_on.wait(10)
        return "done"

    end = beside(work)
    assert begun.wait(10)
    go_on.set()
    assert (end(), end()) == ("done", "done")


@pytest.mark.parametrize("problem", [HostError("not installed"), ValueError("a mistake of ours")])
def test_what_work_raises_is_raised_where_its_answer_is_wanted(problem):
    def work():
        raise problem

    end = beside(work)
    with pytest.raises(type(problem)) as raised:
        end()
    assert raised.value is problem


@pytest.mark.parametrize(
    ("system", "more"),
    [
        ("Linux", []),
        ("FreeBSD", []),
        ("OpenBSD", []),
        ("Darwin", ["/opt/homebrew/sbin", "/opt/homebrew/bin"]),
    ],
)
def test_each_system_has_its_folders(system, more):
    assert search_path_of(system).split(":") == [*EVERYWHERE, *more]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts are sent is packed once in a run of ansible-playbook, for all its tasks and hosts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.port443.https.plugins.plugin_utils import _packed


@pytest.fixture
def packed(monkeypatch, tmp_path):
    """The calls of ``pack``, in a run whose folder is ``tmp_path``."""
    calls = []
    monkeypatch.setattr(_packed.constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "run"))
    monkeypatch.setattr(_packed, "pack", lambda *asked: calls.append(asked) or f"code {len(calls)}")
    return calls


def test_the_same_code_is_packed_once_and_other_code_for_itself(packed, tmp_path):
    (tmp_path / "run").mkdir()
    asked = [("a", "Linux", ()), ("a", "", ()), ("a", "Linux", ("x",)), ("b", "Linux", ()), ("a", "Linux", ())]
    assert [_packed.pack_once(*one) for one in asked] == ["code 1", "code 2", "code 3", "code 4", "code 1"]
    assert packed == asked[:4]
    assert [path.name for path in (tmp_path / "run").iterdir() if path.suffix not in ("", ".lock")] == []


def test_hosts_that_begin_together_wait_for_the_first(packed, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    both = threading.Barrier(3)

    def pack_slowly(*asked):
        packed.append(asked)
        time.sleep(0.2)  # long enough for the others to come
        return "code"

    def ask():
        both.wait()
        return _packed.pack_once("a", "Linux", ())

    monkeypatch.setattr(_packed, "pack", pack_slowly)
    with ThreadPoolExecutor(3) as hosts:  # a lock of a file opened anew holds between threads as between processes
        assert [one.result() for one in [hosts.submit(ask) for _host in range(3)]] == ["code"] * 3
    assert len(packed) == 1


def test_without_a_folder_it_is_packed_each_time(packed):
    assert [_packed.pack_once("a", "", ()) for _time in range(2)] == ["code 1", "code 2"]

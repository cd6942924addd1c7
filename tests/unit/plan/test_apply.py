# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All steps of a plan, or none; and what a tool's refusal is told as."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._plan.apply import apply, explain, undo
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Prune, Run, Write

ADD_FOUR = Run(("restore4",), "add", (Run(("restore4",), "remove"),))
ADD_SIX = Run(("restore6",), "add", (Run(("restore6",), "remove"),))


class Recorder:
    """A host that knows two tools and one file, and fails where told."""

    def __init__(self, failing=(), content=b"old"):
        self.calls = []
        self.failing = failing
        self.content = content

    def run(self, argv, stdin=""):
        call = (argv[0], stdin)
        assert argv[0] in ("restore4", "restore6"), argv
        self.calls.append(call)
        return Completed(argv, 1 if call in self.failing else 0, "", "no such thing")

    def write(self, path, before, after):
        if (path, after) in self.failing:
            raise HostError(f"{path} cannot be written: No space left on device")
        assert self.content == before
        self.content = after


def test_steps_are_carried_out_in_order():
    host = Recorder()
    apply(host, [ADD_FOUR, ADD_SIX, Write("/file", b"old", b"new")])
    assert (host.calls, host.content) == ([("restore4", "add"), ("restore6", "add")], b"new")


def test_a_failure_takes_back_what_was_done_last_first():
    host = Recorder(failing=[("/file", b"new")])
    with pytest.raises(HostError, match="No space left on device"):
        apply(host, [ADD_FOUR, ADD_SIX, Write("/file", b"old", b"new")])
    assert host.calls == [("restore4", "add"), ("restore6", "add"), ("restore6", "remove"), ("restore4", "remove")]
    assert host.content == b"old"


def test_a_failure_of_taking_back_is_told_too():
    host = Recorder(failing=[("restore6", "add"), ("restore4", "remove")])
    with pytest.raises(HostError, match=r"restore6 failed.*the steps before it failed too: restore4 failed"):
        apply(host, [ADD_FOUR, ADD_SIX])


def test_undo_brings_a_file_back():
    host = Recorder()
    steps = [ADD_FOUR, Write("/file", b"old", b"new")]
    apply(host, steps)
    assert undo(host, steps) == ""
    assert (host.calls[-1], host.content) == (("restore4", "remove"), b"old")


@pytest.mark.parametrize(
    ("code", "words", "told"),
    [
        (
            4,
            "Another app is currently holding the xtables lock; still 4s ...",
            "another program holds the xtables lock",
        ),
        (
            4,
            "iptables-restore v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied",
            "no right",
        ),
        (1, "RULE_REPLACE failed (Operation not permitted)", "CAP_NET_ADMIN"),
        (2, "iptables-restore: line 3 failed", "failed with code 2 and said: iptables-restore: line 3 failed"),
    ],
)
def test_a_refusal_holds_the_tools_own_words(code, words, told):
    message = explain(Completed(("iptables-restore", "--noflush"), code, "", words))
    assert told in message
    assert words in message


def test_a_file_changed_by_somebody_else_is_not_replaced(tmp_path):
    file = tmp_path / "rules"
    file.write_bytes(b"theirs")
    with pytest.raises(HostError, match="changed by somebody else"):
        FirewallHost().write(str(file), b"old", b"new")
    assert file.read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]


def test_a_replaced_file_keeps_its_mode_and_leaves_nothing_beside_it(tmp_path):
    file = tmp_path / "rules"
    file.write_bytes(b"old")
    file.chmod(0o604)
    (tmp_path / ".rules.port443-0badcafe").write_bytes(b"left by a run that was killed")
    FirewallHost().write(str(file), b"old", b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o604)
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]
    FirewallHost().write(str(file), b"new", None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_administrators_with_almost_such_a_name_stays(tmp_path):
    file, others = tmp_path / "rules", [".rules.port443-before", ".rules.port443-0badcafe.save", ".rules.port443-"]
    file.write_bytes(b"old")
    for name in others:
        (tmp_path / name).write_bytes(b"theirs")
    FirewallHost().write(str(file), b"old", None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_folder_that_all_may_write_to_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(HostError, match="writable by all"):
        FirewallHost().write(str(tmp_path / "rules"), None, b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "rules").symlink_to("real")
    FirewallHost().write(str(tmp_path / "rules"), b"old", b"new")
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "rules").is_symlink()


def test_the_lock_is_waited_for_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("ansible_collections.port443.https.plugins.module_utils._host.locks.LOCK_TIMEOUT", 0.2)
    host = FirewallHost()
    host.lock_path = str(tmp_path / "lock")
    with host.lock(), pytest.raises(HostError, match="another run of this collection has held"), host.lock():
        pass
    assert list(tmp_path.iterdir()) == []
    with host.lock():
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


SAID = [
    (Run(("nft", "-f", "a b")), "nft -f 'a b'"),
    (Run(("nft", "-f", "-"), "add table ip a\n"), "nft -f - <<'EOF'\nadd table ip a\nEOF"),
    (Write("/file", None, b"new"), "write /file"),
    (Write("/file", b"old", None), "remove /file"),
    (
        Prune("ip", "filter", "INPUT"),
        "delete the empty chain INPUT of table ip filter, and the table with it if nothing else is in it",
    ),
]


@pytest.mark.parametrize(("step", "said"), SAID)
def test_steps_are_told_as_what_is_run_and_written(step, said):
    assert str(step) == said

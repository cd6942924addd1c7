# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps that call a program over D-Bus, which writes files of its own meanwhile."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken, Refused
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Method, Refusal
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BusCall, Write


def method(member):
    return Method("org.example", "/", "org.example", member)


ADD, DROP, BAD = method("Add"), method("Drop"), method("Bad")


class Program:
    """A host with a program that refuses Bad, and that writes its file and a copy whenever it adds or drops."""

    def __init__(self, **files):
        self.files = files
        self.asked = []

    def ask(self, methods):
        self.asked += [one.member for one in methods]
        if {"Add", "Drop"}.intersection(one.member for one in methods):
            self.files["copy"] = self.files.get("file")
            self.files["file"] = b"as the program writes it"
        return tuple(Refusal("org.example.No", "it is bad") if one == BAD else () for one in methods)

    def read(self, path):
        return self.files.get(path)

    @contextlib.contextmanager
    def keep(self, path):
        before = self.files.get(path)
        yield
        self.files[path] = before

    def write(self, path, before, after):
        assert self.files.get(path) == before
        self.files[path] = after


FILES = ((Write("file", b"mine", b"meant"),), ("copy",))
BACK = (BusCall((DROP,), (), (Write("file", b"meant", b"mine"),), ("copy",)),)


def test_what_the_program_wrote_is_replaced_by_what_is_meant():
    host = Program(file=b"mine")
    apply.apply(host, [BusCall((ADD,), BACK, *FILES)])
    assert (host.files, host.asked) == ({"file": b"meant", "copy": None}, ["Add"])
    assert apply.undo(host, [BusCall((ADD,), BACK, *FILES)]) == ""
    assert (host.files, host.asked) == ({"file": b"mine", "copy": None}, ["Add", "Drop"])


def test_a_file_that_somebody_changed_stops_it_before_the_program_is_asked():
    host = Program(file=b"somebody's")
    with pytest.raises(Overtaken, match="file was changed by somebody else during this run"):
        apply.apply(host, [BusCall((ADD,), BACK, *FILES)])
    assert (host.files, host.asked) == ({"file": b"somebody's"}, [])


def test_what_was_done_beside_a_refusal_is_taken_back():
    host = Program(file=b"mine")
    with pytest.raises(Refused, match="Bad failed and said: it is bad"):  # after which the engine looks again
        apply.apply(host, [BusCall((ADD, BAD), BACK, *FILES)])
    assert (host.files, host.asked) == ({"file": b"mine", "copy": None}, ["Add", "Bad", "Drop"])


def test_steps_before_a_refusal_are_taken_back_in_reverse():
    host = Program(file=b"mine")
    reload = BusCall((method("Check"),), (BusCall((method("Reload"),)),))
    with pytest.raises(HostError, match="it is bad"):
        apply.apply(host, [reload, BusCall((ADD,), BACK, *FILES), Write("new", None, b"x"), BusCall((BAD,))])
    assert host.files == {"file": b"mine", "copy": None, "new": None}
    assert host.asked == ["Check", "Add", "Bad", "Drop", "Reload"]


def test_it_reads_as_what_is_run_and_written():
    assert str(BusCall((ADD, DROP), BACK, *FILES)) == (
        "busctl call org.example / org.example Add\nbusctl call org.example / org.example Drop\nwrite file"
    )


@pytest.mark.parametrize("before", [None, b"a copy"])
@pytest.mark.parametrize("meanwhile", [None, b"another copy"])
def test_a_copy_is_kept_with_its_mode(tmp_path, before, meanwhile):
    copy = tmp_path / "file.old"
    if before is not None:
        copy.write_bytes(before)
        copy.chmod(0o604)
    with FirewallHost().keep(str(copy)):
        assert not copy.exists()
        if meanwhile is not None:
            copy.write_bytes(meanwhile)
    assert [path.name for path in tmp_path.iterdir()] == (["file.old"] if before is not None else [])
    if before is not None:
        assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (before, 0o604)

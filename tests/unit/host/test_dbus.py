# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A conversation with a bus: what is said first, answers in any order and in pieces, errors, a bus that is not one."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import dbus
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Method, Refusal, ask
from ansible_collections.port443.https.plugins.module_utils._host.dbus_codec import Reader, Writer

ECHO = Method("org.example", "/org/example", "org.example.One", "Echo", "s", ("hello",))
LIST = Method("org.example", "/org/example", "org.example.One", "List")
FAIL = Method("org.example", "/org/example", "org.example.One", "Fail")


class Bus:
    """A bus of one connection on a socket; ``reply`` gets a call's number, member and arguments and returns bytes."""

    def __init__(self, path, reply, greeting=b"OK 0123\r\n", at_once=1):
        self.said = []
        self._reply, self._greeting, self._at_once = reply, greeting, at_once
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        connection, _address = self._listener.accept()
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            self.said.append(stream.readline())
            connection.sendall(self._greeting)
            self.said.append(stream.readline())
            waiting = []
            while stream.peek(1):
                waiting.append(self._reply(*self._read(stream)))
                if len(waiting) >= self._at_once:
                    for byte in b"".join(reversed(waiting)):
                        connection.sendall(bytes([byte]))
                    waiting = []

    def _read(self, stream):
        head = stream.read(16)
        body, serial, fields = struct.unpack_from("<III", head, 4)
        rest = stream.read((fields + 7 & ~7) + body)
        reader = Reader(head + rest)
        parts = reader.read_all("yyyyuua(yv)")
        named = dict(parts[6])
        reader.align(8)
        self.said.append((named[6], named[1], named[2], named[3], parts[2], reader.read_all(named.get(8, ""))))
        return serial, named[3]


def message(kind, serial, signature="", *values, error=""):
    """A message from the bus, in either byte order."""
    fields = (
        [(5, ("u", serial))] + ([(4, ("s", error))] if error else []) + ([(8, ("g", signature))] if signature else [])
    )
    body, head = Writer(), Writer()
    body.write_all(signature, values)
    head.write_all("yyyyuua(yv)", (ord("l"), kind, 1, 1, len(body.content), 77, fields))
    head.align(8)
    return bytes(head.content + body.content)


def answers(serial, member):
    if member == "Echo":
        return message(4, 0, "s", "a signal") + message(2, serial, "s", "hello")
    if member == "List":
        return message(2, serial, "a{sv}", {"services": ("as", ["ssh"]), "priority": ("i", -1)})
    if member == "Fail":
        return message(3, serial, "s", "INVALID_ZONE: nope", error="org.example.Exception")
    return message(2, serial, "s", ":1.7")


def test_it_says_who_it_is_and_calls_what_is_asked(tmp_path):
    bus = Bus(tmp_path / "bus", answers)
    assert ask([ECHO, LIST, FAIL], str(tmp_path / "bus")) == (
        ("hello",),
        ({"services": ["ssh"], "priority": -1},),
        Refusal("org.example.Exception", "INVALID_ZONE: nope"),
    )
    user = str(os.geteuid()).encode().hex().encode()
    assert bus.said[:3] == [
        b"\0AUTH EXTERNAL " + user + b"\r\n",
        b"BEGIN\r\n",
        ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", 2, ()),
    ]
    assert bus.said[3] == ("org.example", "/org/example", "org.example.One", "Echo", 2, ("hello",))


def test_answers_that_come_in_another_order_are_told_apart(tmp_path):
    Bus(tmp_path / "bus", answers, at_once=4)
    assert ask([LIST, ECHO, ECHO], str(tmp_path / "bus"))[1:] == (("hello",), ("hello",))


def test_many_calls_go_in_portions(tmp_path, monkeypatch):
    monkeypatch.setattr(dbus, "_AT_ONCE", 3)
    Bus(tmp_path / "bus", answers)
    assert ask([ECHO] * 8, str(tmp_path / "bus")) == (("hello",),) * 8


def test_a_bus_that_refuses_us_is_told(tmp_path):
    Bus(tmp_path / "bus", answers, greeting=b"REJECTED EXTERNAL\r\n")
    with pytest.raises(HostError, match=r"cannot be reached at .*REJECTED EXTERNAL"):
        ask([ECHO], str(tmp_path / "bus"))


def test_a_bus_that_is_not_there_is_told(tmp_path):
    with pytest.raises(HostError, match=r"cannot be reached at .*No such file"):
        ask([ECHO], str(tmp_path / "bus"))


def test_a_bus_that_says_nothing_is_waited_for_only_so_long(tmp_path, monkeypatch):
    monkeypatch.setattr(dbus, "_TIMEOUT", 0.1)
    Bus(tmp_path / "bus", lambda serial, member: b"")
    with pytest.raises(HostError, match="no answer came over D-Bus within 0 seconds"):
        ask([ECHO], str(tmp_path / "bus"))


def test_a_bus_that_goes_away_is_told(tmp_path):
    def leave(serial, member):
        raise OSError

    Bus(tmp_path / "bus", leave)
    with pytest.raises(HostError, match=r"it closed the connection|reset"):
        ask([ECHO], str(tmp_path / "bus"))


def test_a_call_reads_as_the_command_that_does_the_same():
    rule = Method("org.example", "/", "org.example.One", "Add", "ssi", ("public", 'rule port port="1"', 0))
    assert str(rule) == "busctl call org.example / org.example.One Add ssi public 'rule port port=\"1\"' 0"
    settings = {"names": ("as", ["a", "b c"]), "on": ("b", True), "ports": ("a(ss)", [("80", "tcp"), ("443", "tcp")])}
    assert str(Method("o.e", "/", "o.e", "Set", "sa{sv}", ("x", settings))) == (
        "busctl call o.e / o.e Set 'sa{sv}' x 3 names as 2 a 'b c' on b true ports 'a(ss)' 2 80 tcp 443 tcp"
    )

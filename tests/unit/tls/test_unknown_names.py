# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as a refusal of clients who say no name of a site's, asked of servers on this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._tls import served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint
from ansible_collections.port443.https.plugins.module_utils._tls.unknown_names import (
    STRANGER,
    ExpectedRefusal,
    is_refused,
    list_strangers,
    look_at_all,
    look_until_refused,
    tell_served,
)


@pytest.fixture
def serve(tmp_path):
    """Starts a server that shakes hands and does this with each request; returns its port."""
    issued = pki.site()
    (tmp_path / "both.pem").write_bytes(issued.pem() + issued.key_pem())
    with contextlib.ExitStack() as opened:

        def start(answer, handshake=True):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "both.pem")
            names = []
            context.sni_callback = lambda _socket, name, _context: names.append(name)
            listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            opened.callback(listening.shutdown, socket.SHUT_RDWR)

            def run():
                with contextlib.suppress(OSError):
                    while True:
                        client, _address = listening.accept()
                        with contextlib.suppress(OSError), client:
                            if not handshake:
                                client.recv(1)
                                continue
                            with context.wrap_socket(client, server_side=True) as session:
                                answer(session, session.recv(4096).decode())

            threading.Thread(target=run, daemon=True).start()
            return listening.getsockname()[1], names

        yield start


def say(text):
    return lambda session, _request: session.sendall(text.encode())


def looks_at(port, *statuses):
    places = list_strangers([Endpoint("127.0.0.1", port, "www.example.com", instead=("x",))])
    return look_at_all(ExpectedRefusal(places, statuses))


def test_strangers_come_without_a_name_and_with_one_that_nobody_has(serve):
    heard = []
    port, names = serve(lambda session, request: heard.append(request) or session.sendall(b"HTTP/1.1 421 x\r\n\r\n"))
    looks = looks_at(port, 421)
    assert (is_refused(looks), [look.answer for look in looks]) == (True, ["status 421", "status 421"])
    assert sorted(names, key=str) == [None, STRANGER]
    assert [request.splitlines()[1] for request in heard] == [f"Host: {STRANGER}"] * 2
    assert looks[0].describe() == {"address": "127.0.0.1", "port": port, "server_name": "", "answer": "status 421"}


@pytest.mark.parametrize(
    ("answer", "refused", "words"),
    [
        (say("HTTP/1.1 200 OK\r\n\r\nour site"), False, "status 200"),
        (say("HTTP/1.1 403 Forbidden\r\n\r\n"), False, "status 403"),
        (say("HTTP/1.1 421 Misdirected Request\r\n\r\n"), True, "status 421"),
        (say("hello"), False, "what is no HTTP"),
        (lambda session, _request: None, True, "the connection is closed"),
    ],
)
def test_a_status_counts_where_it_stands_for_nothing_else(serve, answer, refused, words):
    port, _names = serve(answer)
    looks = looks_at(port, 421)
    assert [look.refused for look in looks] == [refused, refused]
    assert [look.answer.startswith(words) for look in looks] == [True, True], looks
    assert len(tell_served(looks)) == (0 if refused else 2)


def test_a_handshake_that_is_ended_is_a_refusal(serve):
    port, _names = serve(None, handshake=False)
    assert is_refused(looks_at(port)), looks_at(port)


def test_who_does_not_answer_has_refused_nobody(monkeypatch):
    monkeypatch.setattr(served_certificate, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        looks = looks_at(port)
    assert [look.answer for look in looks] == ["nothing, it does not go on with the handshake"] * 2
    assert not is_refused(looks)
    gone = looks_at(port)
    assert [look.answer for look in gone] == ["nothing (Connection refused)"] * 2
    assert not is_refused(gone)
    assert str(gone[0]).endswith("answers a client with no server name: nothing (Connection refused)")


def test_an_old_worker_that_serves_them_is_waited_for(serve):
    left = ["HTTP/1.1 200 OK\r\n\r\n"] * 3
    port, _names = serve(lambda session, _request: session.sendall((left.pop() if left else "").encode()))
    places = list_strangers([Endpoint("127.0.0.1", port, "www.example.com")])
    looks = look_until_refused(ExpectedRefusal(places), 20)
    assert (is_refused(looks), left) == (True, [])


def test_where_nobody_is_to_be_refused_nobody_is_asked():
    assert is_refused(look_until_refused(ExpectedRefusal(), 10))

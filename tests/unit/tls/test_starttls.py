# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How TLS begins with mail servers: what is said, in which order, and what a server's refusals come to."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from ansible_collections.port443.https.plugins.module_utils._tls import starttls

# What each side says, as the examples of RFC 3207 5, RFC 9051 6.2.1 and RFC 2595 4 have it; "<" is the server.
SMTP = """
< 220-mail.example.com ESMTP
< 220 at your service
> EHLO localhost
< 250-mail.example.com offers a warm hug of welcome
< 250-8BITMIME
< 250-STARTTLS
< 250 DSN
> STARTTLS
< 220 Go ahead
"""
IMAP = """
< * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready
> a STARTTLS
< * CAPABILITY IMAP4rev1
< a OK Begin TLS negotiation now
"""
POP3 = """
< +OK POP3 server ready
> STLS
< +OK Begin TLS negotiation
"""


def converse(protocol, script):
    """Plays the server, and returns what became of it and what came after the conversation."""
    client, server = socket.socketpair()
    client.settimeout(5)
    heard = []

    def play():
        with contextlib.suppress(OSError), server.makefile("rb") as stream:  # the client may have heard enough
            for line in script.strip().splitlines():
                if line.startswith("<"):
                    server.sendall(line[2:].encode() + b"\r\n")
                else:
                    heard.append((line[2:], stream.readline().decode().rstrip("\r\n")))
            server.sendall(b"TLS")
            server.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        starttls.begin(client, protocol)
        rest = client.recv(100)
    finally:
        client.close()
        thread.join()
        server.close()
    assert [said for _meant, said in heard] == [meant for meant, _said in heard]
    return rest


@pytest.mark.parametrize(("protocol", "script"), [("smtp", SMTP), ("imap", IMAP), ("pop3", POP3)])
def test_what_follows_the_servers_word_is_left_for_the_handshake(protocol, script):
    assert converse(protocol, script).startswith(b"T")


@pytest.mark.parametrize(
    ("protocol", "script", "words"),
    [
        ("smtp", SMTP.replace("< 250-STARTTLS\n", ""), "it offers no STARTTLS"),
        ("imap", IMAP.replace("a OK Begin", "a BAD no"), "it offers no STARTTLS"),
        ("pop3", POP3.replace("+OK Begin", "-ERR no"), "it offers no STLS"),
    ],
)
def test_a_server_that_does_not_offer_it_is_told_from_one_that_fails(protocol, script, words):
    with pytest.raises(starttls.NotOfferedError, match=words):
        converse(protocol, script.replace("> STARTTLS\n< 220 Go ahead\n", "") if "250 DSN" in script else script)


@pytest.mark.parametrize(
    ("protocol", "script", "words"),
    [
        ("smtp", "< 554 no mail here", "it takes no mail: 554 no mail here"),
        ("smtp", SMTP.replace("220 Go ahead", "454 not now"), "it does not begin TLS: 454 not now"),
        ("imap", "< * BYE busy", "it greets nobody"),
        ("pop3", "< -ERR busy", "it greets nobody"),
        ("smtp", "< " + "x" * 5000, "it speaks another protocol"),
        ("smtp", "\n".join(["< 220-on and on"] * 200), "it speaks another protocol"),
    ],
)
def test_a_server_that_does_not_do_it_is_an_error_with_its_words(protocol, script, words):
    with pytest.raises(OSError, match=words) as problem:
        converse(protocol, script)
    assert getattr(problem.value, "offered", True)


def test_a_server_that_ends_the_conversation_is_an_error():
    client, server = socket.socketpair()
    server.close()
    with client, pytest.raises(OSError, match="it ended the conversation"):
        starttls.begin(client, "smtp")

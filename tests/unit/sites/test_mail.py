# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which looks at a mail server prove that it serves a certificate, as data."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._mailservers import control
from ansible_collections.port443.https.plugins.module_utils._mailservers.kinds import KINDS
from ansible_collections.port443.https.plugins.module_utils._sites.mail import MailExpectation
from ansible_collections.port443.https.plugins.module_utils._spec.mail_servers import MAIL_SERVERS
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

SITE = Site(
    "mail.example.com", ("mail.example.com",), "/etc/port443/mail/fullchain.pem", "/etc/port443/mail/privkey.pem"
)
PLAIN = Endpoint("127.0.0.1", 25, "mail.example.com", starttls="smtp")
SECURE = Endpoint("127.0.0.1", 465, "mail.example.com")
SERVICE = control.MailService(KINDS["postfix"], (PLAIN, SECURE))
ONE = MailExpectation(SITE, "postfix", SERVICE, Expectation("mail postfix", "aa", "EC", (PLAIN, SECURE)))
NOT_OFFERED = Look(PLAIN, problem="it offers no STARTTLS", offered=False)
REFUSED = Look(SECURE, problem="Connection refused")


@pytest.mark.parametrize(
    ("looks", "met"),
    [
        ([Look(PLAIN, "aa"), Look(SECURE, "aa")], True),
        ([NOT_OFFERED, Look(SECURE, "aa")], True),
        ([Look(PLAIN, "aa"), Look(SECURE, "bb")], False),
        ([Look(PLAIN, "aa"), REFUSED], False),
        ([NOT_OFFERED, REFUSED], False),
        ([NOT_OFFERED], False),
        ([], False),
    ],
)
def test_a_certificate_is_served_where_every_port_that_offers_tls_shows_it(looks, met):
    assert ONE.is_met({"mail postfix": tuple(looks)}) is met


def test_what_is_told_names_what_was_seen_and_the_setting():
    told = ONE.tell({"mail postfix": (NOT_OFFERED, Look(SECURE, "bb"))})
    assert told == (
        "Postfix does not serve the certificate of mail.example.com: 127.0.0.1:465 serves sha256:bb instead of "
        "sha256:aa; have smtpd_tls_chain_files, or smtpd_tls_cert_file name /etc/port443/mail/fullchain.pem, and the "
        "key /etc/port443/mail/privkey.pem"
    )


def test_the_mail_servers_of_the_option_are_those_that_are_known():
    assert sorted(KINDS) == sorted(MAIL_SERVERS)


# /proc/net/tcp of Linux 6.1: 0.0.0.0:25 and 127.0.0.1:587, inodes 11 and 12; 0.0.0.0:143, inode 13.
TABLE = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000
   1: 0100007F:024B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0000000000000000
   2: 00000000:008F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0000000000000000
"""


class Listening:
    """A host of which /proc tells who listens; ``names`` are those of the process with all sockets."""

    def __init__(self, name, system="Linux"):
        self._name, self._system = name, system

    def system(self):
        return self._system

    def read(self, path):
        return {"/proc/net/tcp": TABLE, "/proc/7/comm": self._name}.get(path)

    def list_folder(self, path):
        return {"/proc": ("7", "self")}.get(path, ("3", "4", "5") if path == "/proc/7/fd" else ())


@pytest.fixture(autouse=True)
def links(monkeypatch):
    inodes = {"3": 11, "4": 12, "5": 13}
    monkeypatch.setattr("os.readlink", lambda path: f"socket:[{inodes[path.rpartition('/')[2]]}]")


def test_a_mail_server_is_asked_where_it_listens():
    places = control.observe(Listening(b"master\n"), "postfix").places
    asked = [(place.address, place.port, place.starttls) for place in places]
    assert asked == [("127.0.0.1", 25, "smtp"), ("127.0.0.1", 587, "smtp")]
    assert [place.port for place in control.observe(Listening(b"dovecot\n"), "dovecot").places] == [143]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (Listening(b"exim4\n"), "Postfix listens at none of the ports 25, 465, 587: start it first, or leave it out"),
        (Listening(b"master\n", "FreeBSD"), "is known on Linux alone"),
    ],
)
def test_a_mail_server_that_does_not_run_is_refused(host, words):
    with pytest.raises(HostError, match=words):
        control.observe(host, "postfix")

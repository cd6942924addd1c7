# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mail servers that are known: their processes, the ports at which they speak TLS, and their commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

Command = Tuple[str, ...]


@dataclass(frozen=True)
class MailServer:
    """One kind: ``ports`` come with the protocol that begins TLS there, empty where TLS comes first (RFC 8314, 3).

    ``processes`` are the names of those that listen, as /proc/PID/comm has them; ``settings`` name the certificate.
    """

    title: str
    processes: Tuple[str, ...]
    ports: Tuple[Tuple[int, str], ...]
    test: Command
    reload: Command
    settings: str


KINDS: Dict[str, MailServer] = {
    "dovecot": MailServer(
        title="Dovecot",
        processes=("dovecot", "imap-login", "pop3-login"),
        ports=((110, "pop3"), (143, "imap"), (993, ""), (995, "")),
        test=("doveconf", "-n"),
        reload=("doveadm", "reload"),
        settings="ssl_cert",
    ),
    "postfix": MailServer(
        title="Postfix",
        processes=("master", "smtpd", "postscreen"),
        ports=((25, "smtp"), (465, ""), (587, "smtp")),
        test=("postfix", "check"),
        reload=("postfix", "reload"),
        settings="smtpd_tls_chain_files, or smtpd_tls_cert_file",
    ),
}

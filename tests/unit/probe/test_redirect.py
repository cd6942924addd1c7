# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as a redirect to HTTPS, and what is told of everything else."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._probe.probe import look
from ansible_collections.port443.https.plugins.module_utils._probe.request import ProbeRequest

from .conftest import Servers

NAME = "www.example.com"

REDIRECTS = [
    ("HTTP/1.1 301 Moved\r\nLocation: https://NAME:PORTPAGE\r\n\r\n", "ok", "301 to https://NAME:PORTPAGE"),
    (
        "HTTP/1.1 308 Moved\r\nLocation: https://WWW.example.com:PORTPAGE\r\n\r\n",
        "ok",
        "308 to https://WWW.example.com:PORTPAGE",
    ),
    (
        "HTTP/1.1 302 Found\r\nLocation: https://shop.example.com:PORTPAGE\r\n\r\n",
        "ok",
        "302 to https://shop.example.com:PORTPAGE",
    ),
    ("HTTP/1.1 200 OK\r\n\r\nhello", "no redirect", "plain HTTP answers 200"),
    (
        "HTTP/1.1 301 Moved\r\nLocation: http://NAME/\r\n\r\n",
        "no redirect",
        "plain HTTP answers 301 to http://NAME/, which is not HTTPS",
    ),
    (
        "HTTP/1.1 301 Moved\r\nLocation: /login\r\n\r\n",
        "no redirect",
        "plain HTTP answers 301 to /login, which is not HTTPS",
    ),
    (
        "HTTP/1.1 301 Moved\r\nLocation: https://evil.example:PORTPAGE\r\n\r\n",
        "wrong redirect",
        "plain HTTP answers 301 to https://evil.example:PORTPAGE, which is another server",
    ),
    (
        "HTTP/1.1 301 Moved\r\nLocation: https://NAMEPAGE\r\n\r\n",
        "wrong redirect",
        "plain HTTP answers 301 to https://NAMEPAGE, which is another server",
    ),
    (
        "HTTP/1.1 301 Moved\r\nLocation: https://NAME:PORT/\r\n\r\n",
        "wrong redirect",
        "plain HTTP answers 301 to https://NAME:PORT/, which loses the path or the query of PAGE",
    ),
    (
        "HTTP/1.1 301 Moved\r\nLocation: https://NAME:port/\r\n\r\n",
        "wrong redirect",
        "plain HTTP answers 301 to https://NAME:port/, which is no address",
    ),
    (
        "SSH-2.0-OpenSSH_9.2\r\n",
        "not http",
        "what answers there does not speak HTTP: BadStatusLine('SSH-2.0-OpenSSH_9.2\\r\\n')",
    ),
]


@pytest.mark.parametrize(("answer", "outcome", "told"), REDIRECTS)
def test_plain_http_redirects_or_not(servers: Servers, answer: str, outcome: str, told: str) -> None:
    def fill(text: str) -> str:
        return text.replace("NAME", NAME).replace("PORT", "8443")

    http_port = servers.http(fill(answer))
    asked = ProbeRequest(("127.0.0.1",), (NAME, "shop.example.com"), 8443, http_port, checks=("redirect",), timeout=5.0)
    found = look(asked).findings[0]
    assert (found.outcome, found.detail) == (
        outcome,
        fill(told).replace("PAGE", "/port443-probe/page?kept=path+and+query"),
    )

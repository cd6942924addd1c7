# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that plain HTTP redirects to the same page over HTTPS."""

from __future__ import annotations

import http.client
from typing import Sequence
from urllib.parse import urlsplit

from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure, SocketPlace
from ansible_collections.port443.https.plugins.module_utils._probe.reach import connect, get_headers

# A redirect that loses the path or the query sends every bookmark to the front page.
PAGE = "/port443-probe/page?kept=path+and+query"
_REDIRECTS = (301, 302, 303, 307, 308)


def ask_for_redirect(place: SocketPlace, name: str, names: Sequence[str], https_port: int, timeout: float) -> str:
    """Returns the redirect, ``301 to https://...``, that plain HTTP gives who asks for ``name``; raises Failure.

    It has to lead to the same path and query over HTTPS on ``https_port``, at one of ``names``.
    """
    status, location = _ask(place, name, timeout)
    answer = f"{status} to {location}" if location else f"{status}"
    if status not in _REDIRECTS or not location:
        return _refuse("no redirect", answer)
    try:
        url = urlsplit(location)
        port = url.port or 443
    except ValueError:
        return _refuse("wrong redirect", answer + ", which is no address")
    if url.scheme != "https":
        return _refuse("no redirect", answer + ", which is not HTTPS")
    if url.hostname not in [_host_of(one) for one in names] or port != https_port:
        return _refuse("wrong redirect", answer + ", which is another server")
    if location.split(url.netloc, 1)[1] != PAGE:
        return _refuse("wrong redirect", f"{answer}, which loses the path or the query of {PAGE}")
    return answer


def _ask(place: SocketPlace, name: str, timeout: float) -> tuple[int, str]:
    """The status and the Location header of the answer to a GET of PAGE."""
    connection = http.client.HTTPConnection(place.address, place.port, timeout=timeout)
    connection.sock = connect(place, timeout)
    host = f"[{name}]" if ":" in name else name
    if place.port != 80:
        host += f":{place.port}"
    response = get_headers(connection, PAGE, host, timeout)
    return response.status, response.getheader("Location") or ""


def _host_of(name: str) -> str:
    return name.rstrip(".").lower()


def _refuse(outcome: str, answer: str) -> str:
    raise Failure(outcome, f"plain HTTP answers {answer}")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves a host name, opens TCP and UDP connections, and explains each error of the socket."""

from __future__ import annotations

import errno
import http.client
import io
import os
import socket
import ssl
import time
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure, SocketPlace

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH)
_LONGEST_HEAD = 256 * 1024  # bytes; http.client gives up at 100 lines of 64 KiB
_PROHIBITED = (errno.EACCES, errno.EPERM)


def find_places(host: str, port: int, families: Sequence[str]) -> Tuple[List[SocketPlace], List[str]]:
    """Returns where ``host`` is, one Place an address, and what was left out, one sentence each.

    With ``families`` asked for, only their addresses count, and there may be none. Otherwise an address of a family
    that this machine has no route to is left out as long as another one remains. Raises Failure (``unresolvable``)
    where the host has no address at all.
    """
    places = [place for family in FAMILIES for place in _look_up(host, port, family)]
    if not places:
        raise Failure("unresolvable", f"{host} has no address that this machine can find")
    if families:
        return [place for place in places if place.family in families], []
    return _leave_out_routeless(host, places)


def connect(place: SocketPlace, timeout: float, opened: Optional[socket.socket] = None) -> socket.socket:
    """Returns a connected TCP socket that times out after ``timeout`` seconds; raises Failure.

    ``opened`` is a socket that is connected in the place of a new one.
    """
    return _connect(place, socket.SOCK_STREAM, timeout, opened)


def connect_datagrams(place: SocketPlace, timeout: float) -> socket.socket:
    """Returns a UDP socket to a place that times out after ``timeout`` seconds; raises Failure. Nothing is sent yet."""
    return _connect(place, socket.SOCK_DGRAM, timeout)


def get_headers(
    connection: http.client.HTTPConnection, page: str, host: str, timeout: float
) -> http.client.HTTPResponse:
    """Returns the status and the headers that a connection answers a GET of ``page`` with, and closes it.

    ``host`` is the header Host; the headers have to be there in ``timeout`` seconds, however many reads they take.
    Raises Failure.
    """
    headers = {"Host": host, "User-Agent": "port443.https.probe", "Connection": "close"}
    try:
        connection.request("GET", page, headers=headers)
        response = http.client.HTTPResponse(_Head(_read_head(connection.sock, timeout)))  # type: ignore[arg-type]
        response.begin()
        return response
    except OSError as error:
        raise explain(error, timeout) from error
    except http.client.HTTPException as error:
        raise Failure("not http", f"what answers there does not speak HTTP: {error!r}") from error
    finally:
        connection.close()


class _Head:
    """The head of an answer in the place of the socket that it came from, which is all that http.client asks of one."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def makefile(self, _mode: str) -> io.BytesIO:
        """Returns the head to be read."""
        return io.BytesIO(self._head)


def _read_head(connection: socket.socket, timeout: float) -> bytes:
    """Returns what an answer begins with, up to its first empty line or its end.

    A time-out of the socket is for each read, and a server that sends a byte now and then would never reach it.
    """
    end = time.monotonic() + timeout
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) < _LONGEST_HEAD:
        left = end - time.monotonic()
        if left <= 0:
            raise Failure("timed out", f"connected, but the HTTP answer did not end in {timeout:g} s")
        connection.settimeout(left)
        try:
            part = connection.recv(65536)
        except socket.timeout:
            continue
        except ssl.SSLEOFError:  # an end without a goodbye is one
            break
        if not part:
            break
        head += part
    return head


def _connect(
    place: SocketPlace, kind: socket.SocketKind, timeout: float, opened: Optional[socket.socket] = None
) -> socket.socket:
    try:
        connection = opened or socket.socket(FAMILIES[place.family], kind)
    except OSError as error:
        raise explain(error, timeout) from error
    try:
        connection.settimeout(timeout)
        connection.connect(_socket_address(place))
    except OSError as error:
        connection.close()
        raise explain(error, timeout) from error
    return connection


def explain(error: OSError, timeout: float) -> Failure:
    """Returns what an error of the socket means to who wants to know why there is no answer.

    Which ICMP message becomes which errno: Linux, net/ipv4/icmp.c (icmp_err_convert) and net/ipv6/icmp.c.
    """
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return Failure("timed out", f"no answer in {timeout:g} s: a firewall drops it, or nothing is there")
    words = os.strerror(error.errno) if error.errno else str(error)
    if isinstance(error, ConnectionRefusedError):
        return Failure("refused", "nothing listens there, or a firewall rejects it")
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return Failure("reset", f"the other side ended the connection at once: {words}")
    if error.errno in _PROHIBITED:
        return Failure("prohibited", f"a firewall, of this machine or on the way, forbids it: {words}")
    if error.errno in _NO_ROUTE:
        return Failure("unreachable", f"no way there, or a firewall says so: {words}")
    return Failure("failed", words)


def _look_up(host: str, port: int, family: str) -> List[SocketPlace]:
    """One Place for each address of ``family``; none where the name has none of it."""
    try:
        found = socket.getaddrinfo(host, port, FAMILIES[family], socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    numeric = [socket.getnameinfo(entry[4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0] for entry in found]
    return [SocketPlace(host, address, family, port) for address in dict.fromkeys(numeric)]


def _leave_out_routeless(host: str, places: Sequence[SocketPlace]) -> Tuple[List[SocketPlace], List[str]]:
    routed = [place for place in places if _has_route(place)]
    if not routed:
        return list(places), []
    left_out = [place for place in places if place not in routed]
    return routed, [
        f"{place.address} of {host} was not checked: this machine has no {place.family} route to it"
        for place in left_out
    ]


def _has_route(place: SocketPlace) -> bool:
    return bool(own_address(place))


def own_address(place: SocketPlace) -> str:
    """Returns the address of this machine that a connection to a place comes from, empty where there is no route.

    Connecting a datagram socket asks the routing table and sends nothing.
    """
    try:
        with socket.socket(FAMILIES[place.family], socket.SOCK_DGRAM) as question:
            question.connect(_socket_address(place))
            return str(question.getsockname()[0]).partition("%")[0]
    except OSError:
        return ""


def _socket_address(place: SocketPlace) -> Tuple[object, ...]:
    """The address as the socket wants it; a scope id (fe80::1%eth0) needs the long form."""
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return socket.getaddrinfo(place.address, place.port, FAMILIES[place.family], socket.SOCK_STREAM, 0, numeric)[0][4]

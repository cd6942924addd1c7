# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One end of the wire: ``serve`` answers on ports, ``probe`` asks many ports at once and tells who answered.

Speaks JSON, a line a message, over its standard streams. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import selectors
import socket
import sys
import time

# No port is used twice while conntrack may remember it: an old connection's state would decide.
SOURCE_PORTS = itertools.cycle(range(10240, 61000))
ROUNDS = 3  # connecting proves little: bytes have to come back more than once
TCP, UDP = 6, 17
KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}


def open_socket(family, protocol):
    version = socket.AF_INET6 if family == 6 else socket.AF_INET
    made = socket.socket(version, KINDS[protocol])
    made.setblocking(False)
    return made


def serve(ports, addresses):
    """Answers with its number on every port of both protocols at each address, until standard input ends.

    UDP answers from the address that its socket is bound to.
    """
    chooser = selectors.DefaultSelector()
    for protocol, address, port in itertools.product((TCP, UDP), addresses, ports):
        listening = open_socket(6 if ":" in address else 4, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        if protocol == TCP:
            listening.listen(256)
        chooser.register(listening, selectors.EVENT_READ, "accept" if protocol == TCP else "udp")
    chooser.register(sys.stdin, selectors.EVENT_READ, "end")
    print(json.dumps("ready"), flush=True)
    while True:
        for key, _events in chooser.select():
            if key.data == "end":
                return
            with contextlib.suppress(OSError):
                answer(chooser, key)


def answer(chooser, key):
    if key.data == "accept":
        connected, _address = key.fileobj.accept()
        connected.setblocking(False)
        chooser.register(connected, selectors.EVENT_READ, "tcp")
        return
    if key.data == "udp":
        _received, address = key.fileobj.recvfrom(100)
        key.fileobj.sendto(number_of(key.fileobj), address)
        return
    try:
        if key.fileobj.recv(100):
            key.fileobj.send(number_of(key.fileobj))
            return
    except BlockingIOError:
        return
    except OSError:
        pass
    chooser.unregister(key.fileobj)
    key.fileobj.close()


def number_of(bound):
    """What a port answers: its number, which is not the one that was asked where NAT sent the question on."""
    return b"%d " % bound.getsockname()[1]


class Probe:
    """One connection: counts the answers it gets, and knows which port they are from."""

    def __init__(self, number, request):
        self.number = number
        self.left = ROUNDS
        self.port = None
        family, protocol, source, target, port = request
        self.protocol = protocol
        self.socket = open_socket(family, protocol)
        self.socket.bind((source, next(SOURCE_PORTS)))
        code = self.socket.connect_ex((target, port))
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, "refused")

    def send(self):
        self.socket.send(b"%d" % self.left)

    def receive(self):
        """Takes an answer and asks again; True when that was the last."""
        received = self.socket.recv(100)
        if not received:
            raise ConnectionResetError
        self.port = int(received.split()[-1])
        self.left -= 1
        if self.left:
            self.send()
        return not self.left


def probe(requests, timeout):
    """Returns for each request which port answered each time, within ``timeout`` seconds for all together, or None."""
    chooser = selectors.DefaultSelector()
    answered = [None] * len(requests)
    probes = []
    for number, request in enumerate(requests):
        with contextlib.suppress(OSError):
            one = Probe(number, request)
            probes.append(one)
            chooser.register(one.socket, selectors.EVENT_WRITE, one)
    end = time.monotonic() + timeout
    while chooser.get_map() and time.monotonic() < end:
        for key, events in chooser.select(max(end - time.monotonic(), 0)):
            finished = step(chooser, key.data, events)
            if finished is not None:
                answered[key.data.number] = key.data.port if finished else None
                chooser.unregister(key.fileobj)
    for one in probes:
        one.socket.close()
    return answered


def step(chooser, one, events):
    """Goes on with one probe: True or False once it is decided, None while it is not."""
    try:
        if events & selectors.EVENT_WRITE:
            one.send()
            chooser.modify(one.socket, selectors.EVENT_READ, one)
            return None
        return True if one.receive() else None
    except BlockingIOError:
        return None
    except OSError:
        return False


def main():
    if sys.argv[1] == "serve":
        serve([int(port) for port in sys.argv[2].split(",")], sys.argv[3:])
        return
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(probe(order["requests"], order["timeout"])), flush=True)


if __name__ == "__main__":
    main()

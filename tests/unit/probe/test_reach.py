# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each error of a socket means one thing to who wants to know why there is no answer."""

from __future__ import annotations

import errno
import os
import socket

import pytest
from ansible_collections.port443.https.plugins.module_utils._probe.reach import explain

FORBIDDEN = "a firewall, of this machine or on the way, forbids it: {}"
NO_WAY = "no way there, or a firewall says so: {}"
ENDED = "the other side ended the connection at once: {}"


@pytest.mark.parametrize(
    ("number", "outcome", "detail"),
    [
        ("ETIMEDOUT", "timed out", "no answer in 3 s: a firewall drops it, or nothing is there"),
        ("ECONNREFUSED", "refused", "nothing listens there, or a firewall rejects it"),
        ("ECONNRESET", "reset", ENDED),
        ("EPIPE", "reset", ENDED),
        ("ECONNABORTED", "reset", ENDED),
        ("EPERM", "prohibited", FORBIDDEN),
        ("EACCES", "prohibited", FORBIDDEN),
        ("ENETUNREACH", "unreachable", NO_WAY),
        ("EHOSTUNREACH", "unreachable", NO_WAY),
        ("EADDRNOTAVAIL", "unreachable", NO_WAY),
        ("EAFNOSUPPORT", "unreachable", NO_WAY),
        ("EPROTO", "failed", "{}"),
    ],
)
def test_an_error_is_told_by_what_it_means(number, outcome, detail):
    words = os.strerror(getattr(errno, number))
    failure = explain(OSError(getattr(errno, number), words), 3.0)
    assert (failure.outcome, failure.detail) == (outcome, detail.format(words))


@pytest.mark.parametrize("error", [socket.timeout("timed out"), TimeoutError()])
def test_a_time_out_without_a_number_is_one(error):
    assert explain(error, 0.5).outcome == "timed out"

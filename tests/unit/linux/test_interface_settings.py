# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of an interface's setting and that of all the larger one counts, and where there is none nothing is made up."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._linux.interface_settings import (
    find_effective,
    read_number,
    read_setting,
)

CONF = "/proc/sys/net/ipv4/conf"


class Host:
    """Files below /proc; one that holds no bytes cannot be read."""

    def __init__(self, **held):
        self._held = held

    def read(self, path):
        found = self._held.get(path.rsplit("/", 2)[1])
        if found == b"":
            raise HostError(f"{path} cannot be read")
        return found


@pytest.mark.parametrize(
    ("held", "counts"),
    [
        ({"all": b"0\n", "eth0": b"1\n"}, 1),
        ({"all": b"1\n", "eth0": b"0\n"}, 1),
        ({"all": b"2\n", "eth0": b"1\n"}, 2),
        ({"eth0": b"1\n"}, 1),
        ({}, -1),
    ],
)
def test_the_larger_one_counts(held, counts):
    assert find_effective(Host(**held), "eth0", "rp_filter") == counts


@pytest.mark.parametrize("held", [b"", b"strict\n", None])
def test_what_is_no_number_is_none(held):
    host = Host(eth0=held)
    assert read_setting(host, "eth0", "rp_filter") == read_number(host, f"{CONF}/eth0/rp_filter") == -1

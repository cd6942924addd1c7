# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a port, and which addresses the machine has, by the kernel's own word."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.addresses import list_addresses
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.listeners import list_listeners, read_table

# Linux 6.1 of an x86: nginx on 0.0.0.0:443, a resolver on 127.0.0.53:53, an established connection to port 22.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1787 1 0000 100 0 0 10 0
   1: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 1543 1 0000 100 0 0 10 5
   2: 0200000A:0016 0100000A:D431 01 00000000:00000000 02:000A7214 00000000     0        0 2011 4 0000 20 4 30 10 -1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when \
retrnsmt   uid  timeout inode
   0: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 \
00000000     0        0 1788 1 0000 100 0 0 10 0
"""


def test_what_listens_is_read_from_the_kernels_tables():
    everywhere = "0.0.0.0"  # noqa: S104
    assert read_table(TCP, (443, 53, 22)) == {"1787": (everywhere, 443), "1543": ("127.0.0.53", 53)}
    assert read_table(TCP6, (443,)) == {"1788": ("2001:db8::1", 443)}
    assert read_table("", (443,)) == {}


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_this_process_is_found_by_its_name(family, address):
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen()
        port = listening.getsockname()[1]
        (one,) = list_listeners(Host(), (port,))
    assert (one.address, one.port, len(one.processes)) == (address, port, 1)
    with open("/proc/self/comm", encoding="utf-8") as stream:
        assert one.processes[0] == stream.read().strip()


def test_nobody_listens_where_nobody_does():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert list_listeners(Host(), (bound.getsockname()[1],)) == ()


def test_addresses_are_those_that_can_be_bound():
    addresses = list_addresses()
    assert "127.0.0.1" in addresses
    for address in addresses:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as trying:
            trying.bind((address, 0))

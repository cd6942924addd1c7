# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a stranger arrives, from /proc/net as Linux 6.1 and 6.18 print it."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._linux.links import (
    observe_links,
    observe_listeners,
    parse_dev,
    parse_fib_trie,
    parse_if_inet6,
    parse_ipv6_route,
    parse_route,
    parse_sockets,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LOCAL = "eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
UNREACHABLE = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
V6_LOCAL = (
    "20010db8000000000000000000000000 40 " + "0" * 32 + " 00 " + "0" * 32 + " 00000100 00000001 00000000 00000001"
)
V6_DEFAULT = "0" * 32 + " 00 " + "0" * 32 + " 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003"
V6_REJECT = "0" * 32 + " 00 " + "0" * 32 + " 00 " + "0" * 32 + " ffffffff 00000001 00000000 00200200"
FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
           |-- 192.0.2.2
              /32 host LOCAL
           |-- 198.51.100.7
              /32 host LOCAL
"""
IF_INET6 = (
    "20010db8000000000000000000000002 02 40 00 80     eth0\n00000000000000000000000000000001 01 80 10 80       lo\n"
)


def test_the_default_route_tells_the_interface():
    assert parse_route(HEADER + LOCAL + DEFAULT) == "eth0"
    gateway = 0x20010DB8 << 96 | 1
    assert parse_ipv6_route(f"{V6_LOCAL}     eth1\n{V6_DEFAULT}     eth0\n") == ("eth0", gateway)


def test_without_default_route_the_only_routed_interface_serves():
    assert parse_route(HEADER + LOCAL) == "eth1"
    assert parse_route(HEADER + LOCAL + LOCAL.replace("eth1", "eth2")) is None


def test_a_route_that_rejects_is_none():
    assert parse_route(HEADER + UNREACHABLE) is None
    assert parse_ipv6_route(f"{V6_REJECT}       lo\n") == (None, None)


def test_own_addresses_leave_out_loopback_and_broadcast():
    assert parse_fib_trie(FIB_TRIE) == ((0xC0000202, 0xC0000202), (0xC6336407, 0xC6336407))
    assert parse_if_inet6(IF_INET6) == (("eth0", 0x20010DB8 << 96 | 2), ("lo", 1))


def test_interfaces_are_those_of_the_network_namespace():
    heads = "Inter-|   Receive        |  Transmit\n face |bytes    packets |bytes\n"
    assert parse_dev(f"{heads}    lo:     120       2     120\neth0.5:12 3 4\n") == {"lo", "eth0.5"}
    assert parse_dev("") == frozenset()


def test_a_host_without_ipv6_has_no_such_link():
    class Files:
        def list_folder(self, path):
            return ("br0", "eth0", "eth1", "wg0")

        def has_link(self, path):
            return path in ("/sys/class/net/br0/bridge", "/sys/class/net/eth1/brport")

        def read(self, path):
            files = {"/proc/net/route": HEADER + DEFAULT, "/proc/net/fib_trie": FIB_TRIE}
            files.update({"/sys/class/net/eth0/flags": "0x1003\n", "/sys/class/net/wg0/flags": "0x91\n"})
            return files[path].encode() if path in files else None

    four, six = observe_links(Files())
    kinds = (None, frozenset({"eth0", "wg0"}), frozenset({"wg0"}))
    assert four == Link(4, True, "eth0", ((0xC0000202, 0xC0000202), (0xC6336407, 0xC6336407)), *kinds)
    assert six == Link(6, False, None, (), *kinds)


SOCKETS = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0009 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 020200C0:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 020200C0:01BB 0700A8C0:D431 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
"""
SOCKETS_6 = f"""  sl  local_address                         remote_address                        st
   0: {"0" * 32}:1F90 {"0" * 32}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0
   1: {"0" * 24}01000000:0019 {"0" * 32}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6 1 0
   2: B80D0120000000000000000002000000:0016 {"0" * 32}:0000 0A 00000000:00000000 00:00000000 00000000  0 0 7
"""


def test_those_listen_who_wait_for_others_than_the_host_itself():
    assert parse_sockets(SOCKETS) == {("00000000", 8443), ("020200C0", 80)}
    assert {port for _address, port in parse_sockets(SOCKETS_6)} == {8080, 22}
    assert parse_sockets("") == frozenset()


def test_socket_of_ipv6_for_any_address_takes_ipv4_too():
    class Files:
        def read(self, path):
            return {"/proc/net/tcp": SOCKETS.encode(), "/proc/net/tcp6": SOCKETS_6.encode()}.get(path)

    links = (Link(4, True, "eth0", ()), Link(6, True, "eth0", ()))
    four, six = observe_listeners(Files(), links)
    assert four.listeners == {(6, 8443), (6, 80), (6, 8080)}
    assert six.listeners == {(6, 8080), (6, 22)}

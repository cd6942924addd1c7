# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a connection ends is told rightly on a real kernel: translation, routes, queues, containers, large packets."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab import HOSTS, ROUTER, tool
from witness_lab import MARK, attempt_at, filtering, talkative

TRANSLATED = """
table ip n {
    chain out {
        type nat hook output priority -100
        ip daddr 198.18.0.1 tcp dport 443 dnat to 192.0.2.2:8443
    }
    chain post {
        type nat hook postrouting priority 100
        ip daddr 192.0.2.2 meta l4proto tcp snat to 100.64.0.7:5000-5100 random
    }
}
"""


@pytest.fixture
def translated(witness):
    witness.on_router("ip", "route", "add", "198.18.0.0/24", "via", HOSTS[4])
    yield witness
    witness.on_router("ip", "route", "del", "198.18.0.0/24")


def test_who_comes_translated_to_another_address_and_port_is_known(translated):
    translated.on_router("nft", "-f", "-", stdin=TRANSLATED)
    translated.lab.load({"nft": filtering("input", "ip saddr 100.64.0.7 tcp dport 8443 drop")})
    found = translated.locate("198.18.0.1")
    assert found[0] == "in the host"
    assert "ip saddr 100.64.0.7 tcp dport 8443 drop" in found[1]
    assert found[1].endswith("(it arrives as 192.0.2.2:8443: translated on the way)")


def test_an_address_that_is_no_longer_the_hosts_is_told(translated):
    translated.on_router("nft", "-f", "-", stdin=filtering("output", "ip daddr 198.18.0.1 drop"))
    found = translated.locate("198.18.0.1")
    assert found[0] == "before the host"
    assert "198.18.0.1 was looked at and the host has 192.0.2.2" in found[1]


@pytest.fixture
def uplink(witness):
    """Another interface, by which the host would answer the router."""
    tool("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "far1")
    tool("ip", "link", "set", "far1", "up")
    tool("ip", "link", "set", "uplink", "up")
    tool("ip", "route", "add", ROUTER[4] + "/32", "dev", "uplink")
    yield witness
    tool("ip", "link", "del", "uplink")
    witness.look(HOSTS[4])  # which has the router know the host again


@contextlib.contextmanager
def setting(name, value):
    before = tool("sysctl", "-n", name).strip()
    tool("sysctl", "-qw", f"{name}={value}")
    try:
        yield
    finally:
        tool("sysctl", "-qw", f"{name}={before}")


def test_a_strict_reverse_path_filter_is_named(witness):
    witness.look(HOSTS[4])  # the filter holds for questions by ARP, too: the router must have had its answer before
    tool("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "far1")
    tool("ip", "link", "set", "far1", "up")
    tool("ip", "link", "set", "uplink", "up")
    tool("ip", "route", "add", ROUTER[4] + "/32", "dev", "uplink")
    try:
        with setting("net.ipv4.conf.eth0.rp_filter", 1):
            found = witness.locate(HOSTS[4])
    finally:
        tool("ip", "link", "del", "uplink")
    assert found[0] == "in the host"
    assert "rp_filter of eth0 is strict and the route back to 192.0.2.1 leads to uplink" in found[1]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("eth0.rp_filter", 1, "rp_filter of eth0 is strict and the route back to 192.0.2.1 leads to uplink"),
        ("eth0.arp_filter", 1, "arp_filter of eth0 is on and the route back to 192.0.2.1 leads to uplink"),
        ("eth0.arp_ignore", 8, "net.ipv4.conf.eth0.arp_ignore is 8: set it to 0"),
    ],
)
def test_a_host_that_does_not_say_who_it_is_is_told(uplink, name, value, told):
    """A router that does not know the host has to ask who has the address, and that is left unanswered."""
    with setting(f"net.ipv4.conf.{name}", value):
        uplink.on_router("ip", "neigh", "flush", "all")
        found = uplink.locate(HOSTS[4])
        # None of the packets arrived: the question alone did.
        assert "lladdr" not in uplink.on_router("ip", "neigh", "show", HOSTS[4])
    assert found[0] == "before the host"
    assert found[1].startswith(
        "nothing arrives at the host, which may be its own doing: nobody on the link may be told that it has "
        f"{HOSTS[4]}"
    ), found
    assert told in found[1]


def test_an_address_that_no_link_is_told_of_is_named(witness):
    tool("ip", "addr", "add", "192.0.2.9/32", "dev", "lo")
    try:
        with setting("net.ipv4.conf.all.arp_ignore", 1):
            found = witness.locate("192.0.2.9")
        assert found[0] == "before the host"
        assert "the address is on lo and net.ipv4.conf.all.arp_ignore is 1" in found[1]
        # Without the setting it is told, and the look arrives.
        assert witness.locate("192.0.2.9")[0] != "before the host"
    finally:
        tool("ip", "addr", "del", "192.0.2.9/32", "dev", "lo")


def test_no_route_back_is_named(witness):
    tool("ip", "route", "add", "unreachable", ROUTER[4] + "/32")
    try:
        found = witness.locate(HOSTS[4])
    finally:
        tool("ip", "route", "del", "unreachable", ROUTER[4] + "/32")
    assert found[0] == "in the host"
    assert "there is no route back to 192.0.2.1 (No route to host)" in found[1]


def test_a_program_that_takes_nothing_is_named(witness):
    with contextlib.ExitStack() as until:
        waiting = until.enter_context(socket.socket())
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        waiting.bind((HOSTS[4], 4443))
        waiting.listen(0)
        for _one in range(4):
            filling = until.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex((HOSTS[4], 4443))
        time.sleep(0.3)
        found = witness.locate(HOSTS[4], {"ports": (4443,)}, port=4443)
    assert found[0] == "in the host"
    assert "its queue is full (ListenOverflows went from" in found[1]


def test_a_path_that_swallows_large_packets_is_told(witness):
    witness.on_router("nft", "-f", "-", stdin=filtering("input", "tcp sport 4443 meta length > 700 drop"))
    with talkative(20_000):
        found = witness.locate(HOSTS[4], {"ports": (4443,)}, port=4443, checks=["tcp", "tls"], timeout=3.0)
    assert found[0] == "on the way back"
    assert "the host's large packets do not get through and nobody says so" in found[1]


def test_a_program_that_says_nothing_is_told(witness):
    with socket.create_server((HOSTS[4], 4443)):
        found = witness.locate(HOSTS[4], {"ports": (4443,)}, port=4443, checks=["tcp", "tls"])
    assert found[0] == "reached"
    assert "says nothing: look into its log" in found[1]


SENT_ON = """
table ip n {
    chain pre {
        type nat hook prerouting priority -100
        tcp dport 443 dnat to 172.17.0.2:8443
    }
}
"""


@pytest.fixture(params=["box0", "bridge0"])
def box(witness, request):
    """A container of the host, behind DNAT of port 443 to its port 8443, with a link of its own or on a bridge."""
    with subprocess.Popen(["unshare", "--net", "--kill-child=KILL", "sleep", "100"]) as started:
        try:
            inner = wait_for_child(started.pid)
            tool("ip", "link", "add", "box0", "type", "veth", "peer", "name", "in0", "netns", str(inner))
            if request.param != "box0":
                tool("ip", "link", "add", "name", request.param, "type", "bridge")
                tool("ip", "link", "set", "box0", "master", request.param)
                tool("ip", "link", "set", "box0", "up")
            tool("ip", "addr", "add", "172.17.0.1/24", "dev", request.param)
            tool("ip", "link", "set", request.param, "up")
            inside = ("nsenter", f"--net=/proc/{inner}/ns/net")
            tool(*inside, "ip", "addr", "add", "172.17.0.2/24", "dev", "in0")
            tool(*inside, "ip", "link", "set", "in0", "up")
            tool(*inside, "ip", "link", "set", "lo", "up")
            tool(*inside, "ip", "route", "add", "default", "via", "172.17.0.1")
            tool("sysctl", "-qw", "net.ipv4.ip_forward=1")
            witness.lab.load({"nft": SENT_ON})
            yield inside
        finally:
            started.kill()
            for name in ("box0", "bridge0"):
                tool("ip", "link", "del", name, check=False)
            tool("sysctl", "-qw", "net.ipv4.ip_forward=0")


def wait_for_child(pid):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if children:
            time.sleep(0.1)
            return int(children[0])
        time.sleep(0.02)
    raise TimeoutError("no child")


def test_a_container_that_does_not_answer_is_told(witness, box):
    tool(*box, "nft", "-f", "-", stdin=filtering("input", "tcp dport 8443 drop"))
    found = witness.locate(HOSTS[4])
    assert found[0] == "beyond the host"
    assert "the host hands it on to 172.17.0.2:8443 out of b" in found[1]
    assert "0, and nothing comes back: look whether the container" in found[1]
    assert "dnat to 172.17.0.2:8443" in found[1]


def test_a_container_in_which_nothing_listens_is_told(witness, box):
    found = witness.locate(HOSTS[4])
    assert found[0] == "beyond the host"
    assert "hands it on to 172.17.0.2:8443, which refuses it" in found[1]


EXTENDED = """
import socket, sys
looking = socket.socket(socket.AF_INET6)
looking.setsockopt(socket.IPPROTO_IPV6, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))  # IPV6_DSTOPTS: padding alone
looking.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, int(sys.argv[2]))
looking.settimeout(1.2)
looking.bind(("", 0))
print(looking.getsockname()[1])
try:
    looking.connect((sys.argv[1], 443))
except OSError:
    pass
"""


def test_extension_headers_of_ipv6_hide_nobody(witness):
    witness.begin()
    witness.lab.load({"nft": filtering("input", "tcp dport 443 drop")})
    port = int(witness.on_router(sys.executable, "-c", EXTENDED, HOSTS[6], str(MARK)))
    attempt = {**attempt_at(443), "address": HOSTS[6], "family": "ipv6", "sources": [[ROUTER[6], port]]}
    (found,) = witness.end([attempt])
    assert (found["ends"], "tcp dport 443 drop" in found["because"]) == ("in the host", True), found

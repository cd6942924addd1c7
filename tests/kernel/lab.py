# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host behind a router: two network namespaces, a link between, and peers at several addresses behind the router.

The host is this process; the router, where the peers' addresses live, is a process of its own.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind_sets
from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import UNLISTED_SOURCE
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_ipsets, read_nftables
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import mark_native_rules, native_tables
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from apart import own_network

PORTS = (9, 22, 53, 80, 443, 8080, 8443)
TCP, UDP = 6, 17
# `stranger`, `banned` and `friend` come through the router; `near` is the router itself, a neighbour on the link.
HOSTS = {4: "192.0.2.2", 6: "2001:db8::2"}
ROUTER = {4: "192.0.2.1", 6: "2001:db8::1"}
GATEWAY = {4: ROUTER[4], 6: "fe80::1"}
SOURCES = {
    "stranger": {4: "100.64.0.7", 6: "2001:db8:5::7"},
    "banned": {4: "203.0.113.5", 6: "2001:db8:bad::5"},
    "friend": {4: "198.51.100.9", 6: "2001:db8:f::9"},
    "near": ROUTER,
}
TOOLS = {
    (frontend, family): (frontend if family == 4 else frontend.replace("iptables", "ip6tables"))
    for frontend in ("iptables-nft", "iptables-legacy")
    for family in (4, 6)
}
QUICK, PATIENT = 0.15, (3.0, 12.0)


@dataclass(frozen=True)
class Case:
    """One connection to try."""

    family: int
    protocol: int
    port: int
    source: str = "stranger"
    direction: str = "in"

    def question(self):
        """What the verdict is asked; of a stranger the address is not told."""
        source = UNLISTED_SOURCE
        if self.source != "stranger":
            number = int(ipaddress.ip_address(SOURCES[self.source][self.family]))
            source = ((number, number),)
        own = int(ipaddress.ip_address(HOSTS[self.family]))
        return ConnectionQuery(
            self.family,
            self.protocol,
            (self.port, self.port),
            source,
            interface="eth0",
            addresses=((own, own),),
            gateway=int(ipaddress.ip_address(GATEWAY[self.family])),
            bridge=False,
            direction=self.direction,
        )

    def request(self):
        """Who connects to whom."""
        there, here = SOURCES[self.source][self.family], HOSTS[self.family]
        ends = (there, here) if self.direction == "in" else (here, there)
        return (self.family, self.protocol, *ends, self.port)


class Lab:
    """The host's side of the laboratory."""

    def __init__(self):
        self._agents = []
        self._probers = {}

    @contextlib.contextmanager
    def running(self):
        """Makes the namespaces and the link; ends all of it afterwards. Raises PermissionError without the right."""
        with own_network():
            try:
                self._start_all()
                yield self
            finally:
                for agent in self._agents:
                    agent.kill()
                    agent.communicate()

    def _start_all(self):
        there = self._start("unshare", "--net", "--kill-child=KILL", sys.executable, str(AGENT), "probe")
        self._wire(inner_process(there.pid))
        serve = (sys.executable, str(AGENT), "serve", ",".join(map(str, PORTS)))
        self._start(*serve, *HOSTS.values())
        self._start(*self._there, *serve, *(address for both in SOURCES.values() for address in both.values()))
        self._probers = {"in": there, "out": self._start(sys.executable, str(AGENT), "probe")}

    def _start(self, *argv):
        self._agents.append(start(*argv))
        return self._agents[-1]

    def _wire(self, router):
        there = ("nsenter", f"--net=/proc/{router}/ns/net")
        tool("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0", "netns", str(router))
        for prefix, name, addresses in (((), "eth0", HOSTS), (there, "far0", ROUTER)):
            tool(*prefix, "ip", "link", "set", "lo", "up")
            tool(*prefix, "ip", "addr", "add", addresses[4] + "/24", "dev", name)
            tool(*prefix, "ip", "-6", "addr", "add", addresses[6] + "/64", "dev", name, "nodad")
            tool(
                *prefix, "sysctl", "-qw", f"net.ipv6.conf.{name}.accept_dad=0", f"net.ipv6.conf.{name}.addr_gen_mode=1"
            )
            tool(
                *prefix,
                "ip",
                "-6",
                "addr",
                "add",
                "fe80::2/64" if not prefix else GATEWAY[6] + "/64",
                "dev",
                name,
                "nodad",
            )
            tool(*prefix, "ip", "link", "set", name, "up")
        for source in (
            "stranger",
            "banned",
            "friend",
        ):  # on lo: neighbours are asked from the router's link-local address
            tool(*there, "ip", "addr", "add", SOURCES[source][4] + "/32", "dev", "lo")
            tool(*there, "ip", "-6", "addr", "add", SOURCES[source][6] + "/128", "dev", "lo", "nodad")
        tool("ip", "route", "add", "default", "via", GATEWAY[4])
        tool("ip", "-6", "route", "add", "default", "via", GATEWAY[6], "dev", "eth0")
        self._there = there

    def load(self, rules):
        """Replaces all rules: ``rules`` maps (frontend, family) to the text of a restore tool, ``nft`` to a script.

        ``ipset`` are the sets that rules name, all there are.
        """
        self.clear()
        if "ipset" in rules:
            self.make_sets(rules["ipset"])
        for place, text in rules.items():
            if place == "ipset":
                continue
            if place == "nft":
                tool("nft", "-f", "-", stdin=text)
            else:
                tool(TOOLS[place] + "-restore", stdin=text)

    def clear(self):
        """Takes all rules away, and the connections they knew."""
        tool("nft", "flush", "ruleset")
        for family, names in ((4, "ip_tables_names"), (6, "ip6_tables_names")):
            for table in Path("/proc/net", names).read_text(encoding="ascii").split():
                tool(TOOLS["iptables-legacy", family] + "-restore", stdin=EMPTY[table])

    def make_sets(self, text):
        """Replaces all sets of ipset; those of rules that are gone are free a moment later."""
        tool("ipset", "flush")
        for _try in range(200):
            if not tool("ipset", "destroy", check=False) and not tool("ipset", "list", "-n"):
                break
            time.sleep(0.01)
        tool("ipset", "restore", stdin=text)

    def observe(self):
        """The ruleset as the module reads it."""
        view = read_nftables()
        tables = ()
        for family, name in ((4, "ip"), (6, "ip6")):
            if view.has_iptables_tables(name):
                text = tool(TOOLS["iptables-nft", family] + "-save", check=False)
                tables += mark_native_rules(parse_save(text, "iptables-nft", name), view, name)
            if Path(f"/proc/net/{name}_tables_names").read_text(encoding="ascii"):
                text = tool(TOOLS["iptables-legacy", family] + "-save")
                tables += parse_save(text, "iptables-legacy", name)
        return bind_sets(tables, read_ipsets)[0] + native_tables(view)

    def try_all(self, cases, timeout=QUICK):
        """Returns for each case whether bytes went to and fro."""
        return [port is not None for port in self.find_arrivals(cases, timeout)]

    def find_arrivals(self, cases, timeout=QUICK):
        """Returns for each case the port that answered each time, None without; neighbour caches are empty at first.

        One direction after the other: who connects makes itself known to its neighbours.
        """
        came = {}
        for direction, prober in self._probers.items():
            some = [case for case in cases if case.direction == direction]
            if some:
                for prefix in ((), self._there):
                    tool(*prefix, "ip", "neigh", "flush", "all")
                order = {"requests": [case.request() for case in some], "timeout": timeout}
                prober.stdin.write(json.dumps(order) + "\n")
                prober.stdin.flush()
                came.update(zip(some, json.loads(prober.stdout.readline())))
        return [came[case] for case in cases]

    def disagreements(self, cases):
        """Returns the cases in which the verdict is neither *depends* nor what happens, and how often it was each."""
        verdicts = ConnectionJudge(self.observe())
        answers = [verdicts.answer(case.question()) for case in cases]
        happened = self.find_arrivals(cases)
        wrong, counts = [], {"open": 0, "blocked": 0, "depends": 0}
        for case, answer, port in zip(cases, answers, happened):
            counts[answer.verdict] += 1
            for patience in PATIENT if answer.verdict == "open" else ():  # a busy machine may need longer
                port = port or self.find_arrivals([case], patience)[0]
            if not agree(case, answer, port):
                wrong.append((case, answer.verdict, answer.because, f"answered by port {port}"))
        return wrong, counts


def agree(case, answer, port):
    """Tells whether a verdict holds of a connection that this port answered, or None."""
    if answer.verdict == "depends":
        return True
    if answer.verdict == "blocked" or port is None:
        return (answer.verdict, port) == ("blocked", None)
    return any(low <= port <= high for low, high in answer.arrives or ((case.port, case.port),))


AGENT = Path(__file__).with_name("agent.py")
EMPTY = {
    table: "\n".join([f"*{table}", *(f":{chain} ACCEPT" for chain in chains.split()), "COMMIT\n"])
    for table, chains in {
        "filter": "INPUT FORWARD OUTPUT",
        "raw": "PREROUTING OUTPUT",
        "nat": "PREROUTING INPUT OUTPUT POSTROUTING",
        "security": "INPUT FORWARD OUTPUT",
        "mangle": "PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
    }.items()
}


def start(*argv):
    """Starts an agent and waits until it is ready."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert json.loads(process.stdout.readline()) == "ready"
    return process


def inner_process(pid):
    """The child that ``unshare --kill-child`` forked into its namespace."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


def tool(*argv, stdin="", check=True):
    """Runs a tool and returns its output; fails the test if it fails."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    ended = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, env={"PATH": path, "LC_ALL": "C"}, check=False
    )
    assert ended.returncode == 0 or not check, "{} said: {}{}".format(" ".join(argv), ended.stderr, stdin)
    return ended.stdout

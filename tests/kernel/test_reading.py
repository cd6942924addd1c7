# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a host's rules makes nothing, and tells iptables' own rules from native ones in iptables' tables."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux import kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.iptables_check import read_tokens
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_nftables
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView, native_tables
from lab import TCP, TOOLS, Case, tool

# All kinds of matches and targets that iptables-nft writes, as xt extensions or as expressions of nf_tables' own.
WRITTEN = """*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -p tcp --sport 1024: --dport :1024 --syn -j ACCEPT
-A INPUT -p tcp ! --sport 5:6 ! --dport 7:900 ! --tcp-flags SYN,ACK SYN -j ACCEPT
-A INPUT -p udp -m udp --dport 443 -m multiport ! --ports 1,2,5:9 -j DROP
-A INPUT -p sctp --dport 5 -j web
-A INPUT -p icmp --icmp-type 3/4 -m limit --limit 5/sec -j RETURN
-A INPUT -p esp -g web
-A INPUT ! -p udp -f
-A INPUT ! -f ! -i lo -m ttl --ttl-gt 5
-A INPUT -s 10.0.0.0/9 ! -d 10.1.2.0/23 -i eth+
-A INPUT ! -s 1.2.3.4 -d 1.0.3.0/255.0.255.0 -m mark ! --mark 0x1/0xff -m mark --mark 2
-A INPUT -m conntrack ! --ctstate NEW,DNAT -m pkttype --pkt-type unicast -j LOG --log-prefix "a \\" b"
-A INPUT -m comment --comment "a -j DROP" -j NFLOG --nflog-prefix "x y"
-A INPUT -m addrtype --dst-type LOCAL -m iprange --src-range 1.1.1.1-1.1.1.9 -j REJECT
-A INPUT -m statistic --mode random --probability 0.5 -j MARK --or-mark 4
-A INPUT -m recent --name x --set -m hashlimit --hashlimit-above 5/sec --hashlimit-name x -j CONNMARK --save-mark
-A OUTPUT -o wlan+ -s 1.2.3.4/31 -m owner --uid-owner 3
-A OUTPUT ! -o lo -p 47
-A web
COMMIT
*mangle
-A PREROUTING -i eth0 -m mark --mark 1 -j MARK --set-mark 3
-A POSTROUTING -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
*raw
-A PREROUTING -p tcp -j TRACE
-A PREROUTING -j CT --notrack
COMMIT
*nat
-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 8443
-A PREROUTING -p udp --dport 443 -j DNAT --to-destination 192.0.2.9:8443
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
"""
WRITTEN_6 = """*filter
:OUTPUT DROP [0:0]
-A INPUT -p ipv6-icmp --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT
-A INPUT -s fe80::/10 ! -d 2001:db8::1 -m hl --hl-lt 200 -j REJECT
-A INPUT ! -s 2001:db8::/33 -p udp --dport 443 -i eth0 -j ACCEPT
-A OUTPUT -m frag --fragid 0 -p tcp --dport 1:5 -j ACCEPT
COMMIT
"""
NATIVE = [
    "tcp dport { 80, 8080 } accept",
    "tcp dport { 80, 8080 } counter accept",
    "tcp dport 443 accept",
    "ct state new counter accept",
    "ip length 500 counter drop",
    "meta skuid 5 counter drop",
    "ip saddr < 192.0.2.7 counter accept",
    "ip saddr 192.0.2.7-198.51.100.9 counter accept",
    "ip saddr 192.0.2.7 counter reject",
    "udp length 5 counter accept",
    "meta l4proto { tcp, udp } counter accept",
    "fib daddr type local counter accept",
    "tcp dport & 1 == 1 counter accept",
    "tcp dport vmap { 5 : accept }",
    "tcp dport 5 counter log prefix hi drop",
    "ip dscp 5 counter accept",
    "meta iifname { eth0, eth1 } counter accept",
]
SPELLED = {"ip dscp 5 counter accept": "ip dscp & 252 == 20 counter accept"}  # the same, not as nft spells it


@pytest.fixture
def clear(lab):
    lab.clear()
    yield
    lab.clear()


def opaque(ruleset):
    return [
        (table.name, rule.text)
        for table in ruleset
        for chain in table.chains
        for rule in chain.rules
        if rule.verdict == "opaque"
    ]


@pytest.mark.parametrize("first_look", [kernel.read_nft_tables, NftView])
def test_tables_are_read_whether_or_not_the_first_look_saw_them(lab, clear, monkeypatch, first_look):
    for family in (4, 6):
        tool(TOOLS["iptables-nft", family] + "-restore", stdin="*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n")
    monkeypatch.setattr(kernel, "read_nft_tables", first_look)
    ruleset = kernel.observe_kernel(FirewallHost()).ruleset
    assert len(ruleset) == 2
    assert ruleset == lab.observe()


def test_reading_makes_no_table_and_no_chain(lab, clear):
    assert (read_nftables(), lab.observe(), tool("nft", "list", "ruleset")) == (NftView(), (), "")
    tool("iptables-nft-restore", stdin="*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n")
    before = tool("nft", "list", "ruleset")
    lab.observe()
    assert tool("nft", "list", "ruleset") == before


def test_no_rule_that_iptables_wrote_is_taken_for_a_native_one(lab, clear):
    lab.load({("iptables-nft", 4): WRITTEN, ("iptables-nft", 6): WRITTEN_6})
    comment = "two\n-A INPUT -j DROP"  # iptables-restore cannot read what iptables-save prints for it
    tool("iptables-nft", "-A", "INPUT", "-m", "comment", "--comment", comment, "-j", "ACCEPT")
    ruleset = lab.observe()
    assert opaque(ruleset) == []
    assert sum(len(chain.rules) for table in ruleset for chain in table.chains) == 30


@pytest.mark.parametrize("native", NATIVE)
def test_native_rule_in_an_iptables_table_is_never_taken_for_what_iptables_prints(lab, clear, native):
    tool("iptables-nft-restore", stdin="*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n")
    tool("nft", "add", "rule", "ip", "filter", "INPUT", *native.split())
    (chain,) = (table.chain("INPUT") for table in lab.observe() if table.chain("INPUT"))
    last = chain.rules[-1]
    assert last.verdict == "opaque" or last.text in (listed("ip", "filter")[-1][1], SPELLED.get(native))


def version_of(command):
    """The version of a tool, as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", tool(command, "--version").split("(")[0]))


def listed(family, table):
    """The rules of a table as nft lists them, without what was counted: handle and text."""
    lines = tool("nft", "--handle", "list", "table", family, table).splitlines()
    rules = [line.strip().split(" # handle ") for line in lines if line.startswith("\t\t") and " # handle " in line]
    spelled = [(int(handle), re.sub(r"counter packets \d+ bytes \d+", "counter", text)) for text, handle in rules]
    if version_of("nft") < NEWER:
        return spelled
    for pattern, older in OLDER:
        spelled = [(handle, pattern.sub(older, text)) for handle, text in spelled]
    return spelled


# We say things as the nft of Debian 11 to 13 lists them. What 1.1.7 says otherwise:
NEWER = (1, 1, 7)
OLDER = tuple(
    (re.compile(pattern), older)
    for pattern, older in {
        r"tcp flags & \(fin \| syn \| rst \| ack\) == syn": "tcp flags syn / fin,syn,rst,ack",
        r"icmp code 3\b": "icmp code port-unreachable",
        r"(limit rate (?:over )?\d+/\w+) burst 5 packets": r"\1",  # it tells what is the default
        r"iif check missing": "iif oif missing",
        r"& 0x1fff != 0x0": "& 8191 != 0",
    }.items()
)


def test_rules_are_spelled_as_nft_lists_them(lab, clear):
    lines = (Path(__file__).parent / "spelling.nft").read_text(encoding="utf-8")
    tool("nft", "-f", "-", stdin=lines)
    (table,) = native_tables(read_nftables())
    have = dict.fromkeys((rule.handle, rule.text) for chain in table.chains for rule in chain.rules)
    assert list(have) == listed("inet", "spelling")


@pytest.mark.parametrize("native", ["iifname eth0 counter accept", "ip saddr 192.0.2.7 counter drop"])
def test_native_rule_that_iptables_could_have_written_is_read_as_one(lab, clear, native):
    tool("iptables-nft-restore", stdin="*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n")
    tool("nft", "add", "rule", "ip", "filter", "INPUT", *native.split())
    assert opaque(lab.observe()) == []


PROTOCOL_OF_THE_HEADER = (1, 8, 13)  # iptables reads the protocol from there; older ones ask for it apart, and first


def test_ten_thousand_rules_are_all_read(lab, clear):
    lines = "".join(
        f"-A INPUT -s 10.{n >> 8 & 255}.{n & 255}.1 -p tcp --dport {n + 1} -j DROP\n" for n in range(10_000)
    )
    tool("iptables-nft-restore", stdin=f"*filter\n{lines}COMMIT\n")
    view = read_nftables()
    address, protocol, port = ("payload 1 12", "cmp 0"), ("meta 16", "cmp 0"), ("payload 2 2", "cmp 0")
    matches = protocol + address + port
    if version_of("iptables-nft") >= PROTOCOL_OF_THE_HEADER:
        matches = (*address, "payload 1 9", "cmp 0", *port)
    assert {read_tokens(rule.expressions) for rule in view.rules} == {(*matches, "counter", "immediate verdict")}
    assert len(view.rules) == view.chains[0].use == 10_000


INPUT = "chain input {{\ntype filter hook input priority 0; policy drop;\n{}\ntcp dport 443 accept\n}}\n"


def big(*parts):
    """A table of these parts."""
    return "\n".join(("table inet big {", *parts, "}\n"))


def named(kind, elements):
    """A set or a map with the name b."""
    return "{} elements = {{ {} }}; }}".format(kind, ", ".join(elements))


BIG = {
    "ten thousand rules": big(
        INPUT.format("\n".join(f"ip saddr 10.1.{n >> 8}.{n & 255} tcp dport {n + 1} drop" for n in range(10_000)))
    ),
    "a set of fifty thousand addresses": big(
        named("set b { type ipv4_addr;", (f"10.1.{n >> 8}.{n & 255}" for n in range(50_000))),
        INPUT.format("ip saddr @b drop"),
    ),
    "a set of fifty thousand ranges": big(
        named(
            "set b { type ipv4_addr; flags interval;",
            (f"10.{n >> 8}.{n & 255}.1-10.{n >> 8}.{n & 255}.9" for n in range(50_000)),
        ),
        INPUT.format("ip saddr @b drop"),
    ),
    "a map of ten thousand addresses to a hundred chains": big(
        *(f"chain c{n} {{ accept; }}" for n in range(100)),
        named(
            "map b { type ipv4_addr . inet_service : verdict;",
            (f"10.1.{n >> 8}.{n & 255} . 80 : jump c{n % 100}" for n in range(10_000)),
        ),
        INPUT.format("ip daddr . tcp dport vmap @b"),
    ),
}


@pytest.mark.parametrize("script", BIG.values(), ids=BIG)
def test_big_rulesets_are_read_and_judged_in_no_time(lab, clear, script):
    tool("nft", "-f", "-", stdin=script)
    started = time.process_time()
    verdicts = ConnectionJudge(lab.observe())
    answers = [verdicts.answer(Case(4, TCP, port).question()) for port in (80, 443)]
    assert [answer.verdict for answer in answers] == ["blocked", "open"]
    assert time.process_time() - started < 4  # 0.2 to 0.5 s when nothing else runs


def test_no_right_to_read_is_told(lab, clear, collections_path):
    program = (
        "from ansible_collections.port443.https.plugins.module_utils import _errors\n"
        "from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_nftables\n"
        "try:\n    read_nftables()\n"
        "except _errors.HostError as error:\n    print(error.message)"
    )
    ended = subprocess.run(
        ("unshare", "--user", sys.executable, "-c", program),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(collections_path), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    assert ended.stdout == (
        "cannot read the nftables rules: Operation not permitted; "
        "root with CAP_NET_ADMIN in this network namespace can\n"
    )

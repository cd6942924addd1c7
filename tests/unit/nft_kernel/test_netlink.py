# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The conversation with the kernel: listings that end, break, are torn or refused."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils import _netlink
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._nft_kernel import KernelTable, NftView

MESSAGES = yaml.safe_load((Path(__file__).parent / "messages.yml").read_text(encoding="utf-8"))
GET_TABLE, GET_CHAIN, GET_RULE = 0xA01, 0xA04, 0xA07
NAMES = {GET_TABLE: "tables", GET_CHAIN: "chains", GET_RULE: "rules"}


def message(kind, sequence, payload, flags=2):
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload + b"\0" * (-len(payload) % 4)


def done(sequence, code=0):
    return message(3, sequence, struct.pack("=i", -code))


def recorded(kind, sequence, table=b""):
    """The recorded listing of one kind, each message with its family; of rules only those of a table."""
    found = [(family, bytes.fromhex(text)) for family, text in MESSAGES[NAMES[kind]]]
    found = [(family, payload) for family, payload in found if payload[4:].startswith(table)]
    return b"".join(message(kind - 1, sequence, bytes((family, 0, 0, 0)) + payload) for family, payload in found)


class FakeKernel:
    """Answers what it was told to; refuses requests that it does not know."""

    def __init__(self, answer):
        self.answer = answer
        self.datagrams = []
        self.asked = []

    def __call__(self, family, kind, protocol):
        assert (family, protocol) == (16, 12)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_raised):
        self.datagrams = []

    def settimeout(self, seconds):
        assert seconds > 0

    def send(self, request):
        length, kind, flags, sequence, _port = struct.unpack_from("=IHHII", request)
        assert (length, flags, kind in NAMES) == (len(request), 0x301, True)
        table = request[24:].split(b"\0")[0]
        self.asked.append((NAMES[kind], request[16], table.decode("ascii")))
        self.datagrams = self.answer(kind, sequence, table + b"\0" if table else b"")

    def recv(self, _size):
        return self.datagrams.pop(0)


def answering(monkeypatch, answer):
    kernel = FakeKernel(answer)
    monkeypatch.setattr(_netlink.socket, "socket", kernel)
    return kernel


def test_listing_is_read_over_several_datagrams_and_rules_only_of_iptables_tables(monkeypatch):
    kernel = answering(monkeypatch, lambda *asked: [recorded(*asked), done(asked[1] + 99) + done(asked[1])])
    view = _netlink.read_nftables()
    assert (len(view.tables), len(view.chains), [rule.chain for rule in view.rules]) == (
        7,
        10,
        ["INPUT", "INPUT", "INPUT", "INPUT", "web", "PREROUTING", "mine"],
    )
    assert kernel.asked == [
        ("tables", 0, ""),
        ("chains", 0, ""),
        ("rules", 2, "filter"),
        ("rules", 2, "raw"),
        ("rules", 10, "nat"),
    ]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_kernel_without_nf_tables_has_none(monkeypatch, code):
    answering(monkeypatch, lambda _kind, sequence, _table: [message(2, sequence, struct.pack("=i", -code), 0)])
    assert _netlink.read_nftables() == NftView()


def test_refusal_says_what_would_work(monkeypatch):
    refusal = struct.pack("=i", -errno.EPERM)
    answering(monkeypatch, lambda _kind, sequence, _table: [message(2, sequence, refusal, 0)])
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == (
        "cannot read the nftables rules: Operation not permitted; root with CAP_NET_ADMIN in this network namespace can"
    )


def test_other_failure_holds_the_kernel_s_words(monkeypatch):
    answering(monkeypatch, lambda _kind, sequence, _table: [done(sequence, errno.ENOMEM)])
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == "cannot read the nftables rules over netlink: Cannot allocate memory"


def test_torn_listing_is_read_again(monkeypatch):
    torn = [True, True]

    def answer(kind, sequence, table):
        if kind == GET_CHAIN and torn:
            torn.pop()
            return [message(kind - 1, sequence, b"\2\0\0\0", flags=0x12)]
        return [recorded(kind, sequence, table) + done(sequence)]

    kernel = answering(monkeypatch, answer)
    assert _netlink.read_nftables().tables[0] == KernelTable("ip", "filter")
    assert [what for what, *_rest in kernel.asked].count("chains") == 3


def test_table_that_goes_away_is_looked_for_again_and_not_for_ever(monkeypatch):
    def answer(kind, sequence, table):
        if kind == GET_RULE:
            return [done(sequence, errno.ENOENT)]
        return [recorded(kind, sequence, table) + done(sequence)]

    kernel = answering(monkeypatch, answer)
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == (
        "the nftables rules changed during each of 5 attempts to read them: try again later"
    )
    assert [what for what, *_rest in kernel.asked].count("tables") == 5

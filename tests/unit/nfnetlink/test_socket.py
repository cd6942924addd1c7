# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The conversation with the kernel: listings that end, break, are torn or refused."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import nfnetlink
from ansible_collections.port443.https.plugins.module_utils._nfnetlink import socket as _netlink
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelTable
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.sets import read_elements
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView

MESSAGES = yaml.safe_load((Path(__file__).parent / "messages.yml").read_text(encoding="utf-8"))
GET_TABLE, GET_CHAIN, GET_RULE, GET_SET, GET_ELEMENTS, GET_GENERATION = 0xA01, 0xA04, 0xA07, 0xA0A, 0xA0D, 0xA10
NAMES = {GET_TABLE: "tables", GET_CHAIN: "chains", GET_RULE: "rules", GET_SET: "sets", GET_ELEMENTS: "elements"}


def message(kind, sequence, payload, flags=2):
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload + b"\0" * (-len(payload) % 4)


def done(sequence, code=0):
    return message(3, sequence, struct.pack("=i", -code))


def recorded(kind, sequence, names=b""):
    """The recorded listing of one kind, each message with its family; of elements only those of one set."""
    if kind == GET_GENERATION:
        return message(kind - 1, sequence, b"\0\0\0\0" + struct.pack("=HH", 8, 1) + b"\0\0\0\7")
    found = [(family, bytes.fromhex(text)) for family, text in MESSAGES[NAMES[kind]]]
    found = [(family, payload) for family, payload in found if payload.startswith(names)]
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
        assert (length, flags) == (len(request), 0x1 if kind == GET_GENERATION else 0x301)
        self.asked.append(NAMES.get(kind, "generation"))
        self.datagrams = self.answer(kind, sequence, request[20:])

    def recv(self, _size):
        return self.datagrams.pop(0)


def answering(monkeypatch, answer):
    kernel = FakeKernel(answer)
    monkeypatch.setattr(nfnetlink.socket, "socket", kernel)
    return kernel


def whole(kind, sequence, names):
    """What a kernel answers where nothing is wrong; a question that is no listing has no end of its own."""
    answered = recorded(kind, sequence, names)
    return [answered] if kind == GET_GENERATION else [answered, done(sequence + 99) + done(sequence)]


def test_listing_is_read_over_several_datagrams_with_the_elements_of_each_set(monkeypatch):
    kernel = answering(monkeypatch, whole)
    view = _netlink.read_nftables()
    assert (len(view.tables), len(view.chains), len(view.rules)) == (7, 11, 14)
    assert [(one.name, len(read_elements(one))) for one in view.sets] == [
        ("__set0", 2),
        ("banned", 2),
        ("pairs", 1),
        ("soon", 1),
        ("todo", 3),
        ("__map0", 1),
    ]
    assert kernel.asked == ["generation", "tables", "chains", "rules", "sets", *["elements"] * 6, "generation"]


def test_tables_alone_are_one_question(monkeypatch):
    kernel = answering(monkeypatch, whole)
    view = _netlink.read_nft_tables()
    assert (len(view.tables), view.chains, view.rules, view.sets) == (7, (), (), ())
    assert kernel.asked == ["tables"]


def test_rules_that_changed_between_two_listings_are_read_again(monkeypatch):
    generations = [1, 2, 3, 3]

    def answer(kind, sequence, names):
        if kind != GET_GENERATION:
            return whole(kind, sequence, names)
        number = struct.pack("=HH", 8, 1) + struct.pack(">I", generations.pop(0))
        return [message(kind - 1, sequence, b"\0\0\0\0" + number)]

    kernel = answering(monkeypatch, answer)
    assert len(_netlink.read_nftables().tables) == 7
    assert (kernel.asked.count("tables"), generations) == (2, [])


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_kernel_without_nf_tables_has_none(monkeypatch, code):
    answering(monkeypatch, lambda _kind, sequence, _names: [message(2, sequence, struct.pack("=i", -code), 0)])
    assert _netlink.read_nftables() == NftView()


def test_refusal_says_what_would_work(monkeypatch):
    refusal = struct.pack("=i", -errno.EPERM)
    answering(monkeypatch, lambda _kind, sequence, _names: [message(2, sequence, refusal, 0)])
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == (
        "cannot read the nftables rules: Operation not permitted; root with CAP_NET_ADMIN in this network namespace can"
    )


def test_other_failure_holds_the_kernel_s_words(monkeypatch):
    answering(monkeypatch, lambda _kind, sequence, _names: [done(sequence, errno.ENOMEM)])
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == "cannot read the nftables rules over netlink: Cannot allocate memory"


def test_torn_listing_is_read_again(monkeypatch):
    torn = [True, True]

    def answer(kind, sequence, names):
        if kind == GET_CHAIN and torn:
            torn.pop()
            return [message(kind - 1, sequence, b"\2\0\0\0", flags=0x12)]
        return whole(kind, sequence, names)

    kernel = answering(monkeypatch, answer)
    assert _netlink.read_nftables().tables[0] == KernelTable("ip", "filter")
    assert kernel.asked.count("chains") == 3


def test_set_that_goes_away_is_looked_for_again_and_not_for_ever(monkeypatch):
    def answer(kind, sequence, names):
        if kind == GET_ELEMENTS:
            return [done(sequence, errno.ENOENT)]
        return whole(kind, sequence, names)

    kernel = answering(monkeypatch, answer)
    with pytest.raises(HostError) as raised:
        _netlink.read_nftables()
    assert raised.value.message == (
        "the nftables rules changed during each of 5 attempts to read them: try again later"
    )
    assert kernel.asked.count("tables") == 5

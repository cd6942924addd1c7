# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel is sent to delete an empty chain and table, and what each of its answers comes to."""

from __future__ import annotations

import errno
import struct

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import nfnetlink
from ansible_collections.port443.https.plugins.module_utils._host.nft_prune import delete_if_empty

BEGIN = "14000000100001000100000000000000" + "0000000a"
END = "14000000110001000100000000000000" + "0000000a"
# NFT_MSG_DELCHAIN and NFT_MSG_DELTABLE with NLM_F_REQUEST, NLM_F_ACK and NLM_F_NONREC
CHAIN = "24000000050a05010100000000000000" + "02000000" + "0600010074000000" + "0600030063000000"
TABLE = "1c000000020a05010100000000000000" + "02000000" + "0600010074000000"


class Kernel:
    """Acknowledges each batch with the next of its codes."""

    def __init__(self, *codes):
        self.codes = list(codes)
        self.asked = []

    def __call__(self, *_kind):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_raised):
        pass

    def settimeout(self, seconds):
        assert seconds > 0

    def send(self, request):
        self.asked.append(request.hex())

    def recv(self, _size):
        return struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -self.codes.pop(0))


@pytest.mark.parametrize(
    ("codes", "asked"),
    [
        ((0, 0), [CHAIN, TABLE]),
        ((errno.EBUSY,), [CHAIN]),
        ((errno.ENOENT,), [CHAIN]),
        ((0, errno.EBUSY), [CHAIN, TABLE]),
    ],
)
def test_what_is_in_use_or_gone_stays_as_it_is(monkeypatch, codes, asked):
    kernel = Kernel(*codes)
    monkeypatch.setattr(nfnetlink.socket, "socket", kernel)
    delete_if_empty("ip", "t", "c")
    assert (kernel.asked, kernel.codes) == ([BEGIN + one + END for one in asked], [])


def test_refusal_is_told_in_the_kernel_s_words(monkeypatch):
    monkeypatch.setattr(nfnetlink.socket, "socket", Kernel(errno.EPERM))
    with pytest.raises(HostError) as raised:
        delete_if_empty("ip", "t", "c")
    assert raised.value.message == "the empty chain c of table ip t could not be deleted: Operation not permitted"

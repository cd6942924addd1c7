# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every reader of a program's words makes of an answer that is none: silence and code 0 are nobody's "nothing".

A new reader has to come with a case: what that program prints when it cannot answer, and what follows.
"""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import openssl
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import transaction
from ansible_collections.port443.https.plugins.module_utils._linux import kernel
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot
from certificate_cases import CERTIFICATES
from confirm_cases import CONFIRM
from find_readers import find_readers
from firewall_cases import FILTER, FIREWALLS
from mute_host import spoken
from pf_cases import PF
from witness_cases import WITNESS

CASES = [*FIREWALLS, *PF, *CERTIFICATES, *WITNESS, *CONFIRM]


@pytest.fixture(autouse=True)
def no_real_program(monkeypatch):
    """Netlink shows one table, and what is not run by a host says what the host's programs say."""
    for name in ("read_nft_tables", "read_nftables"):
        monkeypatch.setattr(kernel, name, lambda: FILTER)
    monkeypatch.setattr(transaction, "read_nftables", NftView)


def test_every_reader_has_a_case_and_every_case_a_reader():
    assert sorted({case.reader for case in CASES}) == find_readers()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.reader}, {case.title}" for case in CASES])
def test_an_answer_that_is_none_is_never_taken_for_one(case, monkeypatch):
    for module in (certbot, openssl):
        monkeypatch.setattr(module, "execute", spoken(*case.host.ended))
    if case.words:
        with pytest.raises(HostError, match=case.words):
            case.ask(case.host)
    else:
        assert case.ask(case.host) == case.value

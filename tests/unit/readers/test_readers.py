# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every reader of a program's words makes of an answer that is none: silence and code 0 are nobody's "nothing".

A new reader has to come with a case: what that program prints when it cannot answer, and what follows.
"""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils import _kernel
from ansible_collections.port443.https.plugins.module_utils._backends._nftables import _transaction
from ansible_collections.port443.https.plugins.module_utils._certificate import _openssl
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._nft_kernel import NftView
from ansible_collections.port443.https.plugins.module_utils._renewal import _certbot
from certificate_cases import CERTIFICATES
from find_readers import find_readers
from firewall_cases import FILTER, FIREWALLS
from mute_host import spoken

CASES = [*FIREWALLS, *CERTIFICATES]
# Tried in tests/unit/pf, where a whole pfctl is played.
IN_PF = {
    "_backends._pf._links:observe_links",
    "_backends._pf._observe:_listing_verbose",
    "_backends._pf._observe:_observe_other_filter",
    "_backends._pf._observe:observe",
    "_backends._pf._reference:SwitchOn.carry_out",
    "_backends._pf._reference:SwitchOn.take_back",
    "_backends._pf._system:_sysrc",
}


@pytest.fixture(autouse=True)
def no_real_program(monkeypatch):
    """Netlink shows one table, and what is not run by a host says what the host's programs say."""
    for name in ("read_nft_tables", "read_nftables"):
        monkeypatch.setattr(_kernel, name, lambda: FILTER)
    monkeypatch.setattr(_transaction, "read_nftables", NftView)


def test_every_reader_has_a_case_and_every_case_a_reader():
    assert sorted({case.reader for case in CASES} | IN_PF) == find_readers()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.reader}, {case.title}" for case in CASES])
def test_an_answer_that_is_none_is_never_taken_for_one(case, monkeypatch):
    for module in (_certbot, _openssl):
        monkeypatch.setattr(module, "execute", spoken(*case.host.ended))
    if case.words:
        with pytest.raises(HostError, match=case.words):
            case.ask(case.host)
    else:
        assert case.ask(case.host) == case.value

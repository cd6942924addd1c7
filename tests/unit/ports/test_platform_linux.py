# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ports_info tells beside the verdict: where the rule that decides stands."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._ports.platform_linux import place

KERNEL = Kernel((), (), {}, None, NftView())


class EmptyHost:
    """A host without any file."""

    def read(self, path):
        return None

    def is_file(self, path):
        return False

    def has_link(self, path):
        return False

    def list_folder(self, folder):
        return ()


def test_rule_of_nft_is_told_with_the_handle_that_nft_deletes_it_by():
    answer = Verdict("blocked", "", "nft", "inet", "fw", "in", 2, "tcp dport 443 drop", handle=7)
    assert place(EmptyHost(), KERNEL, answer) == {
        "table": "nft inet fw",
        "chain": "in",
        "rule": "tcp dport 443 drop",
        "handle": 7,
        "file": "",
    }


def test_policy_has_no_handle():
    answer = Verdict("blocked", "", "iptables-nft", "ip", "filter", "INPUT")
    told = {"table": "iptables-nft ip filter", "chain": "INPUT", "rule": "", "handle": 0, "file": ""}
    assert place(EmptyHost(), KERNEL, answer) == told


def test_where_nothing_filters_nothing_is_told():
    told = {"table": "", "chain": "", "rule": "", "handle": 0, "file": ""}
    assert place(EmptyHost(), KERNEL, Verdict("open", "nothing filters here")) == told

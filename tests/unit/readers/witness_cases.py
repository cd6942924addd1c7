# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tools print when they cannot say how often a rule was taken: no counter then, and none of them is 0."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._witness import counters
from mute_host import Case, Mute

SAVE, NFT = "_witness.counters:_read_save", "_witness.counters:_read_nft"


def saved(host):
    return counters._read_save(host, "iptables-save", "iptables-nft ip")


WITNESS = [
    Case(SAVE, "silence and code 0", Mute(), saved, "", {}),
    Case(SAVE, "no rights", Mute(4, "", "Permission denied (you must be root)"), saved, "", {}),
    Case(
        SAVE,
        "a table that it cannot print, 1.8.11",
        Mute(3, "*filter\n:INPUT DROP [3:180]\n", "table incompatible"),
        saved,
        "",
        {},
    ),
    Case(NFT, "silence and code 0", Mute(), counters._read_nft, "", {}),
    Case(NFT, "no rights", Mute(1, "", "Operation not permitted"), counters._read_nft, "", {}),
]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the line of an nft file that a rule of the kernel was loaded from."""

from __future__ import annotations

from typing import Optional

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.outline import Written, outline
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import ScanError, scan
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources, assemble
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict


def find_origin(sources: NftSources, answer: Verdict, count: int) -> str:
    """Returns the file and line of the statement that makes what decided, empty where that is not known.

    ``count`` is how many rules the chain has in the kernel: if the file makes as many, they stand in the same order.
    """
    whole = assemble(sources)
    try:
        made = outline(scan(whole.text))
    except ScanError:
        return ""
    chain = (answer.family, answer.table, answer.chain)
    rules = () if made.unclear else made.rules.get(chain, ())
    found: Optional[Written] = None
    if not answer.number:
        found = next(iter(made.chains.get(chain, ())), None)
    elif len(rules) == count:
        found = rules[answer.number - 1]
    if found is None:
        return ""
    path, offset = whole.locate(found.statement.start)
    return "{} line {}".format(path, sources.text(path).count("\n", 0, offset) + 1)

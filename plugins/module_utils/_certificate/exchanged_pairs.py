# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pairs of several sites that are exchanged as one, and put back as one."""

from __future__ import annotations

from typing import List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import DeploymentState
from ansible_collections.port443.https.plugins.module_utils._certificate.exchange import PairExchange
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import PairChange
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, naming
from ansible_collections.port443.https.plugins.module_utils._host.signals import uninterrupted

DuePair = Tuple[RequestedPair, DeploymentState]


class ExchangedPairs:
    """The pairs that are ``due``, each with how its site stood before; raises OSError where that cannot be read."""

    def __init__(self, exchange: PairExchange, due: Sequence[DuePair]) -> None:
        self.due = tuple(due)
        self._exchange = exchange
        self._changes = {one.site: exchange.remember(one.site) for one, _state in due}
        self._moved: Set[str] = set()

    def changes(self) -> Tuple[PairChange, ...]:
        """Returns how the sites stood, for the journal."""
        return tuple(self._changes.values())

    def exchange(self) -> None:
        """Gives every site its new pair; raises HostError, once all are back, where one cannot be installed."""
        with uninterrupted():
            for one, _state in self.due:
                try:
                    with naming(one.path):
                        if self._exchange.exchange(one.site, one.want):
                            self._moved.add(one.site)
                except HostError as problem:
                    told = self.put_back(self.due)
                    if len(self.due) > 1 and not told:
                        told = ["all pairs are as they were"]
                    raise HostError("; ".join([problem.message, *told])) from None

    def put_back(self, due: Sequence[DuePair]) -> List[str]:
        """Gives these sites back what they had; returns what was against that, nothing if nothing was."""
        with uninterrupted():
            told = [self._exchange.take_back(self._changes[one.site], state.have) for one, state in reversed(due)]
        return [one for one in told if one]

    def has_moved(self) -> bool:
        """Tells whether any site has another pair than before."""
        return bool(self._moved)

    def had_pair(self, due: DuePair) -> bool:
        """Tells whether a site had a pair before, or the link to one."""
        return self._changes[due[0].site].link is not None

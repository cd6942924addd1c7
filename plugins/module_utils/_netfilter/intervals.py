# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sorted intervals of integers with fast search: the elements of a set."""

from __future__ import annotations

from bisect import bisect_right
from typing import Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span


class Spans(Tuple[Span, ...]):
    """Rising spans that neither touch nor overlap; made by ``merge_spans``."""

    _size: Optional[int] = None

    def size(self) -> int:
        """Returns how many integers they hold together."""
        if self._size is None:
            self._size = sum(high - low + 1 for low, high in self)
        return self._size

    def contains(self, low: int, high: int) -> Optional[bool]:
        """Tells whether all from ``low`` to ``high`` are in a span: None for some of them."""
        at = bisect_right(self, (high, high)) - 1
        before = self[at] if at >= 0 else (-1, -1)
        if at + 1 < len(self) and self[at + 1][0] <= high:
            before = self[at + 1]
        if before[1] < low:
            return False
        return True if before[0] <= low and high <= before[1] else None


def merge_spans(spans: Iterable[Span]) -> Spans:
    """Returns the spans sorted, those that touch or overlap as one."""
    merged: List[Span] = []
    last_low = last_high = -2
    for low, high in sorted(spans):
        if low > last_high + 1:
            merged.append((low, high))
            last_low, last_high = low, high
        elif high > last_high:
            merged[-1] = (last_low, high)
            last_high = high
    return Spans(merged)


def contains(spans: Tuple[Span, ...], low: int, high: int) -> Optional[bool]:
    """Tells whether all from ``low`` to ``high`` are in one of the spans: None for some of them."""
    if isinstance(spans, Spans):
        return spans.contains(low, high)
    touches = False
    for first, last in spans:
        if first <= low and high <= last:
            return True
        if low <= last and first <= high:
            touches = True
    return None if touches else False


def size(spans: Tuple[Span, ...]) -> int:
    """Returns how many integers the spans hold together, those in two of them counted twice."""
    if len(spans) == 1:
        return spans[0][1] - spans[0][0] + 1
    return spans.size() if isinstance(spans, Spans) else sum([high - low + 1 for low, high in spans])

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says at which steps a process is killed or fails in turn: at each, or in a short run at some of them."""

from __future__ import annotations

import itertools
import os
from typing import Iterator

EVERY = int(os.environ.get("PORT443_EVERY", "1"))
FIRST = int(os.environ.get("PORT443_FIRST", "0")) % EVERY + 1


def failing_steps() -> Iterator[int]:
    """Yields the numbers of steps without end: 1, 2, 3 and so on, or each PORT443_EVERY-th from PORT443_FIRST on."""
    return itertools.count(FIRST, EVERY)

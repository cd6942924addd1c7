# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blocks SIGINT, SIGTERM and SIGHUP while steps that belong together are carried out."""

from __future__ import annotations

import contextlib
import signal
from typing import Iterator, Tuple


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds signals back until all steps are done or undone: a cut connection sends SIGHUP in the middle."""
    signals: Tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

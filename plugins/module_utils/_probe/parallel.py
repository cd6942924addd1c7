# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks many questions in parallel, with one time limit."""

from __future__ import annotations

import queue
import threading
import time
from typing import Callable, List, Sequence, TypeVar, Union

from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure

Result = TypeVar("Result")

AT_ONCE = 64
# Connect and shake hands, for the certificate, its chain, two old versions, HTTP/2 and HSTS, and read an answer: a
# question takes thirteen steps at most, each with the time-out of its own.
_STEPS = 13


def ask_together(questions: Sequence[Callable[[], Result]], timeout: float) -> List[Union[Result, Failure]]:
    """Returns the answer of each question in their order, the Failure it raised included.

    At most 64 are asked at a time. A question that takes longer than thirteen steps of ``timeout`` seconds, because its
    server sends a byte now and then, is left behind as ``timed out``. Any other exception is raised here.
    """
    left: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(questions)):
        left.put(number)
    seconds = _STEPS * timeout * -(-len(questions) // AT_ONCE) + 1
    too_slow = Failure("timed out", f"no end after {seconds:g} s: the server answers too slowly")
    answers: List[Union[Result, Exception]] = [too_slow] * len(questions)

    def work() -> None:
        while True:
            try:
                number = left.get_nowait()
            except queue.Empty:
                return
            try:
                answers[number] = questions[number]()
            except Exception as error:
                answers[number] = error

    # Daemons: a name lookup cannot be interrupted, and must not keep the module from answering.
    threads = [threading.Thread(target=work, daemon=True) for _worker in range(min(AT_ONCE, len(questions)))]
    _run(threads, seconds)
    return [_settle(answer) for answer in tuple(answers)]


def _run(threads: Sequence[threading.Thread], seconds: float) -> None:
    end = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def _settle(answer: Union[Result, Exception]) -> Union[Result, Failure]:
    if isinstance(answer, Exception) and not isinstance(answer, Failure):
        raise answer
    return answer

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every run has to know of a change that waits for its confirmation, or that the host took back.

The change itself is the business of ``_confirm``, whose code is not sent with a run that asks for no confirmation.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterator, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

RECORD, TOLD = "unconfirmed.json", "taken_back.json"
_PATIENCE = 60.0  # seconds that a run waits for another one's change, as long as it waits for a lock
_PAUSE = 0.2
_GRACE = 5.0  # seconds after which a change that is still there has lost its timer


@dataclass(frozen=True)
class Unconfirmed:
    """A change that waits: what it is called, the set, its end in seconds of the epoch, and what takes it back."""

    identity: str
    name: str
    until: float
    command: Tuple[str, ...]


def folder_of(host: FirewallHost) -> str:
    """Returns the folder for changes that wait, which a reboot empties: beside the lock of all runs."""
    return os.path.splitext(host.lock_path)[0]


def read_record(host: FirewallHost) -> Optional[Unconfirmed]:
    """Returns the change that waits for its confirmation, None where there is none."""
    found = _read(os.path.join(folder_of(host), RECORD))
    if found is None:
        return None
    try:
        return Unconfirmed(found["identity"], found["name"], float(found["until"]), tuple(found["command"]))
    except (KeyError, TypeError, ValueError):
        return None


def render_record(record: Unconfirmed) -> bytes:
    """Returns what a change that waits is recorded as."""
    return json.dumps(asdict(record)).encode("ascii")


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, "rb") as stream:
            found = json.loads(stream.read().decode("utf-8", "replace"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@contextlib.contextmanager
def alone(host: FirewallHost) -> Iterator[None]:
    """Holds the lock of all runs while no change of another one waits for its confirmation.

    Waits for the end of such a change for as long as for a lock, and raises HostError then. Has the host take back one
    whose timer is gone.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        with host.lock():
            record = read_record(host)
            if record is None:
                yield
                return
        if host.now() > record.until + _GRACE:
            _take_back(host, record)
        elif time.monotonic() > deadline:
            raise HostError(
                f"the change of the set {record.name} by another run waits for its confirmation until "
                f"{_clock(record.until)}, and is taken back then: run again after that"
            )
        time.sleep(_PAUSE)


def _take_back(host: FirewallHost, record: Unconfirmed) -> None:
    """Runs what a timer should have run, such as one that somebody ended."""
    ended = host.run(record.command)
    now = read_record(host)
    if ended.returncode or (now is not None and now.identity == record.identity):
        raise HostError(
            f"the change of the set {record.name} was never confirmed, and cannot be taken back: "
            f"'{' '.join(record.command)}' ended with code {ended.returncode} and said: {ended.words()}"
        )


def tell(host: FirewallHost) -> Tuple[str, ...]:
    """Returns what the host took back since the last run, as a warning, and that another change waits."""
    found = _read(os.path.join(folder_of(host), TOLD))
    told = () if found is None else (describe(found),)
    waiting = read_record(host)
    if waiting is None:
        return told
    return (*told, f"a change of the set {waiting.name} waits for its confirmation until {_clock(waiting.until)}")


def describe(found: Dict[str, Any]) -> str:
    """Returns what became of a change that nobody confirmed, as a sentence."""
    problems = [str(one) for one in found.get("problems") or ()]
    done = "the host took it back" if not problems else "the host could not take all of it back"
    told = "; ".join(problems)
    return "the change of the set {} was not confirmed, and {} at {}{}".format(
        found.get("name"), done, _clock(float(found.get("at") or 0)), f": {told}" if told else ""
    )


def forget(host: FirewallHost) -> None:
    """Forgets what ``tell`` told."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(folder_of(host), TOLD))
        os.rmdir(folder_of(host))


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))

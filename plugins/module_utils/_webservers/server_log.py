# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what a web server itself writes down about a start or a reload: its commands often say less, or nothing."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass, field
from typing import List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._printable import printable

_MOST_READ = 1 << 16  # bytes
_MOST_LINES, _MOST_LETTERS = 4, 300
# nginx' [emerg], Apache's [core:error], HAProxy's [ALERT]; lighttpd has its source's name and line alone.
_ERROR = re.compile(
    r"\[(?:[a-z0-9_]+:)?(?:emerg|alert|crit|error)\]"
    r"|\([a-z_]+\.c\.\d+\).*(?:fail|error|can(?:not|'t)|denied|in use|no such|unable|invalid)",
    re.IGNORECASE,
)
_VISITOR = re.compile(r"\bclient:? ?[0-9a-f\[]", re.IGNORECASE)  # what went wrong with somebody's request is not meant
_STAMP = re.compile(r"^(?:\d{4}[-/]\d\d[-/]\d\d[ T][\d:.]+:? |\[[A-Z][a-z]{2} [A-Z][a-z]{2} [^]]*\] )")


@dataclass(frozen=True)
class LogMark:
    """How far logs were written at a moment: inode and size of each file, and the seconds of the epoch."""

    files: Mapping[str, Tuple[int, int]] = field(default_factory=dict)
    moment: float = 0.0


@dataclass(frozen=True)
class ServerLog:
    """Where a server writes: files, and the journal of systemd under the names of its processes (/proc/PID/comm)."""

    host: Optional[Host] = None
    files: Tuple[str, ...] = ()
    processes: Tuple[str, ...] = ()

    def begin(self) -> LogMark:
        """Returns how far it is written now."""
        return LogMark(dict(zip(self.files, map(_stand, self.files))), time.time())

    def tell_since(self, mark: LogMark) -> str:
        """Returns the end of a sentence, the errors that were written since then; empty where there are none."""
        lines: List[str] = []
        for path in self.files:
            lines += _read_since(path, mark.files.get(path, (0, 0)))
        if self.host is not None and os.path.isdir("/run/systemd/system") and self.host.find("journalctl") is not None:
            lines += self.read_journal(mark.moment)
        errors = [line for line in lines if _ERROR.search(line) and not _VISITOR.search(line)]
        said = dict.fromkeys(_STAMP.sub("", line).strip()[:_MOST_LETTERS] for line in errors)
        return f"; its own log says: {' / '.join(map(printable, list(said)[-_MOST_LINES:]))}" if said else ""

    def read_journal(self, moment: float) -> List[str]:
        """Returns the lines in the journal of systemd since a moment; none where it does not answer."""
        if self.host is None:
            return []
        names = [word for name in self.processes for word in ("+", f"_COMM={name}")][1:]
        told = self.host.run(
            ("journalctl", "--quiet", "--no-pager", "--output=cat", f"--since=@{int(moment)}", "--lines=50", *names)
        )
        return told.out.splitlines()


def _stand(path: str) -> Tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_ino, status.st_size


def _read_since(path: str, before: Tuple[int, int]) -> List[str]:
    """Returns the lines that were added, all of them where the file is another one."""
    inode, size = _stand(path)
    start = before[1] if (inode, size >= before[1]) == (before[0], True) else 0
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        stream.seek(max(start, size - _MOST_READ))
        return stream.read(_MOST_READ).decode("utf-8", "replace").splitlines()
    return []

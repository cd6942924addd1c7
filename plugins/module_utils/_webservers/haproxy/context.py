# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The context in which sections of HAProxy's block are rendered, and pieces that several of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import find_defaults
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, ServerSettings

ACME = "port443:acme"
NOBODY = "port443:nobody"
BEGIN_LINES = "    # Lines of "
END_LINES = "    # End of the lines of "
_MOST_WORDS = 40  # HAProxy takes 64 words a line (MAX_LINE_ARGS)
_TIMEOUTS = (("connect", "5s"), ("client", "1m"), ("server", "1m"), ("http-request", "1m"), ("tunnel", "1h"))


@dataclass(frozen=True)
class BlockContext:
    """What a block is rendered for: settings, build, the path of its certificate list, and the defaults that hold.

    ``defaults`` has the first two words of each line of the defaults section that the block's sections inherit.
    """

    settings: ServerSettings
    build: Build
    crt_list: str
    defaults: FrozenSet[Tuple[str, ...]]

    def has(self, *words: str) -> bool:
        """Tells whether the defaults have a line that begins with these words, one or two."""
        return any(line[: len(words)] == words for line in self.defaults)

    def render_timeouts(self, *names: str) -> List[str]:
        """Returns lines for those timeouts that the defaults lack: without one HAProxy waits for ever."""
        return [
            f"    timeout {name} {value}"
            for name, value in _TIMEOUTS
            if name in names and not self.has("timeout", name)
        ]

    def render_own_forwarded_for(self) -> List[str]:
        """Returns what keeps the defaults' ``option forwardfor`` from adding an address to the one that is set."""
        return ["    option forwardfor if-none"] if self.has("option", "forwardfor") else []


def read_context(settings: ServerSettings, build: Build, crt_list: str, texts: Sequence[str]) -> BlockContext:
    """Returns the surroundings of a block at the end of these texts."""
    return BlockContext(settings, build, crt_list, frozenset(words[:2] for words in find_defaults(texts)))


def chunks(words: Sequence[str]) -> Iterator[str]:
    """Yields the words in texts of as many as a line can have beside what else is in it."""
    for at in range(0, len(words), _MOST_WORDS):
        yield " ".join(words[at : at + _MOST_WORDS])


def frame_lines(name: str, lines: Sequence[str]) -> List[str]:
    """Returns a user's lines, between comments that say whose they are."""
    return [BEGIN_LINES + name, *(f"    {line}" for line in lines), END_LINES + name] if lines else []


def as_host(name: str) -> str:
    """Returns a name as it stands in the Host header."""
    return f"[{name}]" if ":" in name else name

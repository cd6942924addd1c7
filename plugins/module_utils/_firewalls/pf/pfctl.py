# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Client of pfctl(8): reads the rules in force, and parses a text under ``-n`` into the same words.

Under ``-n`` pfctl of FreeBSD before 15 and of macOS prints ``anchor "com.apple/*"`` as ``anchor "/*"`` and every
operating system of a client as "nomatch". So the text is read once as it is, which decides whether it is legal, and
once more with flat names in place of paths and with the fingerprints named; then the paths are put back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, List, Match, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import System
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._pf.conf import included_file, split_statements

_PATH = re.compile(
    r"((?:^|[\s{])(?:scrub-|nat-|rdr-|binat-|dummynet-)?anchor\s+)"
    r"(\"[^\"\n]*[/*][^\"\n]*\"|[^\s\"{}]*[/*][^\s\"{}]*)"
)
_FLAT = "p443-{}-"
_FINGERPRINTS = "/etc/pf.os"
_INCLUDES = 8
_NOISE = ("No ALTQ support", "ALTQ related", "pfctl: Use of -f option", "present in the main", "See /etc/pf.conf")
# FreeBSD and macOS say "DIOCGETRULES: Invalid argument" and, of -s Anchors, "Anchor 'a' not found."; OpenBSD the last.
_NO_ANCHOR = re.compile(r"Invalid argument|Anchor '.*' not found|Anchor (?:or Ruleset )?does not exist")


def listing(host: FirewallHost, system: System, what: str, anchor: str = "") -> str:
    """Returns what ``pfctl -s`` prints, of an anchor or of the main ruleset; an anchor that is not there holds nothing.

    Whether it is there cannot be told from the code: FreeBSD and macOS end with 0 and OpenBSD with 1, and only the
    words tell that from another failure. Raises HostError.
    """
    where = ("-a", anchor) if anchor else ()
    numeric = system.numeric if what in system.listings else ()
    ended = host.run(("pfctl", *where, *numeric, "-s", what))
    if has_failed(ended) and not (anchor and _NO_ANCHOR.search(ended.err)):
        command = " ".join(("pfctl", *where, "-s", what))
        raise HostError(f"{command} failed with code {ended.returncode} and said: {pfctl_words(ended)}")
    return ended.out


def ruleset(host: FirewallHost, system: System, anchor: str = "") -> str:
    """Returns all rules of an anchor, or of the main ruleset, as pfctl prints them."""
    return "".join(listing(host, system, what, anchor) for what in system.listings)


def try_rules(host: FirewallHost, system: System, text: str, *options: str) -> Completed:
    """Lets pfctl read rules without loading them; what is printed is as it would be if they were in force.

    Raises HostError where it neither refuses rules nor prints them, but for -R, which may lose rules: those who try
    that compare.
    """
    argv = ("pfctl", *options, *system.numeric, "-n", "-v", "-f", "-")
    ended = host.run(argv, text)
    if not ended.returncode and not ended.out.strip() and "-R" not in options and _prints(text):
        raise HostError(f"{' '.join(argv)} reads rules, ends with code 0 and prints none of them: {ended.words()}")
    if ended.returncode or not system.guesses:
        return ended
    flat, paths = _flatten(_with_includes(host, text))
    fingerprints = " os " in ended.out and host.has_link(_FINGERPRINTS)
    if not paths and not fingerprints:
        return ended
    again = host.run(argv, (f'set fingerprints "{_FINGERPRINTS}"\n' if fingerprints else "") + flat)
    if again.returncode:
        return ended
    out = again.out
    for name, path in paths.items():
        out = out.replace(name, path)
    return replace(ended, out=out)


def _prints(text: str) -> bool:
    """Whether a text has rules that -v never leaves out; it may have others, which files or macros bring in."""
    return any(statement.words[:1] in (("pass",), ("block",)) for statement in split_statements(text))


def _flatten(text: str) -> Tuple[str, Dict[str, str]]:
    """The text with a flat name in place of each anchor's path, and the path of each name."""
    paths: Dict[str, str] = {}

    def flat(found: Match[str]) -> str:
        name = _FLAT.format(len(paths))
        paths[name] = found.group(2).strip('"')
        return f'{found.group(1)}"{name}"'

    return _PATH.sub(flat, text), paths


def _with_includes(host: FirewallHost, text: str, depth: int = 0) -> str:
    """The text with the files that it includes in place of the statements that do; those that cannot be read stay."""
    parts: List[str] = []
    at = 0
    for statement in split_statements(text):
        content = host.read(included_file(statement)) if included_file(statement) and depth < _INCLUDES else None
        if content is not None:
            parts += [text[at : statement.start], _with_includes(host, content.decode("latin-1"), depth + 1)]
            at = statement.end
    return "".join(parts) + text[at:]


def has_failed(ended: Completed) -> bool:
    """Tells whether pfctl could not do what it was told: of some refusals of the kernel it warns, and ends with 0."""
    return bool(ended.returncode) or any(line.startswith("pfctl: ") for line in _own_words(ended))


def pfctl_words(ended: Completed) -> str:
    """Returns what pfctl said, without what it says on macOS at every call."""
    return "\n".join(_own_words(ended)) or ended.words()


def _own_words(ended: Completed) -> List[str]:
    return [line for line in ended.err.splitlines() if line.strip() and not line.startswith(_NOISE)]

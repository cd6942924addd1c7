# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables that pf.conf gives addresses to: loading it puts those in place of what programs added or took out since.

A table without addresses in pf.conf, such as ``table <bans> persist``, keeps what it holds (pf_table.c).
"""

from __future__ import annotations

import re
from typing import List, Optional, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import has_failed, pfctl_words
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._pf.peer import parse_address

_TABLE = re.compile(r'table <([^>]+)>(?: const| persist| counters)*((?: \{[^}]*\}| file "[^"]*")+)')
_INLINE = re.compile(r"\{([^}]*)\}")
_FILE = re.compile(r'file "([^"]*)"')


def observe_drifted_tables(host: FirewallHost, printed: str) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Returns what tables hold beyond what pf.conf gives them, and what it gives that they do not hold.

    ``printed`` is what pfctl prints of pf.conf. Each is a table's name and an address. A table that is not there yet,
    and one whose file names hosts, is left out. Raises HostError where pfctl cannot tell what one holds.
    """
    more: List[str] = []
    less: List[str] = []
    for line in printed.splitlines():
        found = _TABLE.fullmatch(line.strip())
        given = _given(host, found.group(2)) if found else None
        if found is None or given is None:
            continue
        held = _members(_list_table(host, found.group(1)))
        if held is not None:
            more += [f"table <{found.group(1)}>: {member}" for member in sorted(held - given)]
            less += [f"table <{found.group(1)}>: {member}" for member in sorted(given - held)]
    return tuple(more), tuple(less)


def _list_table(host: FirewallHost, name: str) -> Optional[List[str]]:
    """What a table holds, which may be nothing, and None where there is none; raises HostError if nobody can tell."""
    ended = host.run(("pfctl", "-t", name, "-T", "show"))
    if not has_failed(ended):
        return ended.out.split()
    if "Table does not exist" in ended.err:  # ESRCH, pfr_strerror in pfctl_radix.c
        return None
    raise HostError(f"{' '.join(ended.argv)} failed with code {ended.returncode} and said: {pfctl_words(ended)}")


def _given(host: FirewallHost, text: str) -> Optional[Set[str]]:
    words = [word for inline in _INLINE.findall(text) for word in inline.split()]
    for path in _FILE.findall(text):
        lines = (host.read(path) or b"").decode("latin-1").splitlines()
        words += [word for line in lines for word in line.partition("#")[0].replace(",", " ").split()]
    return _members(words)


def _members(words: Optional[List[str]]) -> Optional[Set[str]]:
    """Addresses and networks as they can be compared, with their sign; None for none, and where one is a name."""
    if words is None:
        return None
    members = set()
    for word in words:
        network = parse_address(word.lstrip("!"))[1]
        if network is None:
            return None
        members.add(f"{'!' if word.startswith('!') else ''}{network}")
    return members

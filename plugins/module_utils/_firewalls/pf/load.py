# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loads the main ruleset, and compares the rules of others before, foreseen, and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import pfctl_words, ruleset, try_rules
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import System
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._pf.conf import without_loads
from ansible_collections.port443.https.plugins.module_utils._pf.drift import calls, foreign, is_call, more
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._plan.apply import explain
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, Run

PARTS = ("-o", "none", "-R")
"""Loads filter rules alone. With the optimiser on, which needs tables, -R loads no rule at all and ends with 0."""

_FILTERS = ("pass", "block", "anchor", "match")
_TRANSLATES = ("nat", "rdr", "binat", "no nat", "no rdr", "no binat")
_SECTIONS = ("scrub", "no scrub"), ("dummynet", "no dummynet")


@dataclass(frozen=True)
class LoadMain(Act):
    """Loads the main ruleset with ``run``, where ``held`` are the rules of others in force, and ``left`` those then.

    ``calling`` tells that it is to call ``anchor`` afterwards, and ``position`` where; ``back`` brings back what was.
    ``told`` is the text of pf.conf where rules of others become part of the set: what is left then is asked of pfctl,
    as one that was contained in another comes to light when that one goes.
    """

    system: System
    anchor: str
    calling: bool
    position: str
    run: Run
    back: Tuple[Run, ...]
    held: Tuple[str, ...]
    left: Tuple[str, ...]
    told: Optional[str] = None

    def carry_out(self, host: FirewallHost) -> None:
        """Loads it; raises HostError where others changed theirs meanwhile, or would lose or have lost some by it."""
        if self._foreign(host) != self.held:
            raise HostError("another program changed the rules of pf during this run; run again")
        if self.run.argv[1:4] == PARTS:
            refuse_loss(host, self.system, self.run.stdin, self.anchor, self.calling, self.left)
        _run(host, self.run)
        if self._foreign(host) != self._left(host):
            for one in self.back:
                _run(host, one)
            raise HostError(
                f"{' '.join(self.run.argv)} ended with 0, but the rules of others in pf were not what they were; they "
                f"were loaded again{self._doubt(host)}"
            )

    def take_back(self, host: FirewallHost) -> None:
        """Loads what was there before; where others changed theirs meanwhile, our call alone is put in or taken out."""
        if self._foreign(host) == self._left(host):
            for one in self.back:
                _run(host, one)
            if self._foreign(host) != self.held:
                raise HostError("pf does not hold the rules of others that it held before")
            return
        if not self.system.loads_parts:
            raise HostError(f"another program changed the rules of pf, so the call of anchor {self.anchor} was left")
        now = ruleset(host, self.system)
        text = edited(now, self.anchor, not self.calling, self.position)
        refuse_loss(host, self.system, text, self.anchor, not self.calling, foreign(now, self.anchor))
        _run(host, Run(("pfctl", *PARTS, "-f", "-"), text))

    def _left(self, host: FirewallHost) -> Tuple[str, ...]:
        if self.told is None:
            return self.left
        return foreign(try_rules(host, self.system, without_loads(self.told)).out, self.anchor)

    def _foreign(self, host: FirewallHost) -> Tuple[str, ...]:
        return foreign(ruleset(host, self.system), self.anchor)

    def _doubt(self, host: FirewallHost) -> str:
        return "" if self._foreign(host) == self.held else ", and are not what they were all the same"

    def __str__(self) -> str:
        return str(self.run)


def _run(host: FirewallHost, run: Run) -> None:
    ended = host.run(run.argv, run.stdin)
    if ended.returncode:
        raise HostError(explain(ended))


def refuse_loss(
    host: FirewallHost, system: System, text: str, anchor: str, calling: bool, expected: Tuple[str, ...]
) -> str:
    """Returns what ``pfctl -R`` would make of a text; raises HostError unless those are the rules expected."""
    ended = try_rules(host, system, text, *PARTS)
    if ended.returncode:
        raise HostError(f"pfctl does not read the rules that it printed itself: {pfctl_words(ended)}")
    printed = foreign(ended.out, anchor)
    lost = [line for line in more(expected, printed) if not line.startswith(_TRANSLATES)]
    if lost:
        raise HostError(f"pfctl -R would drop rules of others, so nothing was loaded: {'; '.join(lost[:3])}")
    if printed != foreign(text, anchor) or calls(parse_rules(ended.out), anchor) != calling:
        raise HostError("pfctl -R would load other rules than those that it was given, so nothing was loaded")
    return ended.out


def whole(printed: str) -> str:
    """Returns all rules of a main ruleset as printed, in the order that pf.conf(5) asks for."""
    lines = printed.splitlines()
    translating = [line for line in lines if line.startswith(_TRANSLATES)]
    others = edited(printed, "", False, "").splitlines()
    scrubbing = [line for line in others if line.startswith(_SECTIONS[0])]
    return "".join(f"{line}\n" for line in (*scrubbing, *translating, *others[len(scrubbing) :]))


def edited(printed: str, anchor: str, calling: bool, position: str) -> str:
    """Returns the filter rules of a main ruleset as printed, with the call of an anchor in its place or without it.

    What shapes goes before what filters, as pf.conf(5) has it; translation is not loaded with filter rules.
    """
    lines = [line for line in printed.splitlines() if not is_call(line.strip(), anchor)]
    lines = [line for line in lines if not line.startswith(_TRANSLATES)]
    first = [[line for line in lines if line.startswith(words)] for words in _SECTIONS]
    rest = [line for line in lines if not any(line in section for section in first)]
    lines = [*first[0], *first[1], *rest]
    if calling:
        at = next((at for at, line in enumerate(lines) if line.startswith(_FILTERS)), len(lines))
        lines.insert(at if position == "first" else len(lines), f'anchor "{anchor}" all')
    return "".join(f"{line}\n" for line in lines)

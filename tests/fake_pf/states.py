# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state table: a connection whose first packet a rule passed goes on, whatever the rules become (pf.conf(5)).

Only a command that names states ends them: -F states, and -k with an address or a label (pfctl(8)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional

if TYPE_CHECKING:
    from fake_pf.kernel import Kernel
    from fake_pf.rules import Rule

ADDRESS = "192.0.2.10"
SERVICES = {"http": 80, "https": 443, "ssh": 22}


def connect(kernel: Kernel, source: str, port: int) -> bool:
    """Sends a first segment from ``source`` to a port of the machine; returns whether the connection comes about."""
    rule = decide(kernel, "", port, None) if kernel.enabled else None
    if kernel.enabled and rule is not None and rule.action == "block":
        return False
    if kernel.enabled and (rule is None or rule.state != "no"):
        kernel.states.append({"source": f"{source}:50000", "port": str(port), "label": rule.label if rule else ""})
    return True


def goes_on(kernel: Kernel, source: str, port: int) -> bool:
    """Whether a later segment of a connection gets through: by its state, else flags S/SA lets no rule match."""
    held = any(state["source"].startswith(f"{source}:") and state["port"] == str(port) for state in kernel.states)
    return held or not kernel.enabled


def decide(kernel: Kernel, anchor: str, port: int, last: Optional[Rule]) -> Optional[Rule]:
    """The rule that decides: the last one that matches, or the first one that is quick."""
    for rule in kernel.rulesets.get(anchor, []):
        if rule.action == "anchor":
            last = decide(kernel, rule.anchor, port, last)
        elif _matches(rule, port):
            last = rule
        if last is not None and last.quick:
            return last
    return last


def _matches(rule: Rule, port: int) -> bool:
    if rule.action not in ("pass", "block") or rule.interface or rule.user:
        raise AssertionError(f"a rule that states.py does not play: {rule}")
    if rule.direction == "out" or rule.protocol not in (0, 6) or rule.family == "inet6" or rule.source != "any":
        return False
    operator, _space, value = rule.destination_port.partition(" ")
    if not operator:
        return True
    if operator != "=":
        raise AssertionError(f"a port that states.py does not play: {rule.destination_port}")
    return SERVICES.get(value, 0) == port or value == str(port)


def show(kernel: Kernel) -> str:
    """What ``-s states`` prints."""
    everywhere = "ALL" if kernel.system == "Darwin" else "all"
    return "".join(
        f"{everywhere} tcp {ADDRESS}:{state['port']} <- {state['source']}       ESTABLISHED:ESTABLISHED\n"
        for state in kernel.states
    )


def flush(kernel: Kernel) -> str:
    """Does ``-F states`` and returns what is said."""
    count = len(kernel.states)
    kernel.states.clear()
    return f"{count} states cleared\n"


def kill(kernel: Kernel, arguments: List[str]) -> str:
    """Does ``-k ADDRESS`` or ``-k label -k LABEL`` and returns what is said."""
    before = len(kernel.states)
    kernel.states[:] = [state for state in kernel.states if not _is_meant(state, arguments)]
    return f"killed {before - len(kernel.states)} states from 1 sources and 0 destinations\n"


def _is_meant(state: Dict[str, str], arguments: List[str]) -> bool:
    if arguments[0] == "label" and len(arguments) == 2:
        return state["label"] == arguments[1]
    if len(arguments) != 1:
        raise AssertionError(f"-k {arguments} is not played")
    return state["source"].startswith(f"{arguments[0]}:")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel holds: rulesets, tables, whether pf is on, who holds it on; kept as JSON between calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

from fake_pf.rules import Rule

STATE = "var/fake_pf.json"


@dataclass
class Kernel:
    """``rulesets`` and ``tables`` are by anchor, empty for the main ruleset; ``device`` is there, missing or hidden.

    ``tokens`` are macOS' enable references; ``calls`` is every command that ran; ``failing`` are those that are to
    fail: parts of the command line, what it says, and for how many times.
    """

    system: str
    enabled: bool = False
    device: str = "there"
    root: bool = True
    rulesets: Dict[str, List[Rule]] = field(default_factory=dict)
    tables: Dict[str, Dict[str, List[str]]] = field(default_factory=dict)
    skip: List[str] = field(default_factory=list)
    tokens: List[str] = field(default_factory=list)
    given: int = 0
    calls: List[List[str]] = field(default_factory=list)
    failing: List[Dict[str, Any]] = field(default_factory=list)
    settings: Dict[str, str] = field(default_factory=dict)
    daemons: List[str] = field(default_factory=list)
    states: List[Dict[str, str]] = field(default_factory=list)

    @staticmethod
    def load(root: Path, system: str) -> Kernel:
        """The kernel as the last call left it, or a new one."""
        path = root / STATE
        if not path.exists():
            return Kernel(system)
        found = json.loads(path.read_text(encoding="utf-8"))
        found["rulesets"] = {
            name: [Rule.from_json(rule) for rule in rules] for name, rules in found["rulesets"].items()
        }
        return Kernel(**found)

    def save(self, root: Path) -> None:
        """Keeps it for the next call."""
        kept = dict(self.__dict__)
        kept["rulesets"] = {name: [rule.to_json() for rule in rules] for name, rules in self.rulesets.items()}
        (root / STATE).parent.mkdir(parents=True, exist_ok=True)
        (root / STATE).write_text(json.dumps(kept), encoding="utf-8")

    def load_rules(self, anchor: str, rules: List[Rule], tables: Dict[str, Optional[List[str]]]) -> None:
        """Replaces a ruleset with what a file came to, tables and all, but for what tables without addresses hold."""
        self.rulesets[anchor] = rules
        kept = {name: found for name, found in self.tables.get(anchor, {}).items() if not name.startswith("__")}
        given = {name: kept.get(name, []) if found is None else found for name, found in tables.items()}
        self.tables[anchor] = {**kept, **given}

    def anchors(self) -> List[str]:
        """The anchors that hold something, and those above them."""
        names = set()
        for name, rules in self.rulesets.items():
            parts = name.split("/") if name and rules else []
            names |= {"/".join(parts[: count + 1]) for count in range(len(parts))}
        return sorted(names)

    def take_token(self) -> str:
        """A new enable reference."""
        self.given += 1
        token = str(11012949885072952620 + self.given)
        self.tokens.append(token)
        self.enabled = True
        return token

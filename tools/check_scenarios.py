# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says which scenarios name playbooks or tests that are not there: molecule itself skips those and calls it a success.

Also says which cannot run at the same time.

With ``--images [SCENARIO...]`` it prints the names of the images that they want (without names, all), in an order in
which those who build several at once seldom wait for one another.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any, Iterator, Sequence

import yaml

ROOT = Path(__file__).resolve().parent.parent / "molecule"


def main() -> int:
    """Prints one line for each thing that is missing; returns 1 if there is any."""
    scenarios = [path.parent for path in sorted(ROOT.glob("*/molecule.yml"))]
    if sys.argv[1:2] == ["--images"]:
        folders = [ROOT / name for name in sys.argv[2:]] or scenarios
        inventories = [read(folder / "inventory" / "hosts.yml") for folder in (ROOT, *folders)]
        wanted = {image for inventory in inventories for image in images(inventory)}
        print("\n".join(sorted(wanted, key=lambda image: (image.partition("-")[2], image))))
        return 0
    missing = [line for scenario in scenarios for line in missing_from(scenario)] + list(clashes(scenarios))
    print("\n".join(missing), end="\n" if missing else "")
    return 1 if missing else 0


def clashes(scenarios: Sequence[Path]) -> Iterator[str]:
    """Scenarios whose names give them the same network (molecule/inventory/group_vars): they cannot run at once."""
    by_network: dict[str, str] = {}
    for scenario in scenarios:
        network = hashlib.sha256(scenario.name.encode()).hexdigest()[:2]
        if network in by_network:
            yield f"molecule/{scenario.name}: has the network of {by_network[network]}: give one of them another name"
        by_network[network] = scenario.name


def read(path: Path) -> Any:
    """What a YAML file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def images(inventory: Any) -> Iterator[str]:
    """The value of every ``image`` in an inventory."""
    if isinstance(inventory, dict):
        for key, value in inventory.items():
            yield from [value] if key == "image" else images(value)


def missing_from(scenario: Path) -> Iterator[str]:
    """What the test sequence of a scenario names and its folder does not hold."""
    own, common = read(scenario / "molecule.yml"), read(ROOT / "config.yml")
    sequence = {**common["scenario"], **own.get("scenario", {})}["test_sequence"]
    playbooks = {**common["ansible"]["playbooks"], **own.get("ansible", {}).get("playbooks", {})}
    for step in sequence:
        action, named = [*step.split(" "), ""][:2]
        playbook = scenario / (named or playbooks.get(action, f"{action}.yml"))
        if action == "verify" and not list((scenario / (named or "tests")).glob("**/test_*.py")):
            yield f"molecule/{scenario.name}: no tests for '{step}'"
        elif action in ("create", "prepare", "converge", "side_effect", "destroy") and not playbook.is_file():
            yield f"molecule/{scenario.name}: no playbook for '{step}': {playbook}"


if __name__ == "__main__":
    sys.exit(main())

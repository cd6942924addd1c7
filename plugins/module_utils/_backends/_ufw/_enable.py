# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Switching ufw on: what the kernel would hold then, and whether ssh would still get in."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._backends._ufw._boot import HOOKS, boot_text
from ansible_collections.port443.https.plugins.module_utils._backends._ufw._settings import CONFIGURATION, Settings
from ansible_collections.port443.https.plugins.module_utils._effective import judge
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._ipset_match import bind_sets
from ansible_collections.port443.https.plugins.module_utils._kernel import FAMILIES, Kernel
from ansible_collections.port443.https.plugins.module_utils._netlink import read_ipsets
from ansible_collections.port443.https.plugins.module_utils._plan import Run
from ansible_collections.port443.https.plugins.module_utils._port_rule import PortRule, Request
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._session import Session


def enable_step(files: Dict[str, str]) -> Run:
    """Returns the command that switches ufw on; ``files`` are those that ufw writes anew then, as they are before."""
    back = tuple(Run(("tee", path), text) for path, text in files.items())
    return Run(("ufw", "--force", "enable"), undo=(Run(("ufw", "--force", "disable")), *back))


def files_rewritten(files: Dict[str, str], user: Sequence[str]) -> Dict[str, str]:
    """The files that ``ufw enable`` writes: its configuration, and the rules, to which it adds those that log."""
    return {path: files[path] for path in (CONFIGURATION, *user) if path in files}


def foresee(kernel: Kernel, frontend: str, settings: Settings, files: Dict[str, str]) -> Ruleset:
    """Returns the kernel's rules as they would be with ufw switched on."""
    ruleset = kernel.ruleset
    for family, name in FAMILIES.items():
        for table in parse_save(boot_text(settings, family, files), frontend, name):
            have = kernel.table(frontend, family, table.name)
            keep = have is not None and settings.values.get("MANAGE_BUILTINS") != "yes"
            made = _merged(have, table) if have is not None and keep else table
            kept = tuple(one for one in ruleset if have is None or one != have)
            ruleset = (*kept, made)
    return bind_sets(ruleset, read_ipsets)[0]


def _merged(have: Table, made: Table) -> Table:
    """A table with what ufw puts into it: its policies, its chains, and its jumps behind what is there already."""
    fresh: Dict[str, Chain] = {chain.name: chain for chain in made.chains}
    chains: List[Chain] = []
    for chain in have.chains:
        new = fresh.pop(chain.name, None)
        if new is None:
            chains.append(chain)
        elif chain.name in HOOKS:
            targets = {rule.target for rule in chain.rules}
            added = tuple(rule for rule in new.rules if rule.target not in targets)
            chains.append(replace(chain, policy=new.policy, rules=chain.rules + added))
        else:
            chains.append(new)
    return replace(have, chains=(*chains, *fresh.values()))


def refuse_cut(ruleset: Ruleset, kernel: Kernel, sessions: Sequence[Session]) -> None:
    """Raises HostError where no way that ssh is reached by would be left; a way that is limited in rate is one."""
    shut: List[str] = []
    for session in sessions:
        lines = judge(ruleset, kernel.links, _request_of(session))
        if any(line.verdict != "blocked" for line in lines) or not lines:
            return
        came = f" from {session.source.network_address}" if session.source is not None else ""
        shut.append(f"{session.port}/tcp{came} ({lines[0].because})")
    if shut:
        ports = sorted({session.port for session in sessions})
        advice = " and ".join(f"{port}/tcp" for port in ports)
        raise HostError(
            "switching ufw on would shut ssh out: blocked would be {}. Nothing was changed. Add {} to the ports, or "
            "allow it first, such as with: ufw allow {}/tcp".format(", ".join(shut), advice, ports[0])
        )


def _request_of(session: Session) -> Request:
    source: Tuple[object, ...] = () if session.source is None else (session.source,)
    return Request("ssh", (PortRule("tcp", session.port, session.port),), source=source, backend="ufw")  # type: ignore[arg-type]

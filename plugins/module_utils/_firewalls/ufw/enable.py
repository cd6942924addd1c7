# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foresees the ruleset of a ufw that is switched on, and refuses where ssh would be cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.boot import BUILTIN, HOOKS, boot_text
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import CONFIGURATION, UfwSettings
from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind_sets
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, Kernel
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import Session
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_ipsets
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import judge
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import meaning

_ADVICE = (
    "Move them into ufw's own files and delete them; or set MANAGE_BUILTINS=no and IPV6=yes in /etc/default/ufw, and "
    "name no chain of others in ufw's files, and its start spares them"
)


def files_rewritten(files: Dict[str, str], user: Sequence[str]) -> Dict[str, str]:
    """The files that ``ufw enable`` writes: its configuration, and the rules, to which it adds those that log."""
    return {path: files[path] for path in (CONFIGURATION, *user) if path in files}


def foresee(kernel: Kernel, frontend: str, settings: UfwSettings, files: Dict[str, str]) -> Ruleset:
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


def refuse_losses(kernel: Kernel, frontend: str, settings: UfwSettings, files: Dict[str, str]) -> None:
    """Raises HostError where others would lose a rule; ufw has no way of starting that would leave it there."""
    losses = find_losses(kernel, frontend, settings, files)
    if losses:
        raise HostError(
            f"switching ufw on would take rules of others away: {'; '.join(losses[:3])}. Nothing was changed. {_ADVICE}"
        )


def find_losses(kernel: Kernel, frontend: str, settings: UfwSettings, files: Dict[str, str]) -> Tuple[str, ...]:
    """Returns rules that others have, and that a start of ufw takes away, as ``ufw_start`` in ufw-init-functions does.

    With MANAGE_BUILTINS it empties what iptables has of its own (all of filter, whose other chains go as well; of nat
    for IPv4 alone). With IPV6=no it loads the filter table of IPv6 anew. Else it empties the chains that its files
    declare; what these files do not put back is lost.
    """
    lost: List[str] = []
    for family, name in FAMILIES.items():
        loaded = {table.name: table for table in parse_save(boot_text(settings, family, files), frontend, name)}
        for kind in ("filter", "mangle", "nat", "raw", "security"):
            have = kernel.table(frontend, family, kind)
            emptied = _emptied(settings, family, kind)
            for chain in have.chains if have is not None else ():
                fresh = loaded[kind].chain(chain.name) if kind in loaded else None
                if emptied(chain) or (fresh is not None and chain.name not in BUILTIN):
                    lost += [f"{name} {kind}: {rule.text}" for rule in _missing(chain, fresh)]
    return tuple(lost)


def _emptied(settings: UfwSettings, family: int, kind: str) -> Callable[[Chain], bool]:
    """What of a table is emptied whatever the files say."""
    if kind == "filter" and family == 6 and not settings.ipv6:
        return lambda chain: True
    if settings.values.get("MANAGE_BUILTINS") != "yes" or kind not in ("filter", "mangle", "nat"):
        return lambda chain: False
    if kind == "filter":
        return lambda chain: True
    return lambda chain: chain.name in BUILTIN and (kind == "mangle" or family == 4)


def _missing(chain: Chain, fresh: Optional[Chain]) -> List[Rule]:
    """The rules of a chain that are not there afterwards; those that lead to a chain of ufw are its own."""
    kept = {meaning(rule) for rule in fresh.rules} if fresh is not None else set()
    return [rule for rule in chain.rules if meaning(rule) not in kept and not rule.target.startswith("ufw")]


def refuse_cut(ruleset: Ruleset, kernel: Kernel, sessions: Sequence[Session]) -> None:
    """Raises HostError where no way that ssh is reached by would be left; a way that is limited in rate is one."""
    shut: List[str] = []
    for session in sessions:
        lines = judge(ruleset, kernel.links, session.as_request())
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

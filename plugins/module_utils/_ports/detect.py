# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides which firewall is in charge of a host from what was found there, or says why that cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED
from ansible_collections.port443.https.plugins.module_utils._verdict.result import NONE


@dataclass(frozen=True)
class Evidence:
    """What tells who is in charge: the kernel's rules, firewalls whose service runs, those that the next boot starts.

    ``directions`` are those that are asked about: in, out.
    """

    ruleset: Ruleset
    running: Tuple[str, ...] = ()
    at_boot: Tuple[str, ...] = ()
    directions: Tuple[str, ...] = ("in",)


def choose(evidence: Evidence, asked: str) -> str:
    """Returns the firewall to use for what was found, ``none`` where nothing filters; ``asked`` is the option backend.

    Where nothing filters now, rules that are loaded at the next boot are still to be opened. Raises HostError where two
    firewalls are in charge.
    """
    if asked != "auto":
        return asked
    managers = find_managers(evidence.ruleset, evidence.directions)
    for name in evidence.running:
        managers.setdefault(name, "its service runs")
    if not managers:
        managers = dict.fromkeys(evidence.at_boot, "starts at boot")
    if not managers:
        return NONE
    if len(managers) > 1:
        raise HostError(
            "two firewalls filter what reaches this host: {}. Switch one off, or say which one is meant with the "
            "option backend ({})".format(_named(managers), ", ".join(MANAGED))
        )
    return next(iter(managers))


def _named(managers: Dict[str, str]) -> str:
    return " and ".join(f"{name} ({evidence})" for name, evidence in managers.items())

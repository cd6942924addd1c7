# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a profile in force, from what its stores say ([MS-GPFAS] 2.2.3, [MS-FASP] 2.2.38)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

Policy = Mapping[str, Optional[Mapping[str, int]]]
"""The values of each key, as ``STORE:KEY``; None where there is no such key."""

_LOCAL = {"Domain": "DomainProfile", "Private": "StandardProfile", "Public": "PublicProfile"}
STORES = {"gpo": "group policy", "mdm": "a management service (MDM)", "local": "the host itself"}
"""How the stores are called in a sentence."""


@dataclass(frozen=True)
class ProfileSettings:
    """One profile: is the firewall on, is all that comes in shut out, and do rules of the local store count."""

    profile: str
    enabled: bool = True
    shielded: bool = False
    merges_local: bool = True
    blocks_in: bool = True
    blocks_out: bool = False
    told_by: Tuple[Tuple[str, str], ...] = ()
    """Which store says so, by the value's name, where it is not the default."""

    def teller(self, value: str) -> str:
        """Returns who says it, for a sentence."""
        return STORES[dict(self.told_by).get(value, "local")]


def settings_of(policy: Policy, profile: str) -> ProfileSettings:
    """Returns the settings of a profile: a policy's value counts before the local one, with two laws beside.

    Shielded counts whoever says so. Whether local rules count is a policy's to say; a local value is ignored.
    """
    told: Dict[str, Tuple[str, int]] = {}
    for store, values in reversed(_stores(policy, profile)):
        for name, number in values.items():
            local = store == "local"
            if name == "AllowLocalPolicyMerge" and local:
                continue
            if name == "DoNotAllowExceptions" and told.get(name, ("", 0))[1]:
                continue
            told[name] = (store, number)

    def value(name: str, default: int) -> int:
        return told.get(name, ("", default))[1]

    return ProfileSettings(
        profile,
        enabled=bool(value("EnableFirewall", 1)),
        shielded=bool(value("DoNotAllowExceptions", 0)),
        merges_local=bool(value("AllowLocalPolicyMerge", 1)),
        blocks_in=bool(value("DefaultInboundAction", 1)),
        blocks_out=bool(value("DefaultOutboundAction", 0)),
        told_by=tuple((name, store) for name, (store, _number) in sorted(told.items())),
    )


def _stores(policy: Policy, profile: str) -> List[Tuple[str, Mapping[str, int]]]:
    """Returns what each store says of a profile, the one that counts most first."""
    found = [(store, _policy_values(policy, store, profile)) for store in ("gpo", "mdm")]
    return [*found, ("local", policy.get(f"local:{_LOCAL[profile]}") or {})]


def _policy_values(policy: Policy, store: str, profile: str) -> Mapping[str, int]:
    """Returns a policy's values; those of StandardProfile are for older systems.

    They count for private and public alike, and only where the policy has neither of the keys of these two.
    """
    keys = ("PrivateProfile", "PublicProfile")
    newer = any(policy.get(f"{store}:{key}") is not None for key in keys)
    if profile == "Domain" or newer:
        return policy.get(f"{store}:{profile}Profile") or {}
    return policy.get(f"{store}:StandardProfile") or {}

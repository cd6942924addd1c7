# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the pairs of several sites on the controller, and keeps them apart from the arguments of the module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.port443.https.plugins.module_utils._certificate.request import gather
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    PAIR_ARGUMENTS,
    pair_options,
)
from ansible_collections.port443.https.plugins.module_utils._secrets import PAIRS, SECRET_OPTIONS
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader

# What comes apart from the arguments, or has been read and is not for the host.
_CONTENTS = ("certificate", "key", "chain", "bundle", "passphrase", "ca", "ca_file")


@dataclass(frozen=True)
class SitePairs:
    """Sites as the module's arguments have them, and by their names what was read of their pairs and mended for it."""

    sites: List[Dict[str, Any]]
    pairs: Mapping[str, Mapping[str, str]]
    mended: Mapping[str, Sequence[str]]

    def argument(self) -> Dict[str, str]:
        """Returns the argument that nobody may see, if there is anything to hand over."""
        return {PAIRS: json.dumps(self.pairs)} if self.pairs else {}

    def __repr__(self) -> str:
        return f"SitePairs({', '.join(self.pairs)})"  # the pairs hold keys

    def secrets(self) -> List[str]:
        """Returns what must not be shown."""
        return [pair[name] for pair in self.pairs.values() for name in SECRET_OPTIONS if name in pair]


def read_pairs(
    reader: PairReader, sites: Sequence[Mapping[str, Any]], bringing: Collection[str], shared: Mapping[str, Any]
) -> SitePairs:
    """Returns sites without their pairs, and the pairs of those that are named as ``bringing`` one.

    ``shared`` are the options of the module certificate that hold for all. Raises AnsibleActionFail with what is wrong
    with any pair.
    """
    kept: List[Dict[str, Any]] = []
    pairs: Dict[str, Dict[str, str]] = {}
    mended: Dict[str, Sequence[str]] = {}
    wrong: List[Tuple[str, str]] = []
    for site in sites:
        if site["name"] in bringing:
            try:
                fetched, told = reader.fetch(pair_options(site, shared))
            except AnsibleError as problem:  # of a file that is not there, the loader's own
                wrong.append((site["name"], str(problem).removeprefix(f"{reader.module}: ")))
                continue
            pairs[site["name"]] = {name: fetched[name] for name in _CONTENTS if fetched.get(name) is not None}
            if told:
                mended[site["name"]] = told
        kept.append(_keep(site, site["name"] in bringing))
    if wrong:
        raise AnsibleActionFail(f"{reader.module}: {'; '.join(gather(wrong, len(sites)))}")
    return SitePairs(kept, pairs, mended)


def secrets_of(given: Mapping[str, Any]) -> List[str]:
    """Returns what of arguments as they were given must not be shown, those for all sites and those of each."""
    sites = given.get("sites")
    return [
        str(site[name])
        for site in [given, *(sites if isinstance(sites, list) else [])]
        if isinstance(site, dict)
        for name in SECRET_OPTIONS
        if site.get(name)
    ]


def _keep(site: Mapping[str, Any], brings: bool) -> Dict[str, Any]:
    """What of a site's options goes to the host: of a pair's, the paths of files that are there."""
    gone = {*_CONTENTS, "own_ca"} if brings else set(PAIR_ARGUMENTS)
    if not site["remote_src"]:
        gone |= {name for name in PAIR_ARGUMENTS if name.endswith("_file")}
    return {name: value for name, value in site.items() if value is not None and name not in gone}

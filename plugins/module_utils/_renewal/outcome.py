# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The context of a run, its outcome for each site and for the files that all share, and both as a diff."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.install import Relabel
from ansible_collections.port443.https.plugins.module_utils._errors import UserError, tell_error
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import FilesByPath, InstalledFiles
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import Lineage
from ansible_collections.port443.https.plugins.module_utils._renewal.request import RenewalRequest, RenewalTask
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths
from ansible_collections.port443.https.plugins.module_utils._renewal.timer import choose_timer


@dataclass(frozen=True)
class RenewalContext:
    """The host that a run is about, and whether it only looks; ``folder`` is a private one for a moment."""

    host: Host
    check_mode: bool
    relabel: Relabel
    folder: Optional[str] = None
    layout: RenewalPaths = field(default_factory=RenewalPaths)

    def machinery(self) -> InstalledFiles:
        """Returns what there is on the host for all sites together."""
        return InstalledFiles(self.host, self.layout, choose_timer(self.host), self.relabel)


@dataclass(frozen=True)
class RenewalDiff:
    """What is before and after a run, in lines that hold no secret, under the path of what it is about."""

    path: str
    before: Tuple[str, ...] = ()
    after: Tuple[str, ...] = ()

    def render(self) -> Dict[str, str]:
        """Returns it as Ansible shows it."""
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": "".join(line + "\n" for line in self.before),
            "after": "".join(line + "\n" for line in self.after),
        }


@dataclass(frozen=True)
class SiteOutcome:
    """What was done for a site, in check mode what would be.

    ``installed`` is the result of the module certificate, empty where nothing was installed; ``problem`` is why the
    site failed, empty if it did not; ``needs_files`` says whether what was done needs the files that all sites share.
    """

    request: RenewalRequest
    difference: RenewalDiff
    changed: bool = False
    reasons: Tuple[str, ...] = ()
    commands: Tuple[str, ...] = ()
    installed: Mapping[str, Any] = field(default_factory=dict)
    warnings: Tuple[str, ...] = ()
    problem: str = ""
    needs_files: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """What was done for all sites, and beside that for what they share.

    ``lacks_certbot`` says, in check mode, that certbot would be installed first.
    """

    task: RenewalTask
    sites: Tuple[SiteOutcome, ...]
    difference: RenewalDiff
    changed: bool = False
    commands: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()
    lacks_certbot: bool = False


def attempt(outcome: SiteOutcome, work: Callable[[SiteOutcome], SiteOutcome]) -> SiteOutcome:
    """Returns what ``work`` makes of an outcome, or that outcome with the problem that it raised."""
    try:
        return work(outcome)
    except (UserError, OSError) as problem:
        return replace(outcome, problem=tell_error(problem))


def describe_lineage(lineage: Optional[Lineage]) -> Tuple[str, ...]:
    """Returns what certbot has of a site in lines for a difference, none where it has nothing."""
    if lineage is None:
        return ()
    leaf = lineage.certificate
    return (
        f"certificate: sha256:{leaf.fingerprint()} by {lineage.server}",
        f"names: {', '.join(leaf.names())}",
        f"key: {leaf.key.describe()}",
        f"expires: {show_time(leaf.not_after)}",
    )


def describe_files(files: FilesByPath) -> Tuple[str, ...]:
    """Returns those files that are there in lines for a difference, by path, without their contents."""
    return tuple(
        f"{path}: mode {file.access.mode:04o}, sha256:{hashlib.sha256(file.content).hexdigest()}"
        for path, file in sorted(files.items())
        if file is not None
    )

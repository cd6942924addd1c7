# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a site: pair installed, pair configured, leaf served; and which steps follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.store import (
    CurrentGeneration,
    Generation,
    read_leaf,
)
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look, is_proved
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Command, Serving

YES, NO, OTHER, UNKNOWN = "yes", "no", "other", "unknown"


@dataclass(frozen=True)
class DeploymentOutcome:
    """What was, or in check mode would be, done, and what is, or would be, ``served`` afterwards."""

    changed: bool
    served: str
    why: str = ""
    looks: Tuple[Look, ...] = ()
    commands: Tuple[Command, ...] = ()
    warnings: Tuple[str, ...] = ()


@dataclass(frozen=True)
class DeploymentState:
    """Everything that decides what to do; ``looks`` is empty where nobody is to look (``prove`` false).

    ``own_looks`` asked for names of the service's own, at the places whose name need not lead to the pair. With
    ``cut_off``, files were put back that a run before this one had exchanged: the service may have what is gone.
    """

    have: CurrentGeneration
    want: Generation
    fingerprint: str
    serving: Serving
    looks: Tuple[Look, ...]
    prove: bool
    own_looks: Tuple[Look, ...] = ()
    cut_off: bool = False

    def is_installed(self) -> bool:
        """Tells whether the wanted files are in place, and only those may read them who should."""
        return self.have.files == self.want.files

    def can_reload(self) -> bool:
        """Tells whether there is a running service that is set up to serve the pair."""
        if self.serving.shown and self.prove and not any(look.fingerprint for look in self.looks):
            return False
        return self.serving.named and self.serving.running

    def needs_reload(self) -> bool:
        """Tells whether that service has yet to take the pair up."""
        up_to_date = self.have.holds(self.want) and (not self.prove or is_proved(self.looks, self.fingerprint))
        return self.can_reload() and (self.cut_off or not up_to_date)

    def is_done(self) -> bool:
        """Tells whether nothing is left to do."""
        return self.is_installed() and not self.needs_reload()

    def previous(self) -> Tuple[Look, ...]:
        """Returns the looks that saw the installed pair, where that is another than the wanted one."""
        leaf = read_leaf(self.have)
        if leaf is None or leaf.fingerprint() == self.fingerprint:
            return ()
        return tuple(look for look in self.all_looks() if look.fingerprint == leaf.fingerprint())

    def all_looks(self) -> Tuple[Look, ...]:
        """Returns the looks wherever clients may meet the pair, by whatever name."""
        return self.looks + self.own_looks

    def may_serve_previous(self) -> bool:
        """Tells whether clients depend on the installed pair; without a look, that is taken for granted."""
        return bool(self.previous()) or (not self.prove and self.have.link is not None)

    def outcome(self, why: str = "") -> DeploymentOutcome:
        """Returns the outcome where nothing is reloaded, ``why`` if it should be: what was seen before is the case."""
        changed = not self.is_installed()
        why = why or self.serving.reason or "nothing answers in TLS where it is asked"
        if not self.prove:
            return DeploymentOutcome(changed, UNKNOWN, "prove is false")
        if is_proved(self.looks, self.fingerprint):
            return DeploymentOutcome(changed, YES, "", self.looks)
        if any(look.fingerprint for look in self.looks) and self.serving.expected:
            seen = "; ".join(str(look) for look in self.looks)
            return DeploymentOutcome(changed, OTHER, f"{why}; {seen}", self.looks)
        return DeploymentOutcome(changed, NO, why, self.looks)

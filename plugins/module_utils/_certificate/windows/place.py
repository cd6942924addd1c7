# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans one place of http.sys: the step to its binding, whose a binding is, and those that sites have left."""

from __future__ import annotations

from typing import Collection, Dict, List, Optional

from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding, operation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import StoreObservation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import (
    StoreOperation,
    StorePlan,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    APPLICATION,
    is_of_a_site,
)


def set_place(seen: StoreObservation, place: str, want: Optional[str]) -> StoreOperation:
    """Returns the step that makes a place what is wanted, None for no binding.

    Raises HostError where the host's netsh could not make that binding, or the one that is there again.
    """
    step = operation.bind(place, want, seen.bindings.get(place))
    for one in (step, *step.undo):
        binding.refuse_unknown_words(place, one.fields["words"], seen.netsh)
    return step


def plan_purge(seen: StoreObservation, kept: Collection[str]) -> StorePlan:
    """Returns what takes away the bindings that the module sites made, but for the applications that are ``kept``."""
    operations: List[StoreOperation] = []
    touched: Dict[str, Optional[str]] = {}
    for place, text in sorted(seen.bindings.items()):
        application = binding.application_of(text)
        if is_of_a_site(application) and application not in kept:
            touched[place] = text
            operations.append(set_place(seen, place, None))
    return StorePlan(tuple(operations), {}, touched)


def name_owner(text: str) -> str:
    """Returns whose a binding is, in words."""
    application = binding.application_of(text)
    if application == binding.IIS:
        return "IIS"
    if application == APPLICATION:
        return "the module win_certificate"
    return "another site" if is_of_a_site(application) else "another application"

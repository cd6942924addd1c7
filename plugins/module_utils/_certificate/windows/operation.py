# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to the stores of Windows and to http.sys, as data: each operation with its way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import netsh_words
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import IisExchange
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import OfferedCertificate

CHAIN_STORE = "CA"


@dataclass(frozen=True)
class StoreOperation:
    """One step on the host. ``id`` is a certificate as in 'My\\0A1B', or a place of http.sys; ``fields`` its arguments.

    The script knows these in ``do``: import (the pair that came along), add (a certificate without a key), bind, prove
    (a handshake), remove (its key goes once all has held), restore (what remove took), withdraw (its key goes at once).
    """

    do: str
    id: str
    fields: Mapping[str, Any]
    undo: Tuple[StoreOperation, ...] = ()

    def send(self) -> Dict[str, Any]:
        """Returns it as the script takes it."""
        return {"do": self.do, "id": self.id, **self.fields, "undo": [way.send() for way in self.undo]}


@dataclass(frozen=True)
class StorePlan:
    """What will be done, and what was seen that it relies on: certificates and bindings as texts, None for none.

    No binding may carry one of ``leaving``, the thumbprints that are removed, but those that the plan knows of.
    ``exchanges`` are done with microsoft.iis, once the operations are.
    """

    operations: Tuple[StoreOperation, ...] = ()
    certificates: Mapping[str, Optional[str]] = field(default_factory=dict)
    bindings: Mapping[str, Optional[str]] = field(default_factory=dict)
    leaving: Tuple[str, ...] = ()
    exchanges: Tuple[IisExchange, ...] = ()
    warnings: Tuple[str, ...] = ()

    def changes(self) -> bool:
        """Tells whether anything is to be done."""
        return bool(self.operations or self.exchanges)

    def needs_key(self) -> bool:
        """Tells whether the pair itself has to go to the host."""
        return any(operation.do == "import" for operation in self.operations)

    def send(self) -> Dict[str, Any]:
        """Returns the arguments with which the script carries it out."""
        return {
            "operations": [operation.send() for operation in self.operations],
            "guard": {
                "certificates": dict(self.certificates),
                "bindings": dict(self.bindings),
                "leaving": list(self.leaving),
            },
        }


def identify(store: str, thumbprint: str) -> str:
    """Returns a certificate's identity, which is its path below Cert:\\LocalMachine."""
    return f"{store}\\{thumbprint}"


def import_pair(
    store: str, thumbprint: str, name: str, exportable: bool, undo: Tuple[StoreOperation, ...]
) -> StoreOperation:
    """Returns the import of the pair that goes along."""
    return _on(store, thumbprint, "import", {"name": name, "exportable": exportable}, undo)


def add_certificate(
    store: str, certificate: OfferedCertificate, name: str, undo: Tuple[StoreOperation, ...] = ()
) -> StoreOperation:
    """Returns the step that puts a certificate without a key into a store."""
    return _on(store, certificate.thumbprint, "add", {"name": name, "der": certificate.der}, undo)


def withdraw(store: str, thumbprint: str) -> StoreOperation:
    """Returns the way back of what was added."""
    return _on(store, thumbprint, "withdraw", {})


def remove(store: str, thumbprint: str) -> StoreOperation:
    """Returns the removal of a certificate; until all has held it can be restored with its key."""
    return _on(store, thumbprint, "remove", {}, (_on(store, thumbprint, "restore", {}),))


def bind(place: str, want: Optional[str], have: Optional[str]) -> StoreOperation:
    """Returns the step that makes a binding what is wanted, None for none, from what is there."""
    return StoreOperation("bind", place, _binding(place, want), (StoreOperation("bind", place, _binding(place, have)),))


def prove(place: str, thumbprint: str, accept: Tuple[str, ...], seconds: int) -> StoreOperation:
    """Returns the handshake that has to show this certificate within so many seconds, or what else is accepted.

    An empty text among ``accept`` stands for nobody who listens.
    """
    return StoreOperation("prove", place, {"thumbprint": thumbprint, "accept": list(accept), "seconds": seconds})


def _on(
    store: str, thumbprint: str, what: str, fields: Mapping[str, Any], undo: Tuple[StoreOperation, ...] = ()
) -> StoreOperation:
    known = {"store": store, "thumbprint": thumbprint, **fields}
    return StoreOperation(what, identify(store, thumbprint), known, undo)


def _binding(place: str, text: Optional[str]) -> Dict[str, Any]:
    return {"want": text, "words": [place] if text is None else list(netsh_words(place, text))}

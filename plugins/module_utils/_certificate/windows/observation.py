# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what a Windows host says of its certificates and bindings, as the script of win_certificate sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._powershell.failure import is_denied, tell_no_answer

FORMAT = 2
# What a certificate in a store is sent as: one line each in this order, the name last, which may hold anything.
_FIELDS = ("key", "until", "issuer", "subject", "name")


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate in a store: whether its private key can be used, when it expires, and its friendly name.

    ``issuer`` and ``subject`` are base64 of DER, for comparison alone; ``until`` is as in '2031-05-04T03:02:01Z'.
    """

    key: bool
    until: str
    issuer: str
    subject: str
    name: str


@dataclass(frozen=True)
class SeenCertificate:
    """What was shown at a place of http.sys: thumbprint and fingerprint of a certificate, or why there was none.

    ``listens`` is whether anybody took the connection.
    """

    place: str
    address: str
    port: int
    server_name: str
    listens: bool
    thumbprint: str
    fingerprint: str
    problem: str

    def describe(self) -> Dict[str, Any]:
        """Returns it as the module does."""
        return {
            "address": self.address,
            "port": self.port,
            "server_name": self.server_name,
            "fingerprint": self.fingerprint or None,
            "problem": self.problem or None,
        }


@dataclass(frozen=True)
class HostFailure:
    """What the host could not do, whether for want of a right, in whose words, and what could not be taken back."""

    id: str
    denied: bool
    message: str
    not_undone: Tuple[str, ...]


@dataclass(frozen=True)
class IisBinding:
    """An https binding in the configuration of IIS; ``information`` is address, port and host name, as in '*:443:'.

    ``thumbprint`` is empty where the configuration leaves the certificate to http.sys; ``flags`` are its sslFlags.
    """

    site: str
    information: str
    flags: int
    thumbprint: str
    store: str


@dataclass(frozen=True)
class StoreObservation:
    """The state of a host. ``certificates`` are keyed by store and thumbprint as in 'My\\0A1B', each as it was sent.

    ``bindings`` are texts by place, ``users`` what else uses a certificate, ``netsh`` the words that netsh knows,
    ``chain`` what is wrong with the chains of thumbprints in the eyes of Windows (nothing: it is trusted).
    """

    certificates: Mapping[str, str]
    bindings: Mapping[str, str]
    users: Mapping[str, Tuple[str, ...]]
    netsh: FrozenSet[str]
    chain: Mapping[str, Tuple[str, ...]]
    seen: Tuple[SeenCertificate, ...]
    iis: Tuple[IisBinding, ...]
    guarded: bool
    failure: Optional[HostFailure]
    left: Tuple[str, ...]

    def read(self, store: str) -> Dict[str, StoredCertificate]:
        """Returns the certificates of one store by their thumbprints."""
        prefix = store + "\\"
        return {
            name[len(prefix) :]: _read_certificate(text)
            for name, text in self.certificates.items()
            if name.startswith(prefix)
        }

    def read_all(self) -> Dict[str, StoredCertificate]:
        """Returns the certificates of all stores that were looked at, by store and thumbprint."""
        return {name: _read_certificate(text) for name, text in self.certificates.items()}

    def at(self, place: str) -> Optional[SeenCertificate]:
        """Returns what was shown at a place, None where nobody looked."""
        return next((one for one in self.seen if one.place == place), None)


def read_observation(answer: Mapping[str, Any]) -> StoreObservation:
    """Returns the state that the host's answer describes; raises HostError for anything else, with the host's words."""
    if "format" not in answer:
        raise HostError(tell_no_answer(answer))
    if answer["format"] != FORMAT:
        raise HostError(f"the host's script answers in format {answer['format']!r}, this collection reads {FORMAT}")
    try:
        failure = answer["failure"]
        return StoreObservation(
            certificates=_texts(answer["certificates"]),
            bindings=_texts(answer["bindings"]),
            users=_lists(answer["users"]),
            netsh=frozenset(_list(answer["netsh"])),
            chain=_lists(answer["chain"]),
            seen=tuple(_read_seen(one) for one in answer["seen"]),
            iis=tuple(_read_iis(one) for one in answer["iis"]),
            guarded=bool(answer["guarded"]),
            failure=None if failure is None else _read_failure(failure),
            left=_list(answer["left"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise HostError(
            f"the host's answer is not what its script sends ({type(problem).__name__}: {problem}): is another version "
            "of the collection in between?"
        ) from None


def write_certificate(one: StoredCertificate) -> str:
    """Returns a certificate as the host would send it."""
    return "\n".join(f"{name}={getattr(one, name)}" for name in _FIELDS)


def _read_certificate(text: str) -> StoredCertificate:
    lines = text.split("\n", len(_FIELDS) - 1)
    values = dict(line.partition("=")[::2] for line in lines)
    if tuple(values) != _FIELDS:
        raise HostError("the host describes a certificate in another form than this collection reads")
    return StoredCertificate(key=values.pop("key") == "True", **values)


def _read_seen(one: Mapping[str, Any]) -> SeenCertificate:
    texts = {name: str(one[name] or "") for name in ("place", "address", "server_name", "problem")}
    hashes = {name: str(one[name] or "") for name in ("thumbprint", "fingerprint")}
    return SeenCertificate(port=int(one["port"]), listens=bool(one["listens"]), **texts, **hashes)


def _read_iis(one: Mapping[str, Any]) -> IisBinding:
    return IisBinding(
        site=str(one["site"]),
        information=str(one["information"]),
        flags=int(one["flags"] or 0),
        thumbprint=str(one["thumbprint"] or "").replace(" ", "").upper(),
        store=str(one["store"] or ""),
    )


def _read_failure(failure: Mapping[str, Any]) -> HostFailure:
    not_undone = _list(failure.get("not_undone"))
    return HostFailure(str(failure.get("id") or ""), is_denied(failure), str(failure["message"]), not_undone)


def _texts(given: Mapping[str, Any]) -> Dict[str, str]:
    return {str(name): str(text) for name, text in given.items()}


def _lists(given: Mapping[str, Any]) -> Dict[str, Tuple[str, ...]]:
    return {str(thumbprint): _list(items) for thumbprint, items in given.items()}


def _list(given: Any) -> Tuple[str, ...]:
    """Windows PowerShell writes a list of one as its element now and then, and an empty one as null."""
    if given is None:
        return ()
    items: List[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
    return tuple(str(item) for item in items)

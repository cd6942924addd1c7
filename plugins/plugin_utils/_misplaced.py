# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds what may be the content of a key where a path, a name or a number belongs, and does not show it.

Ansible prints the arguments of a task that fails, a module writes them into the system's log, and messages quote what
they refuse: a key that was put into the wrong option is then read by everybody who reads those.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, FrozenSet, Iterator, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

# Options that hold what is secret; Ansible and this collection show them nowhere.
SECRET = frozenset(("key", "bundle", "passphrase", "account_mac_key"))
# Options that hold certificates as PEM, which everybody may read.
CERTIFICATES = frozenset(("certificate", "chain", "ca"))
# Options that hold lines of a configuration.
LINES = frozenset(("directives",))

# Options that end in ca and hold a path: a folder of the controller, and files of the host.
_PATHS = ("own_ca", "client_ca", "backend_ca")

_LINES = "more than one line, or the end of a line"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_PRIVATE = re.compile(r"-----BEGIN [A-Z0-9 ]*(PRIVATE KEY|PKCS12)")


def refuse_misplaced(given: Mapping[Any, Any], contents: FrozenSet[str] = SECRET | CERTIFICATES | LINES) -> None:
    """Raises RequestError for the first of ``given`` options, however deep, that may hold a key where none belongs.

    ``contents`` are the names of the options that hold what files hold; those of roles end in them
    (``install_certificate_passphrase``). The value is in no message.
    """
    for path, name, value in _walk(given, "", "", contents):
        kind = next((kind for kind in contents if _is_called(name, kind)), "")
        looks = "" if kind in SECRET else _describe(value, kind)
        if looks:
            raise RequestError(f"{path} holds {looks}: {_advise(name, kind, looks)}. It is not shown: it may be secret")


def _is_called(name: str, kind: str) -> bool:
    """Whether an option has that name, or is the variable of a role for it; those of ``_PATHS`` hold paths."""
    return name == kind or (name.endswith(f"_{kind}") and not name.endswith(_PATHS))


def _describe(text: str, kind: str) -> str:
    """Returns what ``text`` looks like that has no place in an option of that kind, empty if it may stand there."""
    if kind in CERTIFICATES:
        return "a private key" if _PRIVATE.search(text) or _holds_key(text) else ""
    if "-----BEGIN" in text:
        return "the content of a file in PEM form"
    if kind not in LINES and re.search(r"[\r\n]", text):
        return _LINES
    if _as_der(text) is not None:
        return "the content of a key or a certificate in base64"
    return ""


def _advise(name: str, kind: str, looks: str) -> str:
    if kind in CERTIFICATES:
        return "give the key as key, or both together as bundle"
    if name.endswith("_file"):
        return f"it takes the path of a file; the content goes into {name[: -len('_file')]}"
    if looks == _LINES:
        return "it takes one line without its end"
    return "the content of a key goes into key, with its certificate into bundle, and the path of a file into key_file"


def _holds_key(text: str) -> bool:
    """Whether base64 is DER of a key: an integer (the version) comes first in keys and PKCS#12, never in certificates.

    RFC 5958, 2; RFC 8017, A.1.2; RFC 5915, 3; RFC 7292, 4. A locked key (RFC 5958, 3) begins with the OID of its cipher
    inside of another sequence, as a certificate does, and is no secret without its passphrase.
    """
    der = _as_der("".join(text.split()))
    if der is None:
        return False
    start = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
    return der[start : start + 1] == b"\x02"


def _as_der(text: str) -> Optional[bytes]:
    """Returns the bytes of base64 that is one whole DER sequence, as keys and certificates are, None for all else."""
    if not _BASE64.fullmatch(text):
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if raw[0] != 0x30:  # SEQUENCE
        return None
    length, start = raw[1], 2
    if length >= 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(raw[2:start], "big")
    return raw if start + length == len(raw) else None


def _walk(given: Any, path: str, name: str, contents: FrozenSet[str]) -> Iterator[Tuple[str, str, str]]:
    """Every text in there: where it stands, the name of the option that it is in, and itself."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            whole = str(key)
            shown = "a name" if _describe(whole, "") else whole
            if shown != whole:
                yield (f"{path or 'the task'}: one of its names", "", whole)
                continue
            yield from _walk(value, f"{path}.{shown}" if path else shown, shown, contents)
    elif isinstance(given, (list, tuple, set, frozenset)):
        for number, value in enumerate(given):
            yield from _walk(value, f"{path}[{number}]", name, contents)
    elif isinstance(given, (str, bytes)):
        yield path, name, given if isinstance(given, str) else given.decode("latin-1")

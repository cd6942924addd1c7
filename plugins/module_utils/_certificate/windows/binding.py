# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads bindings of http.sys as the registry holds them, and writes the words with which netsh makes them.

The host sends a binding as text, one line a value, ``name=Type:value``, in the ordinal order of the names. What has its
default is left out (0, an empty text, the store MY), so that absent and default are one text. The same text is what a
plan relies on, what it wants, and the proof that it came about.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from typing import Collection, Dict, List, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

Settings = Dict[str, Union[int, str]]

IIS = "4dc3e181-e14b-4a21-b022-59fc669b0914"
_HASH = "SslCertHash"
_APPLICATION = "AppId"
_STORE = "SslCertStoreName"
_CHECK_MODE = "DefaultSslCertCheckMode"
_FLAGS = "DefaultFlags"
_FRESHNESS = "DefaultSslRevocationFreshnessTime"
_CTL, _CTL_STORE = "DefaultSslCtlIdentifier", "DefaultSslCtlStoreName"
_TYPES = {
    _APPLICATION: "Binary",
    _HASH: "Binary",
    _STORE: "String",
    _FLAGS: "DWord",
    _CHECK_MODE: "DWord",
    _FRESHNESS: "DWord",
    "DefaultSslRevocationUrlRetrievalTimeout": "DWord",
    _CTL: "String",
    _CTL_STORE: "String",
}
# Bits of DefaultFlags (http.h, HTTP_SERVICE_CONFIG_SSL_FLAG_*) and netsh's word for each; 4 and 0x2000 have none.
_FLAG_WORDS = {
    0x1: "dsmapperusage",
    0x2: "clientcertnegotiation",
    0x8: "reject",
    0x10: "disablehttp2",
    0x20: "disablequic",
    0x40: "disabletls13",
    0x80: "disableocspstapling",
    0x100: "enabletokenbinding",
    0x200: "logextendedevents",
    0x400: "disablelegacytls",
    0x800: "enablesessionticket",
    0x1000: "disabletls12",
    0x4000: "disablesessionid",
}
# Bits of DefaultSslCertCheckMode (HTTP_SERVICE_CONFIG_SSL_PARAM); 4 says that the freshness time counts.
_CHECK_WORDS = {
    0x1: "verifyclientcertrevocation=disable",
    0x2: "verifyrevocationwithcachedclientcertonly=enable",
    0x10000: "usagecheck=disable",
}
_FRESHNESS_COUNTS = 0x4
_VALUE_WORDS = {
    _FRESHNESS: "revocationfreshnesstime",
    "DefaultSslRevocationUrlRetrievalTimeout": "urlretrievaltimeout",
    _CTL: "sslctlidentifier",
    _CTL_STORE: "sslctlstorename",
}


def name_address(address: str, port: int) -> str:
    """Returns netsh's word for an address and port, as in 'ipport=[::]:443'."""
    known = ipaddress.ip_address(address)
    return f"ipport=[{known}]:{port}" if known.version == 6 else f"ipport={known}:{port}"


def name_host(name: str, port: int) -> str:
    """Returns netsh's word for a host name that a client asks for (SNI) and a port."""
    return f"hostnameport={name.lower()}:{port}"


def port_of(place: str) -> str:
    """Returns the port in one of netsh's words for a place."""
    return place.rpartition(":")[2]


def is_by_name(place: str) -> bool:
    """Tells whether the place is one of SNI."""
    return place.startswith("hostnameport=")


def is_by_address(place: str) -> bool:
    """Tells whether the place is one of an address."""
    return place.startswith("ipport=")


def read_settings(place: str, text: str) -> Settings:
    """Returns the values of a binding by their names; a DWORD that PowerShell gave as negative is made unsigned.

    Raises HostError, which names what netsh could not write again: a binding that it deletes would be lost.
    """
    found: Settings = {}
    strange: List[str] = []
    for line in text.split("\n"):
        name, _equals, rest = line.partition("=")
        kind, _colon, value = rest.partition(":")
        if _TYPES.get(name) != kind:
            strange.append(name)
        else:
            found[name] = int(value) & 0xFFFFFFFF if kind == "DWord" else value
    strange += _find_strange(found)
    if strange:
        raise HostError(
            f"the binding {place} has a setting that netsh cannot write again: {', '.join(sorted(strange))}. "
            "Nothing was changed: exchange its certificate by hand, or remove the binding"
        )
    return found


def netsh_words(place: str, text: str) -> Tuple[str, ...]:
    """Returns what ``netsh http add sslcert`` or ``update sslcert`` needs to make this binding.

    What has its default is not named: an old netsh may not know the word, and Server 2025 refuses a time of 0.
    """
    settings = read_settings(place, text)
    words = [place, f"certhash={settings[_HASH]}", f"appid={{{_application(settings)}}}"]
    if _STORE in settings or is_by_name(place):
        words.append(f"certstorename={settings.get(_STORE, 'MY')}")
    words += [word for bit, word in _CHECK_WORDS.items() if int(settings.get(_CHECK_MODE, 0)) & bit]
    words += [f"{word}={settings[name]}" for name, word in _VALUE_WORDS.items() if name in settings]
    words += [f"{word}=enable" for bit, word in _FLAG_WORDS.items() if int(settings.get(_FLAGS, 0)) & bit]
    return tuple(words)


def refuse_unknown_words(place: str, words: Collection[str], known: Collection[str]) -> None:
    """Raises HostError for settings of a binding that the host's netsh has no word for.

    Such a netsh ends with 0 and does nothing, so a binding that is deleted first would be lost.
    """
    unknown = [word for word in words if word.partition("=")[0] not in known]
    if unknown:
        raise HostError(
            f"the netsh of this host does not know {', '.join(unknown)}, which the binding {place} has or would get. "
            "Nothing was changed"
        )


def make_binding(thumbprint: str, application: str, store: str) -> str:
    """Returns the text of a binding that has all defaults; ``application`` is a GUID."""
    lines = [f"{_APPLICATION}=Binary:{_guid_bytes(application)}", f"{_HASH}=Binary:{thumbprint}"]
    return "\n".join(lines if store.upper() == "MY" else [*lines, f"{_STORE}=String:{store}"])


def with_thumbprint(text: str, thumbprint: str) -> str:
    """Returns the same binding of another certificate."""
    return re.sub(rf"(?m)^{_HASH}=Binary:.*$", f"{_HASH}=Binary:{thumbprint}", text)


def with_application(text: str, application: str) -> str:
    """Returns the same binding of another application, given as GUID."""
    return re.sub(rf"(?m)^{_APPLICATION}=Binary:.*$", f"{_APPLICATION}=Binary:{_guid_bytes(application)}", text)


def thumbprint_of(text: str) -> str:
    """Returns the SHA-1 of a binding's certificate, empty where it names none."""
    return _find(_HASH, "Binary", text)


def store_of(text: str) -> str:
    """Returns the store in which http.sys looks for a binding's certificate."""
    return _find(_STORE, "String", text) or "MY"


def is_of(text: str, application: str) -> bool:
    """Tells whether the binding is that of an application, given as GUID."""
    return _find(_APPLICATION, "Binary", text) == _guid_bytes(application)


def application_of(text: str) -> str:
    """Returns the GUID of a binding's application, empty where it names none."""
    found = _find(_APPLICATION, "Binary", text)
    return str(uuid.UUID(bytes_le=bytes.fromhex(found))) if len(found) == 32 else ""


def _find(name: str, kind: str, text: str) -> str:
    found = re.search(rf"(?m)^{name}={kind}:(.*)$", text)
    return found.group(1) if found else ""


def _application(settings: Settings) -> uuid.UUID:
    return uuid.UUID(bytes_le=bytes.fromhex(str(settings[_APPLICATION])))


def _guid_bytes(application: str) -> str:
    """A GUID as the registry holds it: the first three of its fields have their bytes turned round."""
    return uuid.UUID(application).bytes_le.hex().upper()


def _find_strange(found: Settings) -> List[str]:
    """Returns what of known values has no word of netsh's, or is missing."""
    strange = [name for name in (_APPLICATION, _HASH) if name not in found]
    if len(str(found.get(_APPLICATION, "0" * 32))) != 32 and _APPLICATION in found:
        strange.append(_APPLICATION)
    known = {_FLAGS: sum(_FLAG_WORDS), _CHECK_MODE: sum(_CHECK_WORDS) | _FRESHNESS_COUNTS}
    for name, bits in known.items():
        left = int(found.get(name, 0)) & ~bits
        if left:
            strange.append(f"{name} {left:#x}")
    if bool(int(found.get(_CHECK_MODE, 0)) & _FRESHNESS_COUNTS) != (_FRESHNESS in found):
        strange.append(_FRESHNESS)
    if _CTL_STORE in found and _CTL not in found:
        strange.append(_CTL_STORE)
    return strange

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses and refuses the options of the module probe."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import normalise_name

CHECKS = ("tcp", "tls", "names", "chain", "days", "versions", "http2", "status", "hsts", "redirect", "quic")
# What every site ought to have; the others are a matter of how it is set up.
USUAL_CHECKS = ("tcp", "tls", "names", "chain", "days", "redirect")
_FINGERPRINT = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class ProbeRequest:
    """Which places to look at and what to hold them to.

    ``names`` are server names in their ASCII form or IP addresses; ``families`` is empty for whichever there is;
    ``authorities`` is PEM, empty for the system's; ``fingerprints`` maps a name to the SHA-256 it has to serve,
    64 lower-case hexadecimal digits; ``narrowed`` maps the checks that are not made of every name to the names they are
    made of; of ``file_names`` a 404 at / is a failure, and of no name any of ``statuses``; ``timeout`` (a step) and
    ``wait`` (all in all) are seconds; ``mark`` is the maximum segment size that the first connection asks for, by which
    a host knows the look, 0 for what is usual.
    """

    hosts: Tuple[str, ...]
    names: Tuple[str, ...]
    port: int = 443
    http_port: int = 80
    families: Tuple[str, ...] = ()
    checks: Tuple[str, ...] = USUAL_CHECKS
    authorities: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    narrowed: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    file_names: Tuple[str, ...] = ()
    statuses: Tuple[int, ...] = ()
    minimum_days: int = 0
    timeout: float = 5.0
    wait: float = 0.0
    mark: int = 0

    def asks(self, check: str, name: str) -> bool:
        """Tells whether ``check`` is to be made of ``name``."""
        return check in self.checks and name in self.narrowed.get(check, self.names)


def read_request(options: Mapping[str, Any], authorities: str) -> ProbeRequest:
    """Returns the Request that the options of the ``probe`` module make; raises RequestError.

    ``authorities`` is the PEM that the options ``ca`` or ``ca_file`` brought.
    """
    hosts = _read_hosts(options["host"])
    names = tuple(dict.fromkeys(read_name(name) for name in options["names"] or hosts))
    checks = tuple(check for check in CHECKS if check in options["checks"])
    if options["trust"] == "none":
        if authorities:
            raise RequestError(
                "trust: none does not go with ca or ca_file: without trust there is nothing to verify with"
            )
        checks = tuple(check for check in checks if check != "chain")
    if authorities:
        _refuse_other_than_certificates(authorities)
    narrowed = _read_narrowed(options, names)
    if not any(narrowed.get(check, names) for check in checks):
        raise RequestError("checks leaves nothing to check; it takes one or more of {}".format(", ".join(CHECKS)))
    for option in ("port", "http_port"):
        if not 1 <= options[option] <= 65535:
            raise RequestError(f"{option} {options[option]} is not a port between 1 and 65535")
    if options["port"] == options["http_port"] and "redirect" in checks:
        raise RequestError("port and http_port are both {}: HTTPS and plain HTTP need one each".format(options["port"]))
    for option, least in (("timeout", 0.1), ("wait", 0.0), ("minimum_days", 0)):
        if not least <= options[option] < 1e6:
            raise RequestError(f"{option} {options[option]} is too {_size(options[option], least)}")
    return ProbeRequest(
        hosts=hosts,
        names=names,
        port=options["port"],
        http_port=options["http_port"],
        families=tuple(dict.fromkeys(options["family"])),
        checks=checks,
        authorities=authorities,
        fingerprints=_read_fingerprints(options, names),
        narrowed=narrowed,
        file_names=_read_some(options, "file_names", names) or (),
        statuses=_read_statuses(options["statuses"]),
        minimum_days=options["minimum_days"],
        timeout=options["timeout"],
        wait=options["wait"],
    )


def read_name(given: str) -> str:
    """Returns a name as it goes over the wire (ASCII, lower case, no final dot), or an address; raises RequestError."""
    name = normalise_name(given)
    if name.startswith("*"):
        message = "name {0!r} is a wildcard, which nobody can ask for: give a name it covers, such as {1!r}"
        raise RequestError(message.format(given, "www" + name[1:]))
    return name


def read_fingerprint(given: str) -> str:
    """Returns a SHA-256 fingerprint, with or without colons, as 64 lower-case digits; raises RequestError."""
    plain = given.strip().lower().replace(":", "")
    if not _FINGERPRINT.fullmatch(plain):
        raise RequestError(f"fingerprint {given!r} is not a SHA-256: 64 hexadecimal digits, colons allowed")
    return plain


def _read_hosts(given: Optional[Sequence[str]]) -> Tuple[str, ...]:
    hosts = tuple(dict.fromkeys(host.strip().strip("[]") for host in given or ()))
    if not hosts or not all(hosts):
        raise RequestError("host is empty; give a name or an address to connect to, or a list of them")
    for host in hosts:
        if "/" in host or any(letter.isspace() for letter in host):
            message = "host {0!r} is neither a name nor an address; of an URL give the host alone, the port in 'port'"
            raise RequestError(message.format(host))
    return hosts


def _read_fingerprints(options: Mapping[str, Any], names: Sequence[str]) -> Dict[str, str]:
    if options["fingerprint"]:
        return dict.fromkeys(names, read_fingerprint(options["fingerprint"]))
    wanted = {read_name(name): read_fingerprint(str(value)) for name, value in (options["fingerprints"] or {}).items()}
    strange: List[str] = [name for name in wanted if name not in names]
    if strange:
        message = "fingerprints names {0}, which is not among the names checked: {1}"
        raise RequestError(message.format(", ".join(strange), ", ".join(names)))
    return wanted


def _read_narrowed(options: Mapping[str, Any], names: Sequence[str]) -> Dict[str, Tuple[str, ...]]:
    """The names of the checks that were given names of their own."""
    narrowed: Dict[str, Tuple[str, ...]] = {}
    for check in ("chain", "redirect", "status"):
        given = _read_some(options, f"{check}_names", names)
        if given is not None:
            narrowed[check] = given
    return narrowed


def _read_statuses(given: Sequence[int]) -> Tuple[int, ...]:
    strange = [status for status in given if not 200 <= status <= 599]
    if strange:
        raise RequestError(f"statuses has {strange[0]}, which is no status of HTTP between 200 and 599")
    return tuple(given)


def _read_some(options: Mapping[str, Any], option: str, names: Sequence[str]) -> Optional[Tuple[str, ...]]:
    """Some of the names that are checked, None where the option was not given."""
    given: Optional[Sequence[str]] = options[option]
    if given is None:
        return None
    some = tuple(dict.fromkeys(read_name(name) for name in given))
    strange = [name for name in some if name not in names]
    if strange:
        message = "{0} has {1}, which is not among the names checked: {2}"
        raise RequestError(message.format(option, ", ".join(strange), ", ".join(names)))
    return some


def _refuse_other_than_certificates(authorities: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError) as error:
        raise RequestError(f"ca holds no certificates in PEM form: {error}") from error


def _size(value: float, least: float) -> str:
    return f"small, the least is {least:g}" if value < least else "large"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module certificate, alike on the controller and on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair, read_authorities, read_pair
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import SOURCES
from ansible_collections.port443.https.plugins.module_utils._pki.names import (
    is_address,
    is_covered,
    normalise_name,
    normalise_site,
)
from ansible_collections.port443.https.plugins.module_utils._pki.policy import (
    LONGEST_PUBLIC_DAYS,
    Demand,
    evaluate,
    judge_lifetime,
)
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS
from ansible_collections.port443.https.plugins.module_utils._tls.self_handshake import Trust, load_pair, verify_chain

_WHOLE = ("bundle", "bundle_file", "own_ca")

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "certificate": {"type": "str"},
    "certificate_file": {"type": "path"},
    # no_log: the content is secret, the path is not; said in both cases because the names look alike.
    "key": {"type": "str", "no_log": True},
    "key_file": {"type": "path", "no_log": False},
    "bundle": {"type": "str", "no_log": True},
    "bundle_file": {"type": "path"},
    "passphrase": {"type": "str", "no_log": True},
    "own_ca": {"type": "path"},
    "chain": {"type": "str"},
    "chain_file": {"type": "path"},
    "remote_src": {"type": "bool", "default": False},
    "trust": {"type": "str", "choices": ["system", "none"], "default": "system"},
    "ca": {"type": "str"},
    "ca_file": {"type": "path"},
    "self_signed": {"type": "bool", "default": False},
    "minimum_days": {"type": "int", "default": 0},
    "directory": {"type": "path", "default": "/etc/port443"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "keep": {"type": "int", "default": 2},
    "service": {"type": "str", "choices": [*WEB_SERVERS, "none"], "default": "nginx"},
    "service_config": {"type": "path"},
    "test_command": {"type": "list", "elements": "str", "default": []},
    "reload_command": {"type": "list", "elements": "str", "default": []},
    "prove": {"type": "bool", "default": True},
    "prove_address": {"type": "str"},
    "prove_port": {"type": "int"},
    "prove_timeout": {"type": "int", "default": 10},
}
# Each source is given as content, or as a path under the same name with _file.
MUTUALLY_EXCLUSIVE: List[Tuple[str, str]] = [
    *((source, source + "_file") for source in SOURCES),
    *((whole, half + ending) for whole in _WHOLE for half in ("certificate", "key") for ending in ("", "_file")),
    *((source, "own_ca") for source in ("bundle", "bundle_file", "chain", "chain_file", "ca", "ca_file")),
]
REQUIRED_IF: List[Tuple[str, str, Tuple[str, ...], bool]] = [
    ("state", "present", (half, half + "_file", *_WHOLE), True) for half in ("certificate", "key")
]


@dataclass(frozen=True)
class CertificateRequest:
    """A checked request; ``prove_timeout`` is in seconds, ``directory`` an absolute path without '..'."""

    site: str
    state: str
    demand: Demand
    system_trust: bool
    directory: str
    owner: Optional[str]
    group: Optional[str]
    keep: int
    service: str
    service_config: Optional[str]
    test_command: Tuple[str, ...]
    reload_command: Tuple[str, ...]
    prove: bool
    prove_address: Optional[str]
    prove_port: Optional[int]
    prove_timeout: int


def parse(params: Mapping[str, Any]) -> CertificateRequest:
    """Returns the request that validated module parameters make; raises RequestError for what cannot be meant."""
    site = normalise_site(params["name"])
    names = params["names"] if params["names"] is not None else [params["name"]]
    if not names and params["state"] == "present":
        raise RequestError("names is empty: leave it out for the site's own name, or list what has to be covered")
    for option, least, most in (
        ("minimum_days", 0, 3650),
        ("keep", 1, 100),
        ("prove_timeout", 1, 600),
        ("prove_port", 1, 65535),
    ):
        if params[option] is not None and not least <= params[option] <= most:
            raise RequestError(f"{option} {params[option]} is not between {least} and {most}")
    for option in ("ca", "ca_file", "own_ca"):
        if params["trust"] == "none" and params[option]:
            raise RequestError(f"trust: none asks nobody, so {option} has no meaning with it: leave one of them out")
    _refuse_commands(params)
    directory = params["directory"]
    if not directory.startswith("/") or ".." in directory.split("/") or not directory.strip("/"):
        raise RequestError(f"directory {directory!r} is not an absolute path without '..'")
    return CertificateRequest(
        site=site,
        state=params["state"],
        demand=Demand(tuple(map(normalise_name, names)), params["minimum_days"], params["self_signed"]),
        system_trust=params["trust"] == "system",
        directory="/" + "/".join(part for part in directory.split("/") if part not in ("", ".")),
        test_command=tuple(params["test_command"]),
        reload_command=tuple(params["reload_command"]),
        **{option: params[option] for option in ("owner", "group", "keep", "service", "service_config", "prove")},
        **{option: params[option] for option in ("prove_address", "prove_port", "prove_timeout")},
    )


def _refuse_commands(params: Mapping[str, Any]) -> None:
    """Raises RequestError for commands that would never run, or could not."""
    if params["service"] != "none" and (params["test_command"] or params["reload_command"]):
        raise RequestError(
            f"{params['service']} is reloaded in its own way: reload_command goes with service: none alone"
        )
    if params["test_command"] and not params["reload_command"]:
        raise RequestError("test_command goes with reload_command, which is what it is a test for")
    for option in ("test_command", "reload_command"):
        if params[option] and (not params[option][0] or " " in params[option][0]):
            raise RequestError(
                f"{option} is a list, the program first and each argument on its own, such as [systemctl, reload, "
                f"caddy]; given: {params[option]!r}"
            )


def read_request_pair(
    request: CertificateRequest, texts: Mapping[str, Optional[bytes]], now: int
) -> Tuple[KeyPair, Tuple[str, ...]]:
    """Returns the pair in opened ``texts`` (by the names in SOURCES) and warnings.

    Raises RequestError with every reason at once. Whether somebody trusts the chain is the host's to say.
    """
    certificate, key = texts["certificate"], texts["key"]
    if certificate is None or key is None:
        raise RequestError("certificate and key are both needed")
    pair = read_pair(certificate, key, texts["chain"], now)
    if texts["ca"] is not None:
        read_authorities(texts["ca"])
    verdict = evaluate(pair, request.demand, now)
    if verdict.problems:
        raise RequestError("; ".join(verdict.problems))
    return pair, verdict.warnings


def rehearse_handshake(
    request: CertificateRequest, pair: KeyPair, authorities: Optional[bytes], folder: Optional[str]
) -> Tuple[str, ...]:
    """Returns warnings if the key fits and the chain is trusted as the request wants; raises RequestError if not."""
    trust = Trust(request.system_trust)
    if authorities is not None:
        trust = Trust(system=False, authorities=read_authorities(authorities))
    warnings = verify_chain(pair, trust, load_pair(pair, folder), folder)
    if trust.system and not pair.is_self_signed():
        warnings += judge_lifetime(
            pair.leaf,
            LONGEST_PUBLIC_DAYS,
            "browsers refuse more than {} from a CA that they come with; from one of your own they do not",
        )
    return tuple(warnings)


def choose_server_name(pair: KeyPair, request: CertificateRequest) -> str:
    """Returns a host name to ask a server for: the site's own if the certificate covers it, else one it does cover.

    Empty where the certificate is for addresses alone: TLS has no server name for those (RFC 6066, 3).
    """
    held = set(pair.leaf.names())
    for name in (request.site, *request.demand.names, *pair.leaf.names()):
        concrete = "www" + name[1:] if name.startswith("*.") else name
        if not is_address(concrete) and is_covered(concrete, held):
            return concrete
    return ""

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module certificate, alike on the controller and on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    BINDINGS,
    NAME_ARGUMENTS,
    PAIR_ARGUMENTS,
    fill_in,
    gather_problems,
    pair_options,
    tell_doubles,
)
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
_SITE: Dict[str, Dict[str, Any]] = {**NAME_ARGUMENTS, **PAIR_ARGUMENTS, "bindings": BINDINGS}
# Options that hold for every site that has none of its own.
SHARED = ("own_ca", "passphrase")

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    **_SITE,
    "name": {"type": "str"},
    "sites": {"type": "list", "elements": "dict", "options": _SITE},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "trust": {"type": "str", "choices": ["system", "none"], "default": "system"},
    "ca": {"type": "str"},
    "ca_file": {"type": "path"},
    "minimum_days": {"type": "int", "default": 0},
    "directory": {"type": "path", "default": "/etc/port443"},
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
    *((source, "own_ca") for source in ("bundle", "bundle_file", "chain", "chain_file")),
    ("name", "sites"),
]
REQUIRED_ONE_OF: List[Tuple[str, str]] = [("name", "sites")]
# Of one pair; a task has it in each of its sites, or is about one itself.
PAIR_REQUIRED_IF: List[Tuple[str, str, Tuple[str, ...], bool]] = [
    ("state", "present", (half, half + "_file", *_WHOLE), True) for half in ("certificate", "key")
]
REQUIRED_IF = [(option, value, (*needed, "sites"), True) for option, value, needed, _any in PAIR_REQUIRED_IF]


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


def split(params: Mapping[str, Any]) -> Tuple[Dict[str, Any], ...]:
    """Returns the options of each site as a task about it alone has them; of one that has no ``sites``, its own."""
    if params.get("sites") is None:
        return (dict(params),)
    nothing = {option: spec.get("default") for option, spec in ARGUMENT_SPEC.items()}
    shared = shared_options(params)
    return tuple({**nothing, **pair_options(fill_in(site, params), shared)} for site in params["sites"])


def shared_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options that hold for all sites as they are."""
    return {name: value for name, value in params.items() if name not in _SITE and name != "sites"}


def parse_all(params: Mapping[str, Any]) -> Tuple[CertificateRequest, ...]:
    """Returns the request for each site of validated parameters; raises RequestError with all that is wrong."""
    if params.get("sites") is None:
        return (parse(params),)
    misplaced = [option for option in _SITE if option not in SHARED and params.get(option)]
    if misplaced:
        raise RequestError(f"with sites, each of them has its own {', '.join(misplaced)}: move that there")
    requests, wrong = [], []
    for each in split(params):
        try:
            requests.append(parse(each))
        except RequestError as problem:
            wrong.append((each["name"], problem.message))
    told = tell_doubles(request.site for request in requests)
    if wrong or told:
        raise RequestError("; ".join([*gather(wrong, len(params["sites"])), *told]))
    return tuple(requests)


def gather(wrong: Sequence[Tuple[str, str]], sites: int) -> List[str]:
    """Returns what is wrong with sites, given by name and message: what is with all of several, once and nameless."""
    return gather_problems(wrong, sites if sites > 1 else 0)


def parse(params: Mapping[str, Any]) -> CertificateRequest:
    """Returns the request for one site that validated parameters make; raises RequestError for what cannot be meant."""
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
    for option in ("ca", "ca_file"):
        if params["own_ca"] and params[option]:
            raise RequestError(f"parameters are mutually exclusive: {option}|own_ca")
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

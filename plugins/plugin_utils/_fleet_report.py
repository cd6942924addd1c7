# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report on a fleet as data: what ports_info, certificate_info and probe found on each host, and its sum."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._printable import printable

FORMAT = 1
WELL, ATTENTION, NO_ANSWER = "well", "attention", "no answer"
STATES = (ATTENTION, NO_ANSWER, WELL)
# What the tasks of the role report_https register, and the fact of the role verify_https.
PORTS, CERTIFICATES, PROBE = "__report_https_ports", "__report_https_certificates", "verify_https_found"
_LOOKS = {PORTS: ("effective", "ports_info"), CERTIFICATES: ("sites", "certificate_info"), PROBE: ("checks", "probe")}
_LONGEST = 2000  # characters of a text: a host may return any

_PORT = ("port", "protocol", "family", "verdict", "because", "table", "chain", "rule", "handle", "file")
_CHAIN = ("hook", "table", "chain", "kind", "priority", "policy")
_STEP = ("chain", "number", "rule", "handle")
_NUMBERS = frozenset(("handle", "priority", "number", "days_left"))
_FINDING = ("check", "name", "address", "port", "outcome", "detail")
_END = ("address", "family", "port", "protocol", "ends", "because")
_INSTALLED = ("issuer", "not_before", "not_after", "days_left", "fingerprint")
_SHOWN = ("name", "address", "port", "not_after", "days_left", "fingerprint", "protocol")

Found = Mapping[str, Any]


def make_report(
    hosts: Sequence[str], variables: Mapping[str, Found], made: str, least_days: int = 0, title: str = ""
) -> Dict[str, Any]:
    """Returns the report on ``hosts``, all of it texts, integers, lists and dictionaries.

    ``variables`` has the variables of each host, ``made`` is when they were looked at, in UTC. A host needs attention
    where a check fails, a port is not open, a certificate is not served or has less than ``least_days`` days left.
    Texts of hosts are escaped where a terminal would obey them, and those that are too long are cut.
    """
    told = [_host(name, variables[name], least_days) for name in hosts]
    certificates = [one for host in told for one in host["certificates"]]
    days = [one["days_left"] for one in certificates if one["days_left"] is not None]
    return {
        "format": FORMAT,
        "title": title,
        "made": made,
        "least_days": least_days,
        "summary": {
            "hosts": len(told),
            **{state.replace(" ", "_"): sum(host["state"] == state for host in told) for state in STATES},
            "certificates": len(certificates),
            "fewest_days_left": min(days, default=None),
        },
        "hosts": told,
        "blocks": _blocks(told),
    }


def _host(name: str, variables: Found, least_days: int) -> Dict[str, Any]:
    looks = {look: _mapping(variables.get(look)) for look in _LOOKS}
    ports, probe = looks[PORTS], looks[PROBE]
    outcomes = _mapping(probe.get("checks"))
    host = {
        "name": text(name),
        "state": "",
        "firewall": text(ports.get("backend", "")),
        "problems": _problems(looks),
        "checks": {text(check): text(outcome) for check, outcome in outcomes.items()},
        "findings": [_pick(one, _FINDING) for one in _rows(probe, "results") if not one.get("ok")],
        "ends": [_pick(one, _END) for one in _rows(probe, "ends")],
        "ports": [_port(one) for one in _rows(ports, "effective")],
        "certificates": [_certificate(one) for one in _rows(looks[CERTIFICATES], "sites")],
        "shown": [_pick(one, _SHOWN) for one in _rows(probe, "certificates")],
    }
    if any(look.get("unreachable") for look in looks.values()) or not any(map(_answered, looks.items())):
        return {**host, "state": NO_ANSWER}
    return {**host, "state": ATTENTION if _needs_attention(host, least_days) else WELL}


def _answered(look: Tuple[str, Found]) -> bool:
    name, found = look
    return _LOOKS[name][0] in found


def _problems(looks: Mapping[str, Found]) -> List[str]:
    """What the looks said that told nothing; one that was not taken says nothing."""
    failed = [(_LOOKS[name][1], found) for name, found in looks.items() if found and not _answered((name, found))]
    said = [(module, found.get("msg", "")) for module, found in failed if not found.get("skipped")]
    return [text(f"{module}: {message}") for module, message in said if message]


def _needs_attention(host: Mapping[str, Any], least_days: int) -> bool:
    return (
        bool(host["problems"])
        or any(outcome != "ok" for outcome in host["checks"].values())
        or any(port["verdict"] != "open" for port in host["ports"])
        or any(needs_attention(one, least_days) for one in host["certificates"])
    )


def needs_attention(certificate: Mapping[str, Any], least_days: int) -> bool:
    """Returns whether a certificate of the report is not served, cannot be read, or has not enough days left."""
    days = certificate["days_left"]
    return certificate["served"] not in ("yes", "unknown") or days is None or days < max(least_days, 0)


def _port(given: Found) -> Dict[str, Any]:
    way = [
        {**_pick(chain, _CHAIN), "steps": [_pick(step, _STEP) for step in _rows(chain, "steps")]}
        for chain in _rows(given, "way")
    ]
    return {**_pick(given, _PORT), "way": way}


def _certificate(given: Found) -> Dict[str, Any]:
    installed = _mapping(given.get("installed"))
    names = installed.get("subject_names")
    return {
        "name": text(given.get("name", "")),
        "names": [text(name) for name in names] if isinstance(names, (list, tuple)) else [],
        **_pick(installed, _INSTALLED),
        "days_left": number(installed.get("days_left")),
        "served": text(given.get("served", "")),
        "served_because": text(given.get("served_because", "")),
    }


def _blocks(hosts: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """What keeps ports from being open, those first that do so on the most hosts; a row for each rule and file."""
    found: Dict[Tuple[str, ...], Dict[str, Any]] = {}
    for host in hosts:
        for port in host["ports"]:
            if port["verdict"] == "open":
                continue
            where = {name: port[name] for name in ("verdict", "table", "chain", "rule", "file")}
            known = found.setdefault(
                tuple(where.values()), {**where, "because": port["because"], "ports": [], "hosts": []}
            )
            named = f"{port['port']}/{port['protocol']} {port['family']}"
            known["ports"] += [] if named in known["ports"] else [named]
            known["hosts"] += [] if host["name"] in known["hosts"][-1:] else [host["name"]]
    return sorted(found.values(), key=lambda one: (-len(one["hosts"]), one["table"], one["chain"], one["rule"]))


def _pick(given: Found, names: Sequence[str]) -> Dict[str, Any]:
    return {name: number(given.get(name)) if name in _NUMBERS else text(given.get(name, "")) for name in names}


def _rows(given: Found, name: str) -> List[Found]:
    rows = given.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, (list, tuple)) else []


def _mapping(given: Any) -> Found:
    return given if isinstance(given, Mapping) else {}


def number(given: Any) -> Optional[int]:
    """Returns an integer, or None for what is none."""
    return int(given) if isinstance(given, int) and not isinstance(given, bool) else None


def text(given: Any) -> str:
    """Returns what a host said as text that may be shown, whatever it is."""
    shown = printable("" if given is None else str(given))
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " ..."

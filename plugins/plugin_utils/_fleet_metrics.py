# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report on a fleet as metrics in the text format of Prometheus, which its node exporter takes from a file."""

from __future__ import annotations

from calendar import timegm
from time import strptime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.plugin_utils._fleet_report import NO_ANSWER

# https://prometheus.io/docs/practices/naming: base units, their name at the end, no state in a name.
_HELP = {
    "port443_report_timestamp_seconds": "When the hosts were looked at.",
    "port443_host_answered": "Whether the host could be looked at.",
    "port443_port_verdict": "What the rules of the host make of a new connection; 1 for the verdict that holds.",
    "port443_check_success": "Whether a check from outside holds.",
    "port443_certificate_expiry_timestamp_seconds": "When the certificate that is installed for a site expires.",
    "port443_certificate_served": "Whether the certificate that is installed for a site is the one that is served.",
}
_VERDICTS = ("open", "blocked", "depends")
_TIME = "%Y-%m-%dT%H:%M:%SZ"

Sample = Tuple[Dict[str, str], Optional[int]]


def render_metrics(report: Mapping[str, Any]) -> str:
    """Returns the metrics of a report, each with its help and type; what is not known is left out."""
    hosts = report["hosts"]
    samples: Dict[str, List[Sample]] = {
        "port443_report_timestamp_seconds": [({}, _seconds(report["made"]))],
        "port443_host_answered": [({"host": host["name"]}, int(host["state"] != NO_ANSWER)) for host in hosts],
        "port443_port_verdict": list(_verdicts(hosts)),
        "port443_check_success": list(_checks(hosts)),
        "port443_certificate_expiry_timestamp_seconds": [
            (where, _seconds(one["not_after"])) for where, one in _certificates(hosts)
        ],
        "port443_certificate_served": [
            (where, {"yes": 1, "no": 0, "other": 0}.get(one["served"])) for where, one in _certificates(hosts)
        ],
    }
    return "".join(line for name in samples for line in _family(name, samples[name]))


def _family(name: str, samples: Sequence[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {_HELP[name]}\n# TYPE {name} gauge\n"
    told = {_labels(labels): value for labels, value in samples if value is not None}
    for labels, value in told.items():  # no sample twice, or the whole file is refused
        yield f"{name}{labels} {value}\n"


def _verdicts(hosts: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for host in hosts:
        for port in host["ports"]:
            labels = {"host": host["name"], **{name: port[name] for name in ("port", "protocol", "family")}}
            for verdict in _VERDICTS:
                yield {**labels, "verdict": verdict}, int(port["verdict"] == verdict)


def _checks(hosts: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for host in hosts:
        for check, outcome in host["checks"].items():
            yield {"host": host["name"], "check": check}, int(outcome == "ok")


def _certificates(hosts: Sequence[Mapping[str, Any]]) -> Iterator[Tuple[Dict[str, str], Mapping[str, Any]]]:
    for host in hosts:
        for one in host["certificates"]:
            yield {"host": host["name"], "site": one["name"]}, one


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(time: str) -> Optional[int]:
    """Seconds of the epoch of a time in UTC, None for what is none."""
    try:
        return timegm(strptime(time, _TIME))
    except ValueError:
        return None

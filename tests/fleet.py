# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generated fleets: what the looks at many hosts found, their verdicts judged from rules, and the page of a report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2

ROLE = Path(__file__).resolve().parents[1] / "roles" / "report_https"
MADE = "2026-11-30T01:00:00Z"
ADDRESSES = ((0xC0000202, 0xC0000202),)
RULES = """*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT
-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80
COMMIT
*filter
:INPUT {policy}
:shop{number} -
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -j shop{number}
-A shop{number} -p tcp --dport 22 -j ACCEPT
-A shop{number} -p tcp --dport 80 -j ACCEPT
-A shop{number} -p tcp --dport 443 -j {target}
COMMIT
"""


@lru_cache(maxsize=None)
def ports(number, policy="DROP", target="ACCEPT"):
    """What ports_info returns of a host with such rules."""
    from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
    from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
    from ansible_collections.port443.https.plugins.module_utils._verdict.packet_way import PacketWays
    from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import explain
    from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

    rules = parse_save(RULES.format(number=number, policy=policy, target=target), "iptables-nft", "ip")
    plain = frozenset(("eth0",))
    links = (Link(4, True, "eth0", ADDRESSES, None, plain, plain),)
    ways = PacketWays(rules, links)
    lines = [
        {
            **line.as_result(),
            "table": f"{verdict.frontend} {verdict.family} {verdict.table}".strip(),
            "chain": verdict.chain,
            "rule": verdict.rule,
            "handle": verdict.handle,
            "file": "/etc/iptables/rules.v4 line 14" if verdict.rule else "",
            "way": ways.of(line.family, verdict),
        }
        for line, verdict in explain(rules, links, parse_request({"ports": ["80/tcp", "443/tcp"]}))
    ]
    six = [{**line, "family": "ipv6"} for line in lines]
    return {"backend": "iptables", "effective": [*lines, *six], "sets": []}


def certificate(name, days, served="yes"):
    """An entry of certificate_info."""
    installed = {
        "fingerprint": "ab" * 32,
        "subject_names": [name],
        "issuer": "C=US, O=Let's Encrypt, CN=E7",
        "not_before": "2026-11-01T00:00:00Z",
        "not_after": "2026-12-30T00:00:00Z",
        "days_left": days,
    }
    return {"name": name, "installed": installed, "served": served, "served_because": "", "seen": []}


def probed(name, **failing):
    """What probe returns of a host where these checks fail."""
    checks = {check: failing.get(check, "ok") for check in ("tcp", "tls", "names", "chain", "days", "redirect")}
    results = [
        {
            "check": check,
            "name": name,
            "address": "192.0.2.10",
            "family": "ipv4",
            "port": 443,
            "ok": outcome == "ok",
            "outcome": outcome,
            "detail": "it is as it is",
        }
        for check, outcome in checks.items()
    ]
    return {"ok": not failing, "checks": checks, "results": results, "certificates": [], "msg": ""}


def host(number, shared=1):
    """The variables of a host; every tenth has something wrong, and each ``shared`` hosts have rules of their own."""
    name = f"shop{number}.example.com"
    wrong = number % 10
    found = {
        "__report_https_ports": ports(number // shared, target="DROP" if wrong == 3 else "ACCEPT"),
        "__report_https_certificates": {"sites": [certificate(name, 5 if wrong == 4 else 12 + number * 7 % 80)]},
        "verify_https_found": probed(name, **({"tcp": "timed out"} if wrong == 3 else {})),
    }
    if wrong == 7:
        found = {"__report_https_ports": {"unreachable": True, "msg": "Connection timed out"}}
    return found


def fleet(count, shared=1):
    """The variables of that many hosts by their names."""
    return {f"web{number:04}": host(number, shared) for number in range(count)}


def report(hosts, least_days=21):
    from ansible_collections.port443.https.plugins.plugin_utils._fleet_report import make_report

    return make_report(list(hosts), hosts, MADE, least_days, "HTTPS")


def read(name):
    return (ROLE / "files" / name).read_text(encoding="utf-8").rstrip()


def page(found):
    """The whole page of a report, as the role writes it."""
    from ansible_collections.port443.https.plugins.plugin_utils._fleet_page import render_page

    script = read("report.js")
    template = jinja2.Template((ROLE / "templates/report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        __report_https_page=render_page(found, script),
        __report_https_script=script,
        lookup=lambda _plugin, name: read(name),
    )

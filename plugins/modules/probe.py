#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check from outside that HTTPS works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Check from outside that HTTPS works
author:
  - port443.https contributors (@port443)
description:
  - Connects to a host over every address it has, IPv4 and IPv6, and checks what a visitor needs. The port answers,
    a TLS handshake succeeds for every name, the certificate is for that name, its chain is trusted, it does not expire
    soon, and plain HTTP redirects to HTTPS.
  - The checks are made by the machine the module runs on. Delegate the task to the controller, or to another host, to
    look from there. With O(locate) it is the controller unless the task is delegated.
  - Every way to fail has an answer of its own, so that a firewall that drops packets (V(timed out)), a port nothing
    listens on (V(refused)), an unknown issuer (V(untrusted)) and somebody else's certificate (V(wrong name)) can be
    told apart.
  - Nothing is changed, in check mode nor otherwise. All checks run at the same time.
  - Where that machine is the controller, no module is sent there. It looks itself.
options:
  host:
    description:
      - Names or addresses to connect to. Of a name, every address is checked.
      - By default C(ansible_host) of the task's host, else its name in the inventory.
    type: list
    elements: str
  names:
    description:
      - Server names to ask for, each at every address.
      - International names may be given as people write them. A wildcard cannot be asked for.
      - By default, what O(host) gives.
    type: list
    elements: str
    default: []
  sites:
    description:
      - Sites as M(port443.https.sites) takes them, in place of O(names) and the options for some
        of them, such as O(chain_names).
      - Every name of every site is asked for; of one that has wildcards alone, C(www) below them. V(redirect) is
        checked unless a site has C(redirect=false), V(chain) unless it is C(self_signed), V(status) unless it wants a
        certificate of its visitors; one that has a C(root) serves files.
      - Fingerprints of O(fingerprints) for other names are ignored.
    type: list
    elements: dict
    version_added: 0.2.0
  served:
    description: >-
      Sites as M(port443.https.sites) returned them. Each of O(sites) that is among them has to serve the certificate
      that has the C(fingerprint) there.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
  own_ca:
    description:
      - The folder of the CA of one's own that issues for those of O(sites) that bring no certificate, as of
        M(port443.https.sites), which may name another for a site.
      - Its C(ca.pem) is trusted for them, unless O(ca) or O(ca_file) say whom to trust. It takes the place of the
        system's stores, so where other sites need those, the V(chain) of its own is not checked.
    type: path
    version_added: 0.2.0
  port:
    description: The port that serves HTTPS.
    type: int
    default: 443
  http_port:
    description: The port that serves plain HTTP, for the check V(redirect).
    type: int
    default: 80
  family:
    description:
      - The families that are checked. For each of them, one of O(host) has to have an address.
      - By default, whichever there are, as far as the machine that checks has a route; what is left out is a warning.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: []
  checks:
    description:
      - What to check. Where a check fails, those that build on it are answered with V(not tried).
      - V(tcp), a connection to O(port), and to O(http_port) if V(redirect) is checked.
      - V(tls), a handshake that asks for the name. The server's certificate is not judged, and old versions and weak
        ciphers are accepted, so that it is the server that decides.
      - V(names), the certificate is valid for the name; a common name does not count.
      - V(chain), a client that trusts O(trust) or O(ca) accepts the chain as the server sends it.
      - V(days), the certificate is valid now and for O(minimum_days).
      - V(redirect), plain HTTP redirects to HTTPS at one of O(names), and keeps path and query.
      - V(versions), TLS 1.0 and 1.1 are refused. Where the library of the machine that checks cannot offer these, the
        answer says so.
      - V(http2), the server chooses HTTP/2 when it may.
      - V(status), the site answers C(GET /) without an error of the server's (5xx), such as 502 where no application
        listens. For O(file_names) 404 is one too; for others it is a warning. Leave sites out by O(status_names) that
        want a certificate of their visitors.
      - V(hsts), the site tells browsers to use HTTPS alone (HTTP Strict Transport Security).
      - V(quic), something speaks QUIC, and so HTTP/3, on the same port of UDP.
    type: list
    elements: str
    choices: [tcp, tls, names, chain, days, versions, http2, status, hsts, redirect, quic]
    default: [tcp, tls, names, chain, days, redirect]
  trust:
    description:
      - Whom the check V(chain) trusts. V(system) is the trust store of the machine that checks; V(none) leaves the
        check out.
      - O(ca) and O(ca_file) take the place of the system's store.
    type: str
    choices: [system, none]
    default: system
  ca:
    description: Certificates to trust, in PEM form.
    type: str
  ca_file:
    description: A file of certificates to trust, in PEM form, on the machine that checks.
    type: path
  chain_names:
    description:
      - Those of O(names) of which V(chain) is checked. Leave out those that serve a certificate that signed itself.
      - By default, all.
    type: list
    elements: str
  redirect_names:
    description: Those of O(names) of which V(redirect) is checked. By default, all.
    type: list
    elements: str
  status_names:
    description: Those of O(names) of which V(status) is checked. By default, all.
    type: list
    elements: str
  file_names:
    description: Those of O(names) that serve files of a folder, where a 404 at C(/) tells that the folder is missing.
    type: list
    elements: str
  statuses:
    description: Statuses of HTTP with which V(status) holds, whatever else they would mean, such as V(503).
    type: list
    elements: int
    default: []
  fingerprint:
    description:
      - SHA-256 of the certificate that has to be served for all O(names), in hexadecimal, with or without colons.
      - It is one more check, V(certificate). Otherwise the answer is V(wrong certificate).
    type: str
  fingerprints:
    description: As O(fingerprint), for each of O(names) its own. Names that are left out may serve any certificate.
    type: dict
  minimum_days:
    description: The whole days that the certificate has to be valid for at least.
    type: int
    default: 0
  timeout:
    description: How long, in seconds, a connection or a handshake may take.
    type: float
    default: 5
  wait:
    description:
      - How long, in seconds, to look again until every check holds. A server reloads in the background, so what it
        serves may change a moment after its reload was asked for.
    type: float
    default: 0
  locate:
    description:
      - Whether to tell where a connection ends that gets no answer, and what ends it. That is before the host (a
        provider's security group, a router), in the host (a rule, a program that does not listen, a route), beyond it
        (a container), or on the way back.
      - V(on_failure) does so where a connection fails, V(always) in any case. Where all is well, V(on_failure) costs
        nothing; otherwise there are three executions more. On the task's host a recorder of packets' headers starts,
        the look is repeated, and the host is asked what it saw, with its rules, sockets, routes and counters.
      - The task's host is the one that is looked at. Who looks is the host that the task is delegated to, or else the
        controller. The task's host is asked over a connection of its own, as root.
      - The recorder writes headers alone, into a file in C(/run) that only root can read. It ends by itself, and
        nothing of it is left. Without root, CAP_NET_RAW or Linux there is none, and it is told what rules and sockets
        say.
      - It does not go with C(async).
    type: str
    choices: [on_failure, always, never]
    default: never
    version_added: 0.2.0
  report_only:
    description: Return what was found, also where a check fails, instead of failing.
    type: bool
    default: false
attributes:
  async:
    description: Can be run with C(async).
    support: full
  check_mode:
    description: Can run in check mode and return what it would without.
    support: full
  diff_mode:
    description: Shows what changed; this module changes nothing.
    support: none
  platform:
    description: Runs on any system with Python, its standard library is all it needs.
    support: full
    platforms: posix
seealso:
  - module: port443.https.certificate
"""

EXAMPLES = r"""
- name: Check a site from the controller
  port443.https.probe:
    host: www.example.com
  delegate_to: localhost

- name: Check two names over both families, and that no certificate expires within three weeks
  port443.https.probe:
    host: [192.0.2.10, "2001:db8::10"]
    names: [shop.example.com, www.example.com]
    minimum_days: 21
  delegate_to: localhost

- name: Wait until the new certificate is served
  port443.https.probe:
    host: 127.0.0.1
    names: [shop.example.com]
    checks: [tls]
    fingerprint: "{{ installed.fingerprint }}"
    wait: 10

- name: See from another host whether a firewall drops port 443
  port443.https.probe:
    host: "{{ ansible_host }}"
    checks: [tcp]
    report_only: true
  delegate_to: monitor.example.com
  register: seen

- name: Tell where a connection to port 443 of each host ends, as seen from the controller
  port443.https.probe:
    checks: [tcp]
    locate: always
  register: seen

- name: Check how a site is set up, not only whether it works
  port443.https.probe:
    host: www.example.com
    checks: [tls, versions, http2, hsts, quic]
  delegate_to: localhost

- name: See that every site of a host is served as its task said, from the controller
  port443.https.probe:
    host: "{{ ansible_host }}"
    sites: "{{ shop_sites }}"
    served: "{{ shop_served.sites }}"
  delegate_to: localhost

- name: Trust the company's own CA
  port443.https.probe:
    host: intranet.example.com
    ca_file: /etc/ssl/company-ca.pem
"""

RETURN = r"""
ok:
  description: Whether every check holds.
  returned: always, unless the task cannot be meant
  type: bool
  sample: false
results:
  description: One answer a check, address and name.
  returned: always, unless the task cannot be meant
  type: list
  elements: dict
  contains:
    check:
      description: The check, V(certificate) is that of O(fingerprint).
      type: str
      sample: names
    name:
      description: The server name that was asked for, empty for V(tcp).
      type: str
      sample: shop.example.com
    address:
      description: The address that was connected to, the host as it was given where it has no address.
      type: str
      sample: 192.0.2.10
    family:
      description: V(ipv4) or V(ipv6), empty where there is no address.
      type: str
      sample: ipv4
    port:
      description: The port that was connected to.
      type: int
      sample: 443
    ok:
      description: Whether the check holds.
      type: bool
      sample: false
    outcome:
      description:
        - V(ok), or V(not tried) where an earlier check failed, or what is wrong.
        - Of the connection V(unresolvable), V(timed out), V(refused), V(reset), V(unreachable), V(prohibited),
          V(failed).
        - Of the handshake V(not tls), V(alert), V(closed), V(no handshake), V(no certificate), V(damaged).
        - Of the certificate V(wrong name), V(untrusted), V(expired), V(not yet valid), V(expires soon),
          V(wrong certificate).
        - Of plain HTTP V(no redirect), V(wrong redirect), V(not http).
        - Of the answer V(server error), V(not found), and those of the connection.
        - Of what the server offers V(old tls), V(no http2), V(no hsts), V(not quic).
      type: str
      sample: wrong name
    detail:
      description: One sentence about it.
      type: str
      sample: the certificate is for www.example.com
ends:
  description: Where each connection ended that got no answer; with O(locate=always), all of them.
  returned: where it was located
  type: list
  elements: dict
  contains:
    address:
      description: The address that was connected to.
      type: str
      sample: 192.0.2.10
    family:
      description: V(ipv4) or V(ipv6).
      type: str
      sample: ipv4
    port:
      description: The port that was connected to.
      type: int
      sample: 443
    protocol:
      description: V(tcp) or V(udp).
      type: str
      sample: tcp
    ends:
      description:
        - V(before the host), V(in the host), V(beyond the host), V(on the way back), or V(reached).
        - V(not known) where that cannot be said.
      type: str
      sample: in the host
    because:
      description: What ends it, and what to do, in one sentence.
      type: str
      sample: "the host drops it: nft inet filter input handle 7: tcp dport 443 drop, from /etc/nftables.conf line 12"
checks:
  description: The outcome of each check, V(ok) or that of the first address and name at which it failed.
  returned: always, unless the task cannot be meant
  type: dict
  sample: {tcp: ok, tls: ok, names: wrong name}
certificates:
  description: The certificates that were served.
  returned: always, unless the task cannot be meant
  type: list
  elements: dict
  contains:
    name:
      description: The server name that was asked for.
      type: str
      sample: shop.example.com
    address:
      description: The address that was connected to.
      type: str
      sample: 192.0.2.10
    port:
      description: The port that was connected to.
      type: int
      sample: 443
    fingerprint:
      description: SHA-256 of the certificate, hexadecimal.
      type: str
      sample: 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
    names:
      description: The names and addresses that it is valid for.
      type: list
      elements: str
      sample: [shop.example.com]
    not_before:
      description: When it becomes valid, UTC.
      type: str
      sample: "2026-01-31T00:00:00Z"
    not_after:
      description: When it expires, UTC.
      type: str
      sample: "2026-05-01T00:00:00Z"
    days_left:
      description: Whole days until it expires, negative once it has.
      type: int
      sample: 63
    protocol:
      description: The TLS version agreed on.
      type: str
      sample: TLSv1.3
table:
  description: The results as lines of a table, for people.
  returned: always, unless the task cannot be meant
  type: list
  elements: str
  sample:
    - "check  name              where           outcome  detail"
    - "tcp    -                 192.0.2.10:443  ok       connected"
msg:
  description: One sentence, what fails and why or that every check holds.
  returned: always
  type: str
  sample: all 12 checks hold
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._probe.attempt import describe_attempts
from ansible_collections.port443.https.plugins.module_utils._probe.finding import sum_up, summary, table
from ansible_collections.port443.https.plugins.module_utils._probe.probe import probe
from ansible_collections.port443.https.plugins.module_utils._probe.request import CHECKS, USUAL_CHECKS, read_request

FAMILIES = ["ipv4", "ipv6"]
OPTIONS: Dict[str, Dict[str, Any]] = {
    "host": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str", "default": []},
    "sites": {"type": "list", "elements": "dict"},
    "served": {"type": "list", "elements": "dict", "default": []},
    "own_ca": {"type": "path"},
    "port": {"type": "int", "default": 443},
    "http_port": {"type": "int", "default": 80},
    "family": {"type": "list", "elements": "str", "choices": FAMILIES, "default": []},
    "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(USUAL_CHECKS)},
    "trust": {"type": "str", "choices": ["system", "none"], "default": "system"},
    "ca": {"type": "str"},
    "ca_file": {"type": "path"},
    "chain_names": {"type": "list", "elements": "str"},
    "redirect_names": {"type": "list", "elements": "str"},
    "status_names": {"type": "list", "elements": "str"},
    "file_names": {"type": "list", "elements": "str"},
    "statuses": {"type": "list", "elements": "int", "default": []},
    "fingerprint": {"type": "str"},
    "fingerprints": {"type": "dict"},
    "minimum_days": {"type": "int", "default": 0},
    "timeout": {"type": "float", "default": 5},
    "wait": {"type": "float", "default": 0},
    "locate": {"type": "str", "choices": ["on_failure", "always", "never"], "default": "never"},
    "report_only": {"type": "bool", "default": False},
}
_OF_NAMES = ("chain_names", "redirect_names", "status_names", "file_names")
EXCLUSIVE = [
    ("ca", "ca_file"),
    ("fingerprint", "fingerprints"),
    *(("sites", name) for name in ("names", *_OF_NAMES, "fingerprint")),
]
# What the action plugin asks for by the others.
OF_SITES = ("sites", "served", "own_ca")


# What the action plugin says and is told beside what is documented: how the look is known, and what it tried.
MARK = "_mark"
ATTEMPTS = "_attempts"


class LookingModule(AnsibleModule):  # type: ignore[misc]  # ansible-core has no types
    """An AnsibleModule with what its action plugin says to it alone."""

    mark: Optional[int]

    def _load_params(self) -> None:
        """Called by AnsibleModule before it looks at the parameters."""
        super()._load_params()
        self.mark = self.params.pop(MARK, None)


def read_authorities(ca: Optional[str], ca_file: Optional[str]) -> str:
    """Returns the PEM of the option that was given, empty for neither; raises RequestError."""
    if not ca_file:
        return ca or ""
    try:
        return Path(ca_file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise RequestError(f"ca_file {ca_file!r} cannot be read on the machine that checks: {error}") from error


def look(params: Mapping[str, Any], mark: Optional[int] = None) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
    """Returns the result of a look with these parameters from the machine that this runs on, and the warnings.

    With a ``mark``, by which the host may know the look, it holds what was tried as well. Raises UserError for what
    cannot be asked.
    """
    request = read_request(params, read_authorities(params["ca"], params["ca_file"]))
    report = probe(replace(request, mark=mark or 0))
    answer = {
        "changed": False,
        "ok": report.ok,
        "results": [found.as_dict() for found in report.findings],
        "checks": sum_up(report.findings),
        "certificates": [shown.as_dict() for shown in report.certificates],
        "table": table(report.findings),
        "msg": summary(report.findings),
    }
    if mark is not None:
        answer[ATTEMPTS] = describe_attempts(report.attempts, report.findings)
    return answer, report.left_out


def main() -> None:
    """Checks, and tells."""
    module = LookingModule(argument_spec=OPTIONS, mutually_exclusive=EXCLUSIVE, supports_check_mode=True)
    try:
        answer, left_out = look(module.params, module.mark)
    except UserError as problem:
        module.fail_json(msg=problem.message)
    for sentence in left_out:
        module.warn(sentence)
    if answer["ok"] or module.params["report_only"]:
        module.exit_json(**answer)
    module.fail_json(**answer)


if __name__ == "__main__":
    main()

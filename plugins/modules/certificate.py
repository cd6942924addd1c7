#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs a certificate with its key, has it served, and proves that it is."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Install a certificate with its key, have it served, and prove that it is
description:
  - Checks a certificate, its private key and its chain, installs them as one, tests and reloads the service, and asks
    the service for its certificate until it shows the new one. Where any of that fails, files, link and service are as
    before.
  - A pair that clients would refuse is refused with every reason at once, on the controller where its content is at
    hand there, so before the host is touched. Among the reasons are a key of another certificate, names that are not
    covered, expiry, a missing intermediate, a certificate for clients only, and a key that is encrypted or too short.
  - What is only untidy is mended and returned in RV(mended). The order of the chain, an included root, duplicates,
    CRLF, byte order marks and text around the PEM are.
  - Every run compares with what is served, not only with the files. Where the files are right and the service shows
    something else, it is tested, reloaded and proved again.
  - On a host where nothing serves the site yet, the pair is installed and RV(served=no) returned, which is no failure.
extends_documentation_fragment:
  - port443.https.certificate
seealso:
  - module: port443.https.probe
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Install a certificate from ansible-vault
  port443.https.certificate:
    name: www.example.com
    names: [www.example.com, example.com]
    certificate: "{{ example_fullchain }}"
    key: "{{ vault_example_key }}"

- name: Install files of the controller, the key encrypted with ansible-vault
  port443.https.certificate:
    name: www.example.com
    certificate_file: www.example.com.crt
    key_file: www.example.com.key.vault
    chain_file: intermediate.crt
    minimum_days: 7

- name: Install what another tool put on the host, issued by a CA of one's own
  port443.https.certificate:
    name: intranet.example.com
    certificate_file: /root/issued/intranet.crt
    key_file: /root/issued/intranet.key
    ca_file: /root/issued/company-root.crt
    remote_src: true

- name: Remove the site's pairs, once nginx no longer names them
  port443.https.certificate:
    name: www.example.com
    state: absent
"""

RETURN = r"""
served:
  description:
    - V(yes) if the pair is served everywhere it ought to be, in check mode if it would be.
    - V(no) if nothing serves the site, be it that the service is not installed, does not run, or has no site with it.
    - V(other) if something else is served at a place where the pair may be expected, though no running service is set
      up to serve it, or its configuration is broken elsewhere and cannot be reloaded.
    - V(unknown) with O(prove=false).
  returned: state is present
  type: str
  sample: "yes"
served_because:
  description: Why it is not served, empty if it is.
  returned: state is present
  type: str
  sample: nginx is not installed
seen:
  description: What was found at each place where it was looked last.
  returned: state is present
  type: list
  elements: dict
  contains:
    address:
      description: Address that was asked.
      type: str
      sample: 127.0.0.1
    port:
      description: Port that was asked.
      type: int
      sample: 443
    server_name:
      description: Server name that was sent, empty for none.
      type: str
      sample: www.example.com
    fingerprint:
      description: SHA-256 of the certificate that was shown, null if none was.
      type: str
      sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
    problem:
      description: Why none was shown, null if one was.
      type: str
      sample: Connection refused
fingerprint:
  description: SHA-256 of the site's certificate, hexadecimal.
  returned: state is present
  type: str
  sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
not_after:
  description: When the certificate expires, in UTC.
  returned: state is present
  type: str
  sample: "2031-05-04T03:02:01Z"
days_left:
  description: Whole days until then.
  returned: state is present
  type: int
  sample: 89
subject_names:
  description: All names that the certificate covers.
  returned: state is present
  type: list
  elements: str
  sample: [www.example.com, example.com]
issuer:
  description: Who issued it.
  returned: state is present
  type: str
  sample: C=US, O=Let's Encrypt, CN=E7
mended:
  description: What was untidy in the given PEM and is not in the installed files.
  returned: state is present
  type: list
  elements: str
  sample: ["certificate: CRLF line ends made LF"]
paths:
  description: Where the service finds the pair; these paths stay the same when the certificate is renewed.
  returned: state is present
  type: dict
  contains:
    directory:
      description: The link to the directory of the current pair.
      type: str
      sample: /etc/port443/www.example.com/current
    certificate:
      description: The certificate and its chain, for C(ssl_certificate).
      type: str
      sample: /etc/port443/www.example.com/current/fullchain.pem
    chain:
      description: The chain alone.
      type: str
      sample: /etc/port443/www.example.com/current/chain.pem
    key:
      description: The private key.
      type: str
      sample: /etc/port443/www.example.com/current/privkey.pem
commands:
  description: Commands that were run to have the pair served, or would be in check mode.
  returned: state is present
  type: list
  elements: str
  sample: [nginx -t, nginx -s reload]
"""

import grp
import os
import pwd
import time
from typing import Any, Callable, Dict, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._certificate import _deploy, _report, _request, _store
from ansible_collections.port443.https.plugins.module_utils._certificate._directory import Access
from ansible_collections.port443.https.plugins.module_utils._certificate._service import choose_service
from ansible_collections.port443.https.plugins.module_utils._certificate._sources import read_texts, refuse_public_keys
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Problem
from ansible_collections.port443.https.plugins.module_utils._host import Host


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(
        argument_spec=_request.ARGUMENT_SPEC,
        mutually_exclusive=_request.MUTUALLY_EXCLUSIVE,
        required_if=_request.REQUIRED_IF,
        supports_check_mode=True,
    )
    try:
        result, warnings = run(module)
    except Problem as problem:
        module.fail_json(msg=problem.message)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        module.fail_json(msg=f"{where}{problem.strerror or problem}")
    else:
        for warning in warnings:
            module.warn(warning)
        module.exit_json(**result)


def run(module: AnsibleModule) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
    """Does what the module was asked for; returns its result and warnings; raises RuleError, HostError or OSError."""
    params = module.params
    request = _request.parse(params)
    service = choose_service(request.service, Host(), request.service_config)
    if request.state == "absent":
        removed = _deploy.remove(request, service, module.check_mode)
        return _report.report_removal(request, removed), removed.warnings
    now = int(time.time())
    texts = read_texts(params)
    refuse_public_keys(texts)
    pair, warnings = _request.read_request_pair(request, texts, now)
    warnings += _request.rehearse_handshake(request, pair, texts["ca"], module.tmpdir)
    want = _store.lay_out(pair, find_key_access(request))
    deployment = _deploy.Deployment(request, pair, want, service, relabel_with(module))
    situation, outcome = deployment.check() if module.check_mode else deployment.deploy()
    if outcome.served == "other":
        warnings += (outcome.why,)
    return _report.report(request, pair, situation, outcome, now), warnings + outcome.warnings


def find_key_access(request: _request.Request) -> Access:
    """Returns who may read the key; raises HostError for a user or group that this host does not have."""
    uid = find_id(request.owner, "user", lambda name: pwd.getpwnam(name).pw_uid)
    gid = find_id(request.group, "group", lambda name: grp.getgrnam(name).gr_gid)
    return Access(
        os.geteuid() if uid is None else uid,
        os.getegid() if gid is None else gid,
        0o600 if gid is None else 0o640,
    )


def find_id(name: Optional[str], kind: str, look_up: Callable[[str], int]) -> Optional[int]:
    """Returns the number of a user or group given by name or number, None for none."""
    if name is None:
        return None
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return look_up(name)
    except KeyError:
        raise HostError(f"this host has no {kind} {name!r}: make it first, or give its number") from None


def relabel_with(module: AnsibleModule) -> Callable[[str], None]:
    """Returns what gives a path the label that the host's SELinux policy has for it, if the host has SELinux."""
    if not module.selinux_enabled():
        return lambda path: None
    return lambda path: module.set_default_selinux_context(path, False) and None


if __name__ == "__main__":
    main()

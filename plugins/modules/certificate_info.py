#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells which certificates a host has, and which it serves."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Tell which certificates a host has, and which it serves
description:
  - Reads what M(port443.https.certificate) installed, and asks the service of the host, from the host itself, which
    certificate it shows for each site.
  - Nothing is changed, and no key is read into the result.
options:
  names:
    description: The sites to tell of. By default, all that are in O(directory).
    type: list
    elements: str
    default: []
  directory:
    description: Where sites are kept.
    type: path
    default: /etc/port443
  service:
    description: The service that serves them. With V(none), it is looked at O(prove_address) and O(prove_port) alone.
    type: str
    choices: [nginx, apache, haproxy, lighttpd, none]
    default: nginx
  service_config:
    description: The main configuration file of the service, if it is not the one that the service is built with.
    type: path
  prove:
    description: Whether to ask the service. Without that, RV(sites[].served) is V(unknown).
    type: bool
    default: true
  prove_address:
    description: Address or host name at which to ask. By default, those of the service's configuration.
    type: str
  prove_port:
    description: Port at which to ask. By default, those of the service's configuration, and 443 where it has none.
    type: int
attributes:
  async:
    description: Can be run with C(async).
    support: full
  check_mode:
    description: Returns in check mode what it returns otherwise.
    support: full
  diff_mode:
    description: Shows what changed; this module changes nothing.
    support: none
  platform:
    description: Systems the module reads.
    support: full
    platforms: posix
seealso:
  - module: port443.https.certificate
  - module: port443.https.probe
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: See which certificates there are
  port443.https.certificate_info:
  register: certificates

- name: Name those that expire within three weeks
  ansible.builtin.debug:
    msg: >-
      {{ certificates.sites | selectattr('installed') | selectattr('installed.days_left', 'lt', 21)
         | map(attribute='name') }}

- name: Name those that are installed and not served
  ansible.builtin.debug:
    msg: "{{ certificates.sites | rejectattr('served', 'eq', 'yes') | map(attribute='name') }}"
"""

RETURN = r"""
sites:
  description: One entry a site, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The site.
      type: str
      sample: www.example.com
    installed:
      description: The certificate that is installed, null if there is none that can be read.
      type: dict
      contains:
        fingerprint:
          description: Its SHA-256, hexadecimal.
          type: str
          sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
        subject_names:
          description: All names that it covers.
          type: list
          elements: str
          sample: [www.example.com, example.com]
        issuer:
          description: Who issued it.
          type: str
          sample: C=US, O=Let's Encrypt, CN=E7
        not_before:
          description: When it becomes valid, in UTC.
          type: str
          sample: "2031-02-03T03:02:02Z"
        not_after:
          description: When it expires, in UTC.
          type: str
          sample: "2031-05-04T03:02:01Z"
        days_left:
          description: Whole days until then, negative once it has.
          type: int
          sample: 89
        key_kind:
          description: What kind of key it is for.
          type: str
          sample: EC P-256
        key_mode:
          description: The mode of the key's file.
          type: str
          sample: "0600"
    served:
      description: >-
        V(yes) if it is served wherever the service is set up to, V(no) if nothing serves the site, V(other) if
        something else is served in its place, V(unknown) with O(prove=false).
      type: str
      sample: "yes"
    served_because:
      description:
        - Why it is not served. If it is, what that does not promise, because another server has an address of its own
          or the service listens on loopback alone; mostly empty.
      type: str
      sample: nginx is not running
    seen:
      description: What was found at each place, as M(port443.https.certificate) returns it.
      type: list
      elements: dict
"""

import time
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.install import Result
from ansible_collections.port443.https.plugins.module_utils._certificate.inventory import list_sites
from ansible_collections.port443.https.plugins.module_utils._entry.certificate import exit_with
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.names import normalise_site
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import choose_service

SHARED = ("directory", "service", "service_config", "prove", "prove_address", "prove_port")
OPTIONS: Dict[str, Dict[str, Any]] = {
    "names": {"type": "list", "elements": "str", "default": []},
    **{name: _request.ARGUMENT_SPEC[name] for name in SHARED},
}


def main() -> None:
    """Runs the module."""
    exit_with(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), look)


def look(module: AnsibleModule) -> Result:
    """Returns the module's result, and no warnings; raises RequestError, HostError or OSError."""
    request = _request.parse(complete(module.params))
    names = tuple(sorted(map(normalise_site, module.params["names"])))
    sites = list_sites(
        request, names, choose_service(Host(), request.service, request.service_config, (), ()), int(time.time())
    )
    return {"changed": False, "sites": sites}, ()


def complete(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns parameters as the module certificate has them: the defaults of the options that this one lacks."""
    defaults = {name: option.get("default") for name, option in _request.ARGUMENT_SPEC.items()}
    return {**defaults, "name": "all", "names": None, **{name: params[name] for name in SHARED}}


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports in firewalld."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewalld_ports
short_description: Open and close ports in firewalld
description:
  - Does what M(port443.https.ports) does, with firewalld as the firewall, whoever else is in charge.
  - The set is a service C(port443-<name>) of its own, enabled in a zone, by rich rules where O(source) is given. Saved
    for the next boot are that service and one line for each of these in the file of the zone.
  - firewalld cannot use a new service before it is reloaded, and a reload takes away whatever was changed at runtime
    alone. So it is reloaded only where its runtime is what its files say, the set apart, and where nothing else would
    be lost, such as direct rules, ipsets, what others put into firewalld's own table, or any rule or chain of others in
    the tables of iptables, ip6tables and ebtables, which a reload empties whatever C(FirewallBackend) says (fail2ban's,
    Docker's). Elsewhere the ports are let in by rich rules with a priority of the set's own until somebody reloads
    firewalld; they open the same.
  - What an administrator denies in the zone, by rich rules or by its target, stays denied; the port is then reported as
    V(blocked).
  - With O(direction=out), the set goes into the policy that blocks what this host sends, if there is one.
  - Python bindings of firewalld are not needed, nor is C(firewall-cmd).
options:
  backend:
    description: The firewall to manage.
    type: str
    choices: [firewalld]
    default: firewalld
extends_documentation_fragment:
  - port443.https.ports
  - port443.https.ports.posix
  - port443.https.ports.adopt
  - port443.https.ports.timeout
  - port443.https.ports.confirm
  - port443.https.ports.zone
requirements:
  - firewalld 0.9 or newer.
seealso:
  - module: port443.https.ports
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Open 80/tcp and 443/tcp in the zone of the interface with the default route
  port443.https.firewalld_ports:

- name: Open a port to one network in the zone internal
  port443.https.firewalld_ports:
    name: backup
    ports: [8443/tcp]
    source: [192.0.2.0/24]
    zone: internal

- name: Make the service https, which somebody enabled before, part of the set
  port443.https.firewalld_ports:
    ports: [443/tcp]
    adopt: true

- name: Open 80/tcp for ten minutes
  port443.https.firewalld_ports:
    name: acme
    ports: [80/tcp]
    timeout: 10m
"""

RETURN = r"""
backend:
  description: The firewall that was found in charge; V(none) where nothing on the host filters.
  returned: success
  type: str
  sample: firewalld
commands:
  description: What was run and written, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
effective:
  description:
    - Whether a new connection to each port would get in and be answered, from the rules as the kernel has them.
    - In check mode, from the rules as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    port:
      description: The port or range.
      type: str
      sample: "443"
    protocol:
      description: Its protocol.
      type: str
      sample: tcp
    family:
      description: The IP version, V(ipv4) or V(ipv6).
      type: str
      sample: ipv6
    direction:
      description: V(in) or V(out).
      type: str
      sample: in
    verdict:
      description: V(open), V(blocked), or V(depends) where a rule cannot be foretold.
      type: str
      sample: open
    because:
      description: The rule that decides and where it stands.
      type: str
      sample: "nft inet firewalld filter_IN_public_allow handle 75: tcp dport 443 accept"
confirmed:
  description: What the change was called that was confirmed over a new connection, with O(confirm).
  returned: when a change was confirmed
  type: str
  sample: 5f0c2ab91d3e
persisted:
  description:
    - V(rehearsed) if firewalld's files hold the set and firewalld has loaded it from them.
    - V(written) if they hold it and firewalld has not loaded them since.
    - V(not needed) if there is nothing to save; V(no) otherwise, for example where firewalld does not start at boot.
  returned: success
  type: str
  sample: rehearsed
unconfirmed:
  description: What the change is called that waits for its confirmation; empty once that is over.
  returned: when a change had to be confirmed
  type: str
  sample: ""
"""

from ansible_collections.port443.https.plugins.module_utils._payload import run


def main() -> None:
    """Runs the module."""
    run("firewalld_ports")


if __name__ == "__main__":
    main()

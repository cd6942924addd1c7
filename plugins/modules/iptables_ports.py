#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports in iptables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iptables_ports
short_description: Open and close ports in iptables
description:
  - Does what M(port443.https.ports) does, with iptables as the firewall, whoever else is in charge.
  - Uses the frontend (nft or legacy) that holds the host's rules, both families in one execution, one atomic restore a
    family. The set is a chain C(port443-<name>) in the filter table, with jumps to it from INPUT, OUTPUT or both.
  - With O(timeout), rules hold up to a date, by which the kernel goes by its own clock (C(-m time)).
  - Saved files (C(/etc/iptables/rules.v4), C(/etc/sysconfig/iptables) and their like) get this chain and its jumps and
    nothing else.
options:
  backend:
    description: The firewall to manage.
    type: str
    choices: [iptables]
    default: iptables
extends_documentation_fragment:
  - port443.https.ports
  - port443.https.ports.posix
  - port443.https.ports.interface
  - port443.https.ports.position
  - port443.https.ports.adopt
  - port443.https.ports.timeout
  - port443.https.ports.confirm
seealso:
  - module: port443.https.ports
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Open 80/tcp and 443/tcp in iptables
  port443.https.iptables_ports:

- name: Open a port on one interface, ahead of every other rule
  port443.https.iptables_ports:
    name: backup
    ports: [8443/tcp]
    interface: [eth1]
    position: first
"""

RETURN = r"""
backend:
  description: The firewall that was found in charge; V(none) where nothing on the host filters.
  returned: success
  type: str
  sample: iptables
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
      sample: "iptables-nft ip filter port443-https rule 1: -A port443-https -p tcp -m tcp --dport 443 -j ACCEPT"
confirmed:
  description: What the change was called that was confirmed over a new connection, with O(confirm).
  returned: when a change was confirmed
  type: str
  sample: 5f0c2ab91d3e
persisted:
  description:
    - V(rehearsed) if the file loaded at boot holds the set and was loaded and judged in a private network namespace.
    - V(written) if it holds the set and that was not possible.
    - V(not needed) if there is nothing to save, as with O(state=absent) or where the host loads no rules at boot.
    - V(no) otherwise, also where the file does not load with what the boot has (a set that only a program makes).
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
    run("iptables_ports")


if __name__ == "__main__":
    main()

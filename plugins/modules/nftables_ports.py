#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports in nftables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_ports
short_description: Open and close ports in nftables
description:
  - Does what M(port443.https.ports) does, with native tables of nftables as the firewall, whoever else is in charge.
  - The set is a chain C(port443-<name>) in each table whose base chain blocks one of the ports, whatever table and
    chain are called, with jumps to it; all tables are changed in one transaction. Tables that a program keeps for
    itself are left alone, such as those of firewalld, fail2ban or Docker.
  - The file that the host loads at boot (C(/etc/nftables.conf), C(/etc/sysconfig/nftables.conf), C(/etc/nftables.nft),
    or what the unit nftables.service names) and the files that it includes get this chain and its jumps and nothing
    else. A file that adds its rules a second time when it is loaded again is left alone, with a warning.
options:
  backend:
    description: The firewall to manage.
    type: str
    choices: [nftables]
    default: nftables
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
- name: Open 80/tcp and 443/tcp in nftables
  port443.https.nftables_ports:

- name: Open a port for some networks, ahead of every other rule
  port443.https.nftables_ports:
    name: backup
    ports: [8443/tcp]
    source: [192.0.2.0/24, "2001:db8::/48"]
    position: first

- name: Take over the rules that an older playbook had written for these ports
  port443.https.nftables_ports:
    adopt: true
"""

RETURN = r"""
backend:
  description: The firewall that was found in charge; V(none) where nothing on the host filters.
  returned: success
  type: str
  sample: nftables
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
      sample: "nft inet filter port443-https rule 1: tcp dport { 80, 443 } accept"
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
    - V(no) otherwise.
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
    run("nftables_ports")


if __name__ == "__main__":
    main()

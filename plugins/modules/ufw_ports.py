#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports in ufw."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ufw_ports
short_description: Open and close ports in ufw
description:
  - Does what M(port443.https.ports) does, with ufw as the firewall, whoever else is in charge.
  - The set is one rule of ufw for up to 15 ports of a protocol, with the comment C(port443-<name>), for IPv4 and IPv6.
    The rules are written to ufw's own files as ufw writes them, under its lock, and into the chains of a running ufw in
    one atomic restore a family; so C(ufw status), C(ufw reload) and C(ufw delete) know them as their own.
  - Of rules that differ in action and comment alone ufw keeps one. Where an administrator has such a rule, it stays
    what it is, nothing is made beside it, and the verdict tells what it does. With O(adopt=true) one that allows
    becomes part of the set.
  - A ufw that is off stores the rules, which is told; it is switched on only with O(enable=true).
options:
  backend:
    description: The firewall to manage.
    type: str
    choices: [ufw]
    default: ufw
extends_documentation_fragment:
  - port443.https.ports
  - port443.https.ports.posix
  - port443.https.ports.position
  - port443.https.ports.adopt
  - port443.https.ports.confirm
  - port443.https.ports.enable
notes:
  - ufw saves every rule, so O(persistent=false) is refused; it knows ports of TCP and UDP alone.
seealso:
  - module: port443.https.ports
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Open 80/tcp and 443/tcp in ufw
  port443.https.ufw_ports:

- name: Open HTTPS and ssh, and switch ufw on if it is off
  port443.https.ufw_ports:
    ports: [22/tcp, 80/tcp, 443/tcp]
    enable: true

- name: Take over the rules that an older playbook made, and close them with the set one day
  port443.https.ufw_ports:
    adopt: true
"""

RETURN = r"""
backend:
  description: The firewall that was found in charge; V(none) where nothing on the host filters.
  returned: success
  type: str
  sample: ufw
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
      sample: "iptables-nft ip filter ufw-user-input rule 2: -A ufw-user-input -p tcp -m tcp --dport 443 -j ACCEPT"
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
    run("ufw_ports")


if __name__ == "__main__":
    main()

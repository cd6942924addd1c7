#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports on whatever firewall the host runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ports
short_description: Open and close ports on whatever firewall the host runs
description:
  - Makes a named set of ports reachable on the host's own firewall, for IPv4 and IPv6 in one execution, now and after a
    reboot, and reports from the rules as the kernel has them whether each port is really open.
  - Where nothing on the host filters, nothing is made, and the ports are reported as open.
  - Everything can be taken back to the byte with O(state=absent).
options:
  backend:
    description:
      - The firewall to manage. V(auto) finds out which one is in charge, and fails where two are, naming both.
      - V(iptables) is iptables with the frontend (nft or legacy) that holds the host's rules.
      - V(pf) is the firewall of FreeBSD, OpenBSD and macOS, and V(auto) there.
      - V(windows) is Windows Firewall, and V(auto) where the connection's shell is one of Windows; see
        M(port443.https.win_firewall_ports), which says what is else there.
      - Options that not every firewall has say so; given with another one, they are refused.
    type: str
    choices: [auto, iptables, nftables, firewalld, ufw, pf, windows]
    default: auto
extends_documentation_fragment:
  - port443.https.ports
  - port443.https.ports.posix
  - port443.https.ports.interface
  - port443.https.ports.position
  - port443.https.ports.adopt
  - port443.https.ports.timeout
  - port443.https.ports.confirm
  - port443.https.ports.zone
  - port443.https.ports.enable
  - port443.https.ports.anchor
  - port443.https.ports.windows
seealso:
  - module: port443.https.ports_info
  - module: port443.https.iptables_ports
  - module: port443.https.nftables_ports
  - module: port443.https.firewalld_ports
  - module: port443.https.ufw_ports
  - module: port443.https.pf_ports
  - module: port443.https.win_firewall_ports
attributes:
  async:
    description: Can be run with C(async).
    support: partial
    details: >-
      Not on Windows, where a change takes two executions. Ansible kills a task whose time is over, and nothing is then
      taken back. Give it more time than it can need.
  platform:
    description: Systems the module manages.
    support: full
    platforms: linux, FreeBSD, OpenBSD, macOS, Windows
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Open 80/tcp and 443/tcp to anyone
  port443.https.ports:

- name: Open HTTPS, and HTTP/3 with it, and fail unless a packet really gets in
  port443.https.ports:
    ports: [80/tcp, 443/tcp, 443/udp]
    require_effective: true

- name: Open a range of ports to one network and one host
  port443.https.ports:
    name: internal
    ports: [8000-8010/tcp]
    source: [192.0.2.0/24, "2001:db8::15"]

- name: Open 80/tcp for as long as it takes to fetch a certificate
  port443.https.ports:
    name: acme
    ports: [80/tcp]
    timeout: 10m

- name: Let this host reach web servers elsewhere, where outgoing connections are blocked
  port443.https.ports:
    name: web-out
    direction: out

- name: Take over what an older playbook had opened by hand
  port443.https.ports:
    adopt: true

- name: Close a port, unless that shuts Ansible out, when the host opens it again by itself
  port443.https.ports:
    name: ssh
    state: absent
    confirm: 60s

- name: Close what the set internal had opened
  port443.https.ports:
    name: internal
    state: absent
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
windows:
  description: What is known of a Windows host beside that.
  returned: on Windows
  type: dict
  contains:
    active_profiles:
      description: The profiles of the networks that the host is in.
      type: list
      elements: str
      sample: [domain]
    rules_total:
      description: How many rules each store has, V(local), V(gpo) (group policy) and V(mdm).
      type: dict
      sample: {local: 513, gpo: 0, mdm: 0}
unconfirmed:
  description: What the change is called that waits for its confirmation; empty once that is over.
  returned: when a change had to be confirmed
  type: str
  sample: ""
"""

from ansible_collections.port443.https.plugins.module_utils._payload import run


def main() -> None:
    """Runs the module."""
    run("ports")


if __name__ == "__main__":
    main()

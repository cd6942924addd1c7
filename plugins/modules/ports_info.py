#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells whether ports are open, and which rule decides."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ports_info
short_description: Tell whether ports are open, and which rule decides
description:
  - Judges from the rules as the kernel has them whether a new connection to each port would get in and be answered, and
    names the rule that decides.
  - Lists the rule sets of this collection that are on the host.
  - Looking changes nothing, not even the list of tables.
options:
  ports:
    description: The ports to judge, written as for M(port443.https.ports).
    type: list
    elements: str
    default: [80/tcp, 443/tcp]
  source:
    description: Judge for connections from these addresses and networks. Empty means a stranger, whom no rule names.
    type: list
    elements: str
    default: []
  interface:
    description: Judge for connections that arrive on these interfaces. Empty means the interface of the default route.
    type: list
    elements: str
    default: []
requirements:
  - Python 3.8 or newer, root and CAP_NET_ADMIN on the host; on Windows what M(port443.https.win_firewall_ports) needs.
attributes:
  async:
    description: Can be run with C(async).
    support: partial
    details: Not on Windows.
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to show, as nothing changes.
    support: none
  platform:
    description: Systems the module can judge.
    support: full
    platforms: linux, FreeBSD, OpenBSD, macOS, Windows
seealso:
  - module: port443.https.ports
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Why does 443 not answer?
  port443.https.ports_info:
    ports: [443/tcp]
  register: found

- name: Say it
  ansible.builtin.debug:
    msg: "{{ found.effective | map(attribute='because') }}"
"""

RETURN = r"""
backend:
  description:
    - The firewall in charge; V(none) where nothing filters.
    - V(unclear) where that cannot be said, see RV(reason).
  returned: success
  type: str
  sample: iptables
reason:
  description: Why the firewall in charge cannot be said.
  returned: when RV(backend) is V(unclear)
  type: str
effective:
  description: The verdict on each port, as M(port443.https.ports) returns it.
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
      description: Always V(in) for now.
      type: str
      sample: in
    verdict:
      description: V(open), V(blocked), or V(depends) where a rule cannot be foretold.
      type: str
      sample: open
    because:
      description: The rule that decides and where it stands.
      type: str
      sample: "iptables-nft ip filter, chain INPUT, policy DROP"
    table:
      description: The table of the rule that decides, with its frontend and family; empty where nothing filters.
      type: str
      sample: iptables-nft ip filter
    chain:
      description: Its chain.
      type: str
      sample: INPUT
    rule:
      description: The rule as its tool prints it; empty where the chain's policy decides.
      type: str
      sample: "-A INPUT -p tcp -m tcp --dport 443 -j DROP"
    handle:
      description: The number by which C(nft delete rule) takes the rule in its table; V(0) where it has none.
      type: int
      sample: 12
    file:
      description: The file, and mostly the line, that the rule comes from; empty where that is not known.
      type: str
      sample: /etc/iptables/rules.v4 line 12
    way:
      description:
        - The base chains that the packet which decides passes on its way in, or for an answer on its way out, in order.
          That packet is mostly the first one, and otherwise RV(effective[].because) says which it is.
        - Empty chains that accept are left out. Where a packet is blocked, it passes none of those behind the chain
          with RV(effective[].way[].steps).
      returned: on Linux
      type: list
      elements: dict
      contains:
        hook:
          description: The hook that the chain is at, with C(arp) or C(bridge) before it where it is of that family.
          type: str
          sample: input
        table:
          description: The chain's table, with its frontend and family.
          type: str
          sample: iptables-nft ip filter
        chain:
          description: The chain.
          type: str
          sample: INPUT
        kind:
          description: V(filter), or V(nat) for one that only the first packet of a connection passes.
          type: str
          sample: filter
        priority:
          description: Its priority.
          type: int
          sample: 0
        policy:
          description: Its policy, V(accept) or V(drop).
          type: str
          sample: drop
        steps:
          description:
            - In the chain that decides, the jumps from one chain to the next and at the end what decides, each with
              C(chain), C(rule), C(handle) and C(number), the rule's place in its chain counted from 1.
            - For a policy C(rule) is empty and C(number) V(0).
          type: list
          elements: dict
          sample: [{chain: INPUT, number: 3, rule: "-A INPUT -j shop", handle: 0}]
sets:
  description: The rule sets of this collection on the host, with the rules of each.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the set.
      type: str
      sample: https
    family:
      description: The IP version, V(ipv4), V(ipv6), or V(both) for a table that serves both.
      type: str
      sample: ipv4
    frontend:
      description: Where the set lives, V(iptables-nft), V(iptables-legacy), V(nft), V(firewalld), V(ufw),
        V(pf) or V(windows).
      type: str
      sample: iptables-nft
    table:
      description: The table that it is in.
      type: str
      sample: filter
    rules:
      description: The set's rules and the jumps to it, as the host's own tool prints them.
      type: list
      elements: str
      sample: ["-A INPUT -j port443-https", "-A port443-https -p tcp -m multiport --dports 80,443 -j ACCEPT"]
windows:
  description: The active profiles and the number of rules of each store, as M(port443.https.ports) returns them.
  returned: on Windows
  type: dict
"""

from ansible_collections.port443.https.plugins.module_utils._payload import run


def main() -> None:
    """Runs the module."""
    run("ports_info")


if __name__ == "__main__":
    main()

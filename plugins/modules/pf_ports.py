#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens and closes ports in pf."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pf_ports
short_description: Open and close ports in pf of FreeBSD, OpenBSD and macOS
description:
  - Does what M(port443.https.ports) does, with pf as the firewall.
  - The set is an anchor C(port443.<name>) with a file C(/etc/pf.anchors/port443.<name>), and a marked block in
    C(pf.conf) that calls the anchor and loads it at boot. Its rules are C(pass quick) for both IP versions, with state.
  - Every file is tried with C(pfctl -n) before it is written. A C(pf.conf) that is broken already is left as it is.
  - Only the anchor is loaded where the rules in force call it already, the main ruleset where they do not yet. Rules
    that other programs added to the main ruleset while it runs stay there (FreeBSD, macOS), or the module refuses
    (OpenBSD).
    No state is dropped, and pf is never switched off.
  - With O(adopt=true) statements of C(pf.conf) that let in nothing but what is asked for are taken out of it, such as
    C(pass in inet proto tcp from any to any port 443 no state). Those in files that it includes, in braces, and those
    that log, tag, queue or limit as well stay, and so do all where O(persistent=false). Connections that a rule without
    state let in end, as pf has no state of them; the module warns of that.
  - Connections that are open go on, through a port that is closed as well. C(pfctl -k label -k port443.https) ends
    those that the set https let in.
  - On macOS the application firewall, which is per program, is separate; the module warns where it is on.
options:
  backend:
    description: The firewall to manage.
    type: str
    choices: [pf]
    default: pf
  interface:
    description: Network interfaces or interface groups on which connections may arrive. Empty means any.
    type: list
    elements: str
    default: []
  position:
    description:
      - Where in C(pf.conf) the block that calls the anchor goes.
      - V(auto) and V(last) put it at the end. As its rules are C(quick), it overrules a C(block all) before it and
        honours a C(block quick) before it; the port is then reported as V(blocked).
      - V(first) puts it before the first rule that filters, so before bans as well.
      - A call of the anchor that is in C(pf.conf) already stays where it is.
    type: str
    choices: [auto, first, last]
    default: auto
  anchor:
    description:
      - The name of the anchor that holds the set, if not C(port443.<name>). Name one that C(pf.conf) calls already to
        choose the place among the other rules.
    type: str
  enable:
    description:
      - Whether to switch pf on if it is off, now and at boot. Without this, rules are stored, and pf that is off is
        reported.
      - FreeBSD loads the kernel module and sets C(pf_enable) with sysrc, OpenBSD uses rcctl, macOS gets a launch daemon
        that takes an enable reference, which is given back when the last set is removed.
      - It is refused if the connection that Ansible itself came by would be cut, as pf has no state of it.
    type: bool
    default: false
extends_documentation_fragment:
  - port443.https.ports
  - port443.https.ports.posix
  - port443.https.ports.adopt
requirements:
  - Python 3.8 or newer and root on the host.
attributes:
  platform:
    description: Systems the module manages.
    support: full
    platforms: FreeBSD, OpenBSD, macOS
seealso:
  - module: port443.https.ports
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Open 80/tcp and 443/tcp in pf
  port443.https.pf_ports:

- name: Switch pf on as well, now and at boot
  port443.https.pf_ports:
    enable: true

- name: Open the ports, and take over the rules that were pasted into pf.conf for them, so that they close with the set
  port443.https.pf_ports:
    adopt: true

- name: Fill the anchor that pf.conf calls with 'anchor "web"' at the place of the administrator's choice
  port443.https.pf_ports:
    anchor: web
    interface: [egress]
"""

RETURN = r"""
backend:
  description: The firewall that was found in charge; V(none) where nothing on the host filters.
  returned: success
  type: str
  sample: pf
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
      sample: "pf anchor port443.https rule 2: pass in quick proto tcp from any to any port = https flags S/SA"
persisted:
  description:
    - V(written) if C(pf.conf) holds the set and pfctl took it in a trial.
    - V(not needed) if pf is off and does not come on at boot; V(no) otherwise.
  returned: success
  type: str
  sample: written
"""

from ansible_collections.port443.https.plugins.module_utils._payload import run


def main() -> None:
    """Runs the module."""
    run("pf_ports")


if __name__ == "__main__":
    main()

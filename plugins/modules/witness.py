#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records headers of a look on the host, and tells where each connection ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: witness
short_description: Record headers of a look on the host, and tell where its connections ended
description:
  - The part of M(port443.https.probe) that runs on the host which is looked at, where
    O(port443.https.probe#module:locate) asks for it. There is seldom a reason to use it by itself.
  - With O(state=started) a recorder begins, a process of its own that ends by itself. It writes the headers of the
    look's packets, and none of what these carry, into a file in C(/run) that only root can read.
  - With O(state=ended) that file is read and removed, and what the packets, the rules, the sockets and the kernel say
    becomes one sentence for each connection.
version_added: 0.2.0
options:
  state:
    description: Whether to begin recording, or to end it and tell.
    type: str
    choices: [started, ended]
    required: true
  ports:
    description: The ports that are looked at.
    type: list
    elements: int
    default: [443, 80]
  source:
    description: The addresses of the machine that looks, as far as they are known.
    type: list
    elements: str
    default: []
  mark:
    description:
      - The maximum segment size that the look asks for, by which its packets are known behind address translation.
      - V(0) is for none.
    type: int
    default: 0
  datagrams:
    description: Record UDP as well.
    type: bool
    default: false
  seconds:
    description: How long the recorder stays at most, 900 is the most.
    type: int
    default: 60
  recorder:
    description: What RV(recorder) was, with O(state=ended).
    type: str
    default: ""
  blind:
    description: What RV(blind) was, with O(state=ended).
    type: str
    default: ""
  attempts:
    description: The connections that were tried, as M(port443.https.probe) tells them, with O(state=ended).
    type: list
    elements: dict
    default: []
requirements:
  - Python 3.8 or newer on the host. Packets are seen on Linux alone, with root or CAP_NET_RAW.
attributes:
  async:
    description: Can be run with C(async).
    support: none
  check_mode:
    description: Changes nothing that stays, in any mode.
    support: full
  diff_mode:
    description: There is nothing to show, as nothing changes.
    support: none
  platform:
    description: Systems of which more can be said than what rules and sockets say.
    support: full
    platforms: linux
seealso:
  - module: port443.https.probe
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Have probe do it, which looks in between
  port443.https.probe:
    host: www.example.com
    locate: always
"""

RETURN = r"""
recorder:
  description: The name of the recorder, empty where there is none.
  returned: state is started
  type: str
  sample: 0f1e2d3c4b5a69788796a5b4c3d2e1f0
blind:
  description: Why there is no recorder, empty where there is one.
  returned: state is started
  type: str
  sample: "packets cannot be seen here: Operation not permitted"
ends:
  description: Where each connection ended, as M(port443.https.probe) returns it.
  returned: state is ended
  type: list
  elements: dict
"""

from ansible_collections.port443.https.plugins.module_utils._payload import PackedModule, run_packed
from ansible_collections.port443.https.plugins.module_utils._witness.arguments import ARGUMENTS


def main() -> None:
    """Runs the module."""
    run_packed("witness", PackedModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()

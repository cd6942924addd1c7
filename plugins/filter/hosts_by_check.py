# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a table of hosts by check of what the role verify_https found."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_by_check
short_description: Make a table of hosts by check
version_added: 0.2.0
author:
  - port443.https contributors (@port443)
description:
  - Makes a row for each host, with the outcome of each check of M(port443.https.probe), of what the role
    C(port443.https.verify_https) left in the fact C(verify_https_found).
positional: hostvars, answering
options:
  _input:
    description: The hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts.
    type: dict
    required: true
  answering:
    description: The hosts that have not failed. One that has is told to give no answer.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show hosts by check
  ansible.builtin.debug:
    msg: "{{ (ansible_play_hosts_all | port443.https.hosts_by_check(hostvars, ansible_play_hosts)).lines }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The table.
  type: dict
  contains:
    rows:
      description: The headings, and a row for each host.
      type: list
      elements: list
    lines:
      description: The rows as aligned lines.
      type: list
      elements: str
"""

from typing import Any, Callable, Dict, Mapping, Sequence

from ansible_collections.port443.https.plugins.plugin_utils._hosts_by_check import align, rows_by_check


def make_table(hosts: Sequence[str], variables: Mapping[str, Any], answering: Sequence[str]) -> Dict[str, Any]:
    """Returns the table as rows and as lines."""
    rows = rows_by_check(hosts, variables, answering)
    return {"rows": rows, "lines": align(rows)}


class FilterModule:
    """Names the filter."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Returns it by its name."""
        return {"hosts_by_check": make_table}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the report on many hosts of what the role report_https found on each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report
short_description: Make a report on many hosts as data
version_added: 0.2.0
author:
  - port443.https contributors (@port443)
description:
  - Makes of what the role C(port443.https.report_https) found on each host what its C(report.json) holds.
positional: hostvars
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
  minimum_days:
    description: A certificate with fewer days left needs attention.
    type: int
    default: 21
  title:
    description: The title of the page.
    type: str
    default: HTTPS
"""

EXAMPLES = r"""
- name: Name the hosts that need attention
  ansible.builtin.debug:
    msg: >-
      {{ (ansible_play_hosts_all | port443.https.fleet_report(hostvars)).hosts
         | selectattr('state', 'eq', 'attention') | map(attribute='name') }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The report, as the README of the role C(port443.https.report_https) describes it.
  type: dict
"""

from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, Sequence

from ansible_collections.port443.https.plugins.plugin_utils._fleet_report import make_report


def make(
    hosts: Sequence[str], variables: Mapping[str, Any], minimum_days: int = 21, title: str = "HTTPS"
) -> Dict[str, Any]:
    """Returns the report as of now."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return make_report(hosts, variables, now, minimum_days, title)


class FilterModule:
    """Names the filter."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Returns it by its name."""
        return {"fleet_report": make}

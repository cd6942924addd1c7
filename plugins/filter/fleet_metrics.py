# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders a report as metrics for Prometheus."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_metrics
short_description: Render a report on many hosts as metrics for Prometheus
version_added: 0.2.0
author:
  - port443.https contributors (@port443)
description:
  - Renders what P(port443.https.fleet_report#filter) returns in the text format of Prometheus, for the textfile
    collector of its node exporter.
options:
  _input:
    description: The report.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Leave the metrics where the node exporter finds them
  ansible.builtin.copy:
    content: "{{ ansible_play_hosts_all | port443.https.fleet_report(hostvars) | port443.https.fleet_metrics }}"
    dest: /var/lib/prometheus/node-exporter/https.prom
    mode: "0644"
  delegate_to: monitor.example.com
  run_once: true
"""

RETURN = r"""
_value:
  description: The metrics.
  type: str
"""

from typing import Any, Callable, Dict

from ansible_collections.port443.https.plugins.plugin_utils._fleet_metrics import render_metrics


class FilterModule:
    """Names the filter."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Returns it by its name."""
        return {"fleet_metrics": render_metrics}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the parts of the page of a report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_page
short_description: Render a report on many hosts as parts of a page
version_added: 0.2.0
author:
  - port443.https contributors (@port443)
description:
  - Renders what P(port443.https.fleet_report#filter) returns as the parts that the template of the role
    C(port443.https.report_https) puts in their places. Whatever hosts said is escaped.
positional: script
options:
  _input:
    description: The report.
    type: dict
    required: true
  script:
    description: The script of the page. No other one is allowed to run there.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See how many characters the hosts take
  ansible.builtin.debug:
    msg: "{{ (report | port443.https.fleet_page('')).hosts | length }}"
"""

RETURN = r"""
_value:
  description: The parts by their names, as HTML.
  type: dict
"""

from typing import Any, Callable, Dict

from ansible_collections.port443.https.plugins.plugin_utils._fleet_page import render_page


class FilterModule:
    """Names the filter."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Returns it by its name."""
        return {"fleet_page": render_page}

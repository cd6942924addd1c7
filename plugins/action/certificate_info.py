# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what the module certificate_info is asked for on the controller, before any host is touched."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.modules.certificate_info import OPTIONS
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask


class ActionModule(CheckedTask):
    """Runs certificate_info."""

    module = "port443.https.certificate_info"
    argument_spec = OPTIONS

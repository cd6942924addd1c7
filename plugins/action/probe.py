# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what the module probe is asked for on the controller, before any host is touched."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.modules.probe import EXCLUSIVE, OPTIONS
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask


class ActionModule(CheckedTask):
    """Runs probe."""

    module = "port443.https.probe"
    argument_spec = OPTIONS
    mutually_exclusive = EXCLUSIVE

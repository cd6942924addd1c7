# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what the module certbot_certificate is asked for on the controller, before any host is touched."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._renewal.request import ARGUMENT_SPEC
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask


class ActionModule(CheckedTask):
    """Runs certbot_certificate."""

    module = "port443.https.certbot_certificate"
    argument_spec = ARGUMENT_SPEC

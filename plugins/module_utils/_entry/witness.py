# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module witness: starts a recorder, or tells where each look ended and removes what the recorder left."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._witness.arguments import LONGEST
from ansible_collections.port443.https.plugins.module_utils._witness.collect import begin, end
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import read_door
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch


def run(module: AnsibleModule) -> None:
    """Does what is asked for, and ends the module; nothing that it does is a change that stays."""
    try:
        found = _start(module.params) if module.params["state"] == "started" else _end(module.params)
    except HostError as problem:
        module.fail_json(msg=problem.message)
    module.exit_json(changed=False, **found)


def _start(params: Dict[str, Any]) -> Dict[str, Any]:
    watch = Watch(tuple(params["ports"]), tuple(params["source"]), params["mark"], datagrams=params["datagrams"])
    begun = begin(FirewallHost(), watch, min(params["seconds"], LONGEST))
    return {"recorder": begun.token, "blind": begun.blind}


def _end(params: Dict[str, Any]) -> Dict[str, Any]:
    try:
        doors = [read_door(attempt) for attempt in params["attempts"]]
    except (KeyError, ValueError, TypeError) as problem:
        raise HostError(f"attempts are not such as the module probe makes: {problem!r}") from None
    return {"ends": end(FirewallHost(), params["recorder"], params["blind"], doors)}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at port 80 from the controller where a CA says that it could not reach the host, and tells where that ends."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Sequence

from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._locate import Locator
from ansible_collections.port443.https.plugins.plugin_utils._own_connection import connect_controller

PROBE = "port443.https.probe"
# The words of Let's Encrypt and of Pebble for a connection of theirs, which certbot passes on.
_UNREACHED = re.compile(
    r"Timeout during connect|(?:Fetching|Get) \"?http://.*(?:timeout|[Cc]onnection (?:refused|reset)|[Nn]o route)"
)
_MOST_NAMES = 5
_ELSEWHERE = (
    "from the controller port 80 is reached. Where the CA looks from it may not be: look for rules by country or "
    "source, of the provider and of the host, and for a name that leads elsewhere in the public DNS"
)


def is_unreached(message: str) -> bool:
    """Tells whether a CA says that its connection to port 80 came to nothing."""
    return bool(_UNREACHED.search(message))


def explain_unreached(
    action: ActionBase, ended: Dict[str, Any], names: Sequence[str], task_vars: Mapping[str, Any]
) -> None:
    """Adds to a result that failed so where connections to port 80 of these names end, as seen from the controller."""
    asked = {
        "host": [name for name in names if not name.startswith("*")][:_MOST_NAMES],
        "port": 80,
        "http_port": 8080,
        "checks": ["tcp"],
        "timeout": 5.0,
        "report_only": True,
        "locate": "always",
    }
    looker = connect_controller(action, task_vars)
    try:
        found = Locator(action, asked, task_vars).run(
            lambda more: execute(looker, PROBE, {**asked, **more}, (), looker.variables)
        )
    finally:
        looker.end()
    ended["msg"] = f"{ended['msg']}\nLooked at from the controller: {tell_ends(found)}"
    if "ends" in found:
        ended["ends"] = found["ends"]


def tell_ends(found: Mapping[str, Any]) -> str:
    """Returns where connections ended in a sentence, or what the look itself came to."""
    ends = found.get("ends")
    if not ends:
        return str(found.get("msg", "no answer"))
    lost = [f"{one['address']} port {one['port']} ends {one['ends']}: {one['because']}" for one in ends]
    return _ELSEWHERE if all(one["ends"] == "reached" for one in ends) else "; ".join(lost)

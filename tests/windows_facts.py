# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Windows host as data: what its script would answer, and tasks as requests."""

from __future__ import annotations

import base64
import gzip
import json

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import (
    FORMAT,
    read_observation,
)
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

HEAD = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|"
BLOCK = HEAD.replace("Allow", "Block")
ID = "port443-https-in-tcp"
RULE = HEAD + "Profile=Domain|Profile=Private|LPort=80|LPort=443|Name=port443 https (TCP in)|EmbedCtxt=port443|"


def answer(local=None, gpo=None, mdm=None, active=1, policy=None, listeners=(), profiles=None, **changed):
    """Returns what the script answers on a host with these rules, by id, in each of its stores."""
    stores = {"local": local or {}, "gpo": gpo or {}, "mdm": mdm or {}}
    return {
        "format": FORMAT,
        "services": {"MpsSvc": "Running", "BFE": "Running"},
        "state": {"active": active, "modify_state": 0, "profiles": profiles or {}},
        "policy": policy or {},
        "stores": {
            name: {
                "count": len(rules),
                "packed": base64.b64encode(gzip.compress(json.dumps(rules).encode())).decode(),
                "skipped": [],
            }
            for name, rules in stores.items()
        },
        "listeners": [{"address": "[::]", "pid": 1, **one} for one in listeners],
        **changed,
    }


def facts(**state):
    return read_observation(answer(**state))


def request(**options):
    return parse_request({"ports": ["80/tcp", "443/tcp"], "state": "present", **options})

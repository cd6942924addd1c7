# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays powershell on a host: takes apart what ansible-core sends, and answers as our script would; nothing is run.

It plays the script and not Windows, so it knows what the tests of the wire need: a look, new rules and removed ones.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
from pathlib import Path

ENDS_BOOTSTRAP = b"\n\0\0\0\0\n"


def read_manifest(sent):
    """Returns the manifest: JSON behind four zeros, which ansible-core 2.22 packs."""
    _bootstrap, _zeros, manifest = sent.partition(ENDS_BOOTSTRAP)
    if not manifest.startswith(b"{"):
        manifest = gzip.decompress(base64.b64decode(manifest))
    return json.loads(manifest)


def read_arguments(manifest):
    """Returns the module's arguments: a variable, and in 2.22 a text."""
    parameters = manifest["actions"][-1]["params"]
    if "ArgumentJSON" in parameters:
        return json.loads(parameters["ArgumentJSON"])
    return next(one["Value"] for one in parameters["Variables"] if one["Name"] == "complex_args")


def scripts_of(manifest):
    """Returns the texts of what is sent, by their names."""
    return {name: base64.b64decode(one["script"]).decode() for name, one in manifest["scripts"].items()}


def spell(fields):
    """Returns a rule as text: as much of it as these tests look at."""
    ports = "".join(f"LPort={port}|" for port in fields["LocalPort"])
    profiles = "".join(f"Profile={name}|" for name in fields["Profile"].split(","))
    named = f"Name={fields['DisplayName']}|EmbedCtxt={fields['Group']}|"
    return f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|{profiles}{ports}{named}"


def carry_out(local, arguments):
    """Does what the script would, and returns whether the guard held."""
    if any(local.get(seen["id"]) != seen["text"] for seen in arguments.get("guard", ())):
        return False
    for operation in arguments.get("operations", ()):
        if operation["do"] == "add":
            local[operation["id"]] = spell(operation["fields"])
        else:
            assert operation["do"] == "remove", operation
            del local[operation["id"]]
    return True


def answer(state, arguments):
    """Returns what the script answers."""
    guarded = carry_out(state["local"], arguments)
    stores = {"local": state["local"], "gpo": {}, "mdm": {}}
    return {
        "format": state.get("format", arguments["format"]),
        "changed": guarded and bool(arguments.get("operations")),
        "guarded": guarded,
        "failure": None,
        "services": {"MpsSvc": "Running", "BFE": "Running"},
        "state": {"active": state["active"], "modify_state": 0, "profiles": {}},
        "policy": state["policy"],
        "stores": {name: {"count": len(one), "packed": pack(one), "skipped": []} for name, one in stores.items()},
        "listeners": [],
    }


def pack(rules):
    return base64.b64encode(gzip.compress(json.dumps(rules).encode())).decode()


def main():
    path = Path(os.environ["PORT443_PLAYED"])
    state = json.loads(path.read_text())
    manifest = read_manifest(sys.stdin.buffer.read())
    arguments = read_arguments(manifest)
    state["runs"] = state.get("runs", 0) + 1
    state["sent"] = {"command": sys.argv[1:], "arguments": arguments, "scripts": sorted(scripts_of(manifest))}
    told = answer(state, arguments)
    path.write_text(json.dumps(state))
    print(json.dumps(told))


if __name__ == "__main__":
    main()

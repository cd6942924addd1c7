# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays powershell on a host for the module sites, which sends two scripts; nothing is run.

It plays the scripts and not Windows, so it knows what the tests of the wire need.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import wire
import wire_certificates


def main():
    path = Path(os.environ["PORT443_PLAYED"])
    state = json.loads(path.read_text())
    manifest = wire.read_manifest(sys.stdin.buffer.read())
    arguments = wire.read_arguments(manifest)
    about_certificates = any(name.endswith("_windows_certificate.psm1") for name in wire.scripts_of(manifest))
    state["runs"] = state.get("runs", 0) + 1
    told = (wire_certificates if about_certificates else wire).answer(state, arguments)
    path.write_text(json.dumps(state))
    print(json.dumps(told))


if __name__ == "__main__":
    main()

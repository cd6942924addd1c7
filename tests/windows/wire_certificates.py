# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays powershell on a host for win_certificate: takes apart what ansible-core sends, answers as the script would.

It plays the script and not Windows, so it knows what the tests of the wire need: imports, bindings and removals.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from wire import read_arguments, read_manifest, scripts_of

WORDS = ["ipport", "hostnameport", "certhash", "appid", "certstorename"]


def describe(certificate, key, name):
    """A certificate as the script describes it."""
    issuer, subject = (
        base64.b64encode(one.public_bytes()).decode() for one in (certificate.issuer, certificate.subject)
    )
    until = certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"key={key}\nuntil={until}\nissuer={issuer}\nsubject={subject}\nname={name}"


def carry_out(state, arguments):
    """Does what the script would, and returns whether the guard held."""
    guard = arguments.get("guard", {})
    for kind in ("certificates", "bindings"):
        if any(state[kind].get(name) != text for name, text in guard.get(kind, {}).items()):
            return False
    for step in arguments.get("operations", ()):
        if step["do"] == "import":
            held = pkcs12.load_pkcs12(
                base64.b64decode(arguments[f"pfx_{step['thumbprint']}"]),
                arguments[f"password_{step['thumbprint']}"].encode(),
            )
            certificate = held.cert.certificate
            digest = hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest().upper()
            assert (digest, held.key is not None) == (step["thumbprint"], True)
            state["certificates"][step["id"]] = describe(certificate, True, step["name"])
        elif step["do"] == "add":
            certificate = x509.load_der_x509_certificate(base64.b64decode(step["der"]))
            state["certificates"][step["id"]] = describe(certificate, False, step["name"])
        elif step["do"] == "bind":
            state["bindings"].pop(step["id"], None)
            state["bindings"].update({step["id"]: step["want"]} if step["want"] is not None else {})
        elif step["do"] == "remove":
            del state["certificates"][step["id"]]
        else:
            assert step["do"] == "prove", step
    return True


def answer(state, arguments):
    """Returns what the script answers."""
    guarded = carry_out(state, arguments)
    return {
        "format": state.get("format", arguments["format"]),
        "changed": guarded and bool(arguments.get("operations")),
        "guarded": guarded,
        "failure": None,
        "certificates": state["certificates"],
        "bindings": state["bindings"],
        "users": {},
        "netsh": WORDS,
        "chain": {one["thumbprint"]: state.get("chain", []) for one in arguments["chains"]},
        "seen": [],
        "iis": state.get("iis", []),
        "left": [],
    }


def main():
    path = Path(os.environ["PORT443_PLAYED"])
    state = json.loads(path.read_text())
    manifest = read_manifest(sys.stdin.buffer.read())
    arguments = read_arguments(manifest)
    state["runs"] = state.get("runs", 0) + 1
    shown = {name: value for name, value in arguments.items() if not name.startswith(("pfx_", "password_"))}
    hidden = sorted(set(arguments) - set(shown))
    sent = {"command": sys.argv[1:], "arguments": shown, "hidden": hidden, "scripts": sorted(scripts_of(manifest))}
    state.setdefault("sent", []).append(sent)
    told = answer(state, arguments)
    path.write_text(json.dumps(state))
    print(json.dumps(told))


if __name__ == "__main__":
    main()

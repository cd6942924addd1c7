# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A played Windows with certificates and bindings: its state, and what the tests put there.

The script that ships runs in real PowerShell; its file for what only Windows can is played, and so is http.sys, which
shows in real handshakes what its bindings say.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import uuid

import pki
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

NAME = "www.example.com"
OURS, THEIRS, IIS = (
    "7d2b9a54-0f6e-4f2b-9a3c-443044300443",
    "11112222-3333-4444-5555-666677778888",
    "4dc3e181-e14b-4a21-b022-59fc669b0914",
)
DEFAULTS = {
    "DefaultFlags": ["DWord", 0],
    "DefaultSslCertCheckMode": ["DWord", 0],
    "DefaultSslRevocationFreshnessTime": ["DWord", 0],
    "DefaultSslRevocationUrlRetrievalTimeout": ["DWord", 0],
    "DefaultSslCtlIdentifier": ["String", ""],
    "DefaultSslCtlStoreName": ["String", ""],
}
SCRIPTS = (
    "_windows_step",
    "_windows_certificate_host",
    "_windows_certificate_binding",
    "_windows_certificate_handshake",
    "_windows_certificate_store",
    "_windows_certificate",
)
FOREIGN = pki.site(NAME, number=9, key="rsa2048")


def thumbprint(issued):
    return hashlib.sha1(issued.der(), usedforsecurity=False).hexdigest().upper()


def ours(issued, site=NAME):
    """The friendly name by which a certificate is known as ours."""
    return f"port443:{site}:{thumbprint(issued)[:8]}"


def at(issued, store="My"):
    """Where a certificate is, below Cert:\\LocalMachine."""
    return f"{store}\\{thumbprint(issued)}"


def digest(issued):
    """A certificate as a binding in the registry names it."""
    return ["Binary", thumbprint(issued)]


def values(issued, application=THEIRS, store="MY", **more):
    """A binding as the registry holds it; ``issued`` is a certificate, or 40 hexadecimal digits."""
    digest = issued if isinstance(issued, str) else thumbprint(issued)
    return {
        "SslCertHash": ["Binary", digest],
        "AppId": ["Binary", uuid.UUID(application).bytes_le.hex().upper()],
        "SslCertStoreName": ["String", store],
        **DEFAULTS,
        **more,
    }


class PlayedWindows:
    """The state of the host, in a file that the script's played part reads and writes."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "host.json"
        self.home = folder / "home"
        self.stores = self.home / ".dotnet/corefx/cryptography/x509stores"
        self.home.mkdir(exist_ok=True)

    def reset(self, addresses=None, names=None, friendly=None, **state):
        """Makes the host that: bindings by address and by name, and friendly names of certificates."""
        for store in ("my", "ca", "webhosting"):
            shutil.rmtree(self.stores / store, ignore_errors=True)
        by_name = {f"{{{uuid.uuid4()}}}": {**one, "HostnamePort": ["String", at]} for at, one in (names or {}).items()}
        self.write(
            {
                "registry": {"SslBindingInfo": addresses or {}, "SslSniBindingInfo": by_name},
                "names": {thumbprint(issued): name for issued, name in (friendly or [])},
                "runs": 0,
                "windows": "2025",
                "language": "en",
                "update_keeps": True,
                "keys_deleted": [],
                "netsh_log": [],
                "netsh_fails": {},
                "race": [],
                "iis": [],
                "web_hosting": False,
                **state,
            }
        )

    def write(self, state):
        self.path.with_suffix(".part").write_text(json.dumps(state))
        self.path.with_suffix(".part").rename(self.path)

    def state(self):
        return json.loads(self.path.read_text())

    def change(self, **state):
        self.write({**self.state(), **state})

    def bound(self):
        """The thumbprints of bindings by place."""
        return {place: one["SslCertHash"][1] for place, one in self.bindings().items()}

    def bindings(self):
        """The values of bindings by place, defaults left out."""
        return {
            one.get("HostnamePort", ["String", key])[1]: {
                name: value for name, value in one.items() if value[1] not in (0, "") and name != "HostnamePort"
            }
            for table in ("SslBindingInfo", "SslSniBindingInfo")
            for key, one in self.state()["registry"].get(table, {}).items()
        }


@functools.lru_cache(maxsize=None)
def certificates():
    """The certificates that the tests install: two with RSA keys, two with EC keys."""
    return {
        "one": pki.site(NAME, number=1, key="rsa2048", days=(-1, 80)),
        "two": pki.site(NAME, number=2, key="rsa2048", days=(-1, 90)),
        "three": pki.site(NAME, number=3, key="rsa2048", days=(-1, 95)),
        "ec": pki.site(NAME, number=4, key="p256", days=(-1, 85)),
        "ec2": pki.site(NAME, number=5, key="p384", days=(-1, 95)),
    }


def environment_of(windows):
    """The environment in which PowerShell takes the test's HOME for the user's, and finds what it unpacked."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return {"HOME": str(windows.home), "XDG_CACHE_HOME": cache}


def trust(windows, root):
    """Has the played host trust a root; to be called before PowerShell starts, which reads its roots once."""
    folder = windows.stores / "root"
    folder.mkdir(parents=True, mode=0o700)
    certificate = pkcs12.serialize_key_and_certificates(None, None, None, [root.certificate], NoEncryption())
    (folder / f"{thumbprint(root)}.pfx").write_bytes(certificate)

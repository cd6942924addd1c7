# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A played Windows with certificates and bindings: its state, what listens there, and the controller over it.

The script that ships runs in real PowerShell; its file for what only Windows can is played, and so is http.sys, which
shows in real handshakes what its bindings say.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import os
import shutil
import socket
import ssl
import threading
import uuid

import pki
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as windows_request
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import import_pair
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import (
    report_change,
    report_pair,
)
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import write_pfx
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import (
    MODULE,
    WindowsCertificate,
    warnings_of,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import read_windows_pair
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


class HttpSys:
    """Shows, in handshakes at loopback, what the bindings of the played host say; a name before an address for all."""

    def __init__(self, windows, issued):
        self._windows = windows
        self._known = {thumbprint(one): one for one in issued}
        self._stop = threading.Event()
        self.port = 0

    @contextlib.contextmanager
    def listening(self):
        sockets = self._open()
        threads = [threading.Thread(target=self._serve, args=(one,), daemon=True) for one in sockets]
        for thread in threads:
            thread.start()
        try:
            yield self.port
        finally:
            self._stop.set()
            for one in sockets:
                one.close()
            for thread in threads:
                thread.join(timeout=5)

    def _open(self):
        first = socket.create_server(("127.0.0.1", 0))
        self.port = first.getsockname()[1]
        second = socket.create_server(("::1", self.port), family=socket.AF_INET6)
        for one in (first, second):
            one.settimeout(0.2)
        return first, second

    def _serve(self, listener):
        while not self._stop.is_set():
            try:
                connection, _peer = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(3)
                self._shake(connection, ":" in listener.getsockname()[0])

    def _shake(self, connection, six):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chosen = {}

        def choose(tls, name, _context):
            found = self._find(name, six)
            if found not in self._known:
                return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            tls.context = self._context(found)
            chosen["it"] = found
            return None

        context.sni_callback = choose
        fallback = self._find(None, six)
        if fallback in self._known:
            context = self._context(fallback)
            context.sni_callback = choose
        with context.wrap_socket(connection, server_side=True):
            pass

    def _context(self, digest):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self._known[digest]
        path = self._windows.folder / f"{digest}.{threading.get_ident()}.pem"
        path.write_bytes(issued.pem() + issued.key_pem())
        context.load_cert_chain(path)
        return context

    def _find(self, name, six):
        bound = self._windows.bound()
        places = [f"{name}:{self.port}"] if name else []
        places.append(f"[::]:{self.port}" if six else f"0.0.0.0:{self.port}")
        return next((bound[place] for place in places if place in bound), None)


class Reader(PairReader):
    """Reads pairs of a task that gives them as content: no loader, no file."""

    def __init__(self):
        self.module = MODULE
        self.new_ca = None


class Controller:
    """The planning of win_certificate over one PowerShell that stays; ``executions`` counts what the last run took."""

    def __init__(self, session, windows):
        self._session = session
        self.windows = windows
        self.executions = 0
        self.sent = []

    def execute(self, arguments):
        self.executions += 1
        self.sent.append(arguments)
        return self._session.call("Invoke-CertificateStep", dict(arguments), PORT443_PLAYED=str(self.windows.path))

    def run(self, issued=None, check=False, **options):
        """Returns the result for a certificate, or for none (absent), or ``{"failed": ...}`` with what was said."""
        given = {"name": NAME, "trust": "none", "prove_timeout": 1, **options}
        if issued is None:
            given["state"] = "absent"
        else:
            chain = "" if issued.certificate.issuer == issued.certificate.subject else pki.intermediate().pem().decode()
            given.setdefault("certificate", issued.pem().decode() + chain)
            given.setdefault("key", issued.key_pem().decode())
        self.executions, self.sent = 0, []
        try:
            return self._run(given, check)
        except AnsibleActionFail as problem:
            return {"failed": True, "msg": str(problem)}

    def _run(self, given, check):
        params = check_arguments(
            MODULE,
            windows_request.ARGUMENT_SPEC,
            given,
            mutually_exclusive=windows_request.MUTUALLY_EXCLUSIVE,
            required_if=windows_request.REQUIRED_IF,
        )
        request = windows_request.parse(params)
        pair = read_windows_pair(Reader(), params) if params["state"] == "present" else None
        work = WindowsCertificate(self.execute, request, pair, check)
        before, after, plan = work.carry_out()
        result = {**report_change(request, before, after, plan), "warnings": warnings_of(pair, plan, work.left)}
        if pair is not None:
            result.update(report_pair(request, pair.pair, pair.offered.leaf.thumbprint, (), after, 0))
        return result

    def put(self, issued, store="My", name="", key=True):
        """Puts a certificate into a store of the played host, as somebody has done."""
        digest, pfx = thumbprint(issued), write_pfx(issued.key_pem(), issued.der(), "x")
        step = import_pair(store, digest, name, False, ()).send()
        if not key:
            step = {**step, "do": "add", "der": base64.b64encode(issued.der()).decode()}
        secret = {"pfx": base64.b64encode(pfx).decode(), "password": "x"}
        self.tell([step], **secret)

    def tell(self, operations, **more):
        """Has the script carry out operations, and returns its answer."""
        guard = {"certificates": {}, "bindings": {}, "leaving": []}
        asked = {"format": 1, "prefix": "-", "thumbprint": "", "prove": False, "places": [], "leaf": "", "chain": []}
        answer = self.execute({**asked, "operations": operations, "guard": guard, **more})
        assert answer.get("failure") is None, answer
        return answer

    def look(self):
        asked = {"format": 1, "prefix": "-", "thumbprint": "", "prove": False, "places": [], "leaf": "", "chain": []}
        return self.execute(asked)

    def stored(self):
        """The certificates of the host: path below Cert:\\LocalMachine to whether there is a key."""
        found = self.look()["certificates"]
        return {path: text.startswith("key=True") for path, text in found.items()}

    def whole(self):
        """All that a run may change: certificates with their names, and bindings."""
        return self.look()["certificates"], self.windows.bindings()


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

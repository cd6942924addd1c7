# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's side of win_certificate without ansible-playbook, over one PowerShell that stays."""

from __future__ import annotations

import base64

import pki
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as windows_request
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import import_pair
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import (
    report_change,
    report_pair,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import write_pfx
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import (
    WindowsCertificates,
    warnings_of,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import read_windows_pair
from played_certificates import NAME, thumbprint

MODULE = "port443.https.win_certificate"
NOTHING = {"format": 2, "prefixes": [], "thumbprints": [], "prove": False, "places": [], "chains": []}


class Reader(PairReader):
    """Reads pairs of a task that gives them as content: no loader, no file."""

    def __init__(self):
        self.module = MODULE
        self.new_ca = None


class PlayedIis:
    """microsoft.iis over the played host: its configuration is in the host's file."""

    def __init__(self, windows):
        self._windows = windows
        self.missing = False
        self.fails = ""
        self.asked = []

    def demand(self):
        if self.missing:
            raise HostError("only the collection microsoft.iis changes that")

    def exchange(self, exchanges):
        if self.fails:
            raise HostError(self.fails)
        self.asked += [(one.binding.site, one.options()) for one in exchanges]
        new = {(one.binding.site, one.binding.information): one for one in exchanges}
        configured = []
        for one in self._windows.state()["iis"]:
            found = new.get((one["site"], one["information"]))
            configured.append({**one, "thumbprint": found.thumbprint, "store": found.store} if found else one)
        self._windows.change(iis=configured)


class Planner:
    """The planning of win_certificate over one PowerShell that stays; ``executions`` counts what the last run took."""

    def __init__(self, session, windows):
        self._session = session
        self.windows = windows
        self.iis = PlayedIis(windows)
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
        except (AnsibleActionFail, HostError) as problem:
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
        work = WindowsCertificates(self.execute, self.iis, [(request, pair)], check)
        before, after, joint = work.carry_out()
        (plan,) = joint.each
        result = report_change(request, before, after, plan)
        result["warnings"] = [*warnings_of(pair, plan), *work.left]
        if pair is not None:
            result.update(report_pair(request, pair.pair, pair.offered.leaf.thumbprint, (), after, 0))
        return result

    def put(self, issued, store="My", name="", key=True):
        """Puts a certificate into a store of the played host, as somebody has done."""
        digest, pfx = thumbprint(issued), write_pfx(issued.key_pem(), issued.der(), "x")
        step = import_pair(store, digest, name, False, ()).send()
        if not key:
            step = {**step, "do": "add", "der": base64.b64encode(issued.der()).decode()}
        secret = {f"pfx_{digest}": base64.b64encode(pfx).decode(), f"password_{digest}": "x"}
        self.tell([step], **secret)

    def tell(self, operations, **more):
        """Has the script carry out operations, and returns its answer."""
        guard = {"certificates": {}, "bindings": {}, "leaving": []}
        answer = self.execute({**NOTHING, "operations": operations, "guard": guard, **more})
        assert answer.get("failure") is None, answer
        return answer

    def look(self):
        return self.execute(NOTHING)

    def stored(self):
        """The certificates of the host: path below Cert:\\LocalMachine to whether there is a key."""
        found = self.look()["certificates"]
        return {path: text.startswith("key=True") for path, text in found.items()}

    def whole(self):
        """All that a run may change: certificates with their names, and bindings."""
        return self.look()["certificates"], self.windows.bindings()

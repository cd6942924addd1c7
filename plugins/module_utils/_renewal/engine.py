# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Issues a certificate by certbot, installs it, has it served, and sees to its renewal."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import install as _install
from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder, store
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock, open_folder
from ansible_collections.port443.https.plugins.module_utils._host.host import Completed, Host
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import lineage as _lineage
from ansible_collections.port443.https.plugins.module_utils._renewal.accounts import explain
from ansible_collections.port443.https.plugins.module_utils._renewal.challenge import wait_for_answer
from ansible_collections.port443.https.plugins.module_utils._renewal.defaults import refuse_beaten
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import (
    Files,
    InstalledFiles,
    holds_no_file,
    make_folders,
    remove_own_folders,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.outlook import tell_late
from ansible_collections.port443.https.plugins.module_utils._renewal.purge_lineage import find_traces, purge_lineage
from ansible_collections.port443.https.plugins.module_utils._renewal.request import RenewalRequest
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths
from ansible_collections.port443.https.plugins.module_utils._renewal.timer import (
    choose_timer,
    find_certbot_timer,
    find_unknown,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Command

Result = _install.Result
LOCK_PATIENCE = 900.0  # seconds: another run may be waiting for the CA


@dataclass(frozen=True)
class Renewal:
    """One run for one site; each state is a method that returns the module's result and warnings.

    They raise RequestError, HostError or OSError; in check mode they only look.
    """

    request: RenewalRequest
    host: Host
    check_mode: bool
    relabel: _install.Relabel
    folder: Optional[str] = None
    layout: RenewalPaths = field(default_factory=RenewalPaths)

    def run(self) -> Result:
        """Does what the request's state says."""
        state = {"present": self.present, "prepared": self.prepared, "absent": self.absent, "revoked": self.revoked}
        with self._alone():
            return state[self.request.state]()

    def present(self) -> Result:
        """Gets a certificate if what is there will not do, installs it, and has the host renew it."""
        request, layout = self.request, self.layout
        machinery = self._machinery()
        want = self._wanted(machinery.hook())
        refuse_beaten(self.host, layout, want)
        have = _lineage.observe(self.host, layout, request.site)
        reasons = _lineage.find_reasons(have, want, int(time.time()))
        if reasons:
            self._refuse_unusable()
        wanted_files = machinery.want(request.settings)
        files = machinery.have(tuple(wanted_files))
        commands = machinery.start_commands()
        if reasons:
            commands += (_certbot.issue_command(want, request.account, again=have is not None),)
        pending = bool(commands) or files != wanted_files or self._needs_webroot()
        if not self.check_mode:
            self._make_webroot()
            with machinery.installed(files, wanted_files):
                if reasons:
                    self._issue(want, again=have is not None)
            result, warnings = self._install()
        elif reasons:
            result, warnings = {"changed": True, "diff": [], "commands": []}, ()
        else:
            result, warnings = self._install()
        now = have if self.check_mode else _lineage.observe(self.host, layout, request.site)
        diff = _diff(layout.live(request.site), _show(have, files), _show(now, wanted_files))
        shown = result["diff"] if isinstance(result["diff"], list) else [result["diff"]]
        result.update(
            changed=result["changed"] or pending,
            issued=bool(reasons),
            issued_because=list(reasons),
            lineage=layout.lineage(request.site),
            commands=[*map(" ".join, commands), *result["commands"]],
            diff=[diff, *shown],
        )
        return result, warnings + self._warn_of_renewal() + (() if reasons or now is None else self._warn_of_delay(now))

    def prepared(self) -> Result:
        """Lets a web server start: the folder for the CA, and a pair of its own where the site has none."""
        path = os.path.join(self._home(), store.CURRENT)
        missing = self._needs_placeholder()
        changed = self._needs_webroot() or missing
        if not self.check_mode:
            self._make_webroot()
            if missing:
                certificate, key = placeholder.make(self.host, self.request.names)
                params = self.request.settings.params("", "")
                params.update(certificate_file=None, key_file=None, remote_src=False)
                params.update(certificate=certificate.decode("ascii"), key=key.decode("ascii"))
                params.update(self_signed=True, trust="none", ca=None, prove=False)
                _install.run(params, self.host, False, self.relabel, self.folder)
        after = [f"{path}: self-signed, until the certificate is issued"] if missing else []
        return {"changed": changed, "diff": _diff(path, [], after)}, ()

    def absent(self) -> Result:
        """Removes pair, settings and lineage; with the last site everything else that was put there."""
        return self._remove(self._remove_pair)

    def revoked(self) -> Result:
        """Has the CA revoke the newest certificate, and removes what absent() does; what is served stays."""
        have = _lineage.observe(self.host, self.layout, self.request.site)
        commands: Tuple[Command, ...] = ()
        if have is not None:
            name, reason = self.layout.lineage(self.request.site), self.request.revocation_reason
            commands = (_certbot.revoke_command(name, have.server, have.account, reason),)
        if commands and not self.check_mode:
            completed = _certbot.run(self.host, commands[0])
            if completed.returncode != 0 and _certbot.REVOKED not in completed.out + completed.err:
                raise self._refusal(completed, have.server if have is not None else "")
        result, warnings = self._remove(self._remove_pair_unless_named)
        result.update(changed=result["changed"] or bool(commands), commands=list(map(" ".join, commands)))
        return result, warnings

    def _remove(self, remove_pair: Any) -> Result:
        """The settings go before the pair: a renewal in between must not bring it back."""
        site, machinery = self.request.site, self._machinery()
        removed, warnings = remove_pair(True)
        rest = machinery.rest(site)
        traces = find_traces(self.layout, site)
        last = self.layout.program in rest or not os.path.exists(self.layout.program)
        has_webroot = last and holds_no_file(self.layout.webroot)
        changed = removed["changed"] or bool(rest) or bool(traces) or has_webroot
        if not self.check_mode:
            machinery.write(rest, dict.fromkeys(rest))
            _removed, warnings = remove_pair(False)
            purge_lineage(self.host, self.layout, site)
            if last:
                remove_own_folders(f"{self.layout.webroot}/.well-known/acme-challenge", self.layout.own)
        before = [*_show(None, rest), *traces, *([removed["diff"]["before"].strip()] if removed["changed"] else [])]
        return {"changed": changed, "diff": _diff(self.layout.live(site), before, [])}, warnings

    def _remove_pair(self, check_mode: bool) -> Result:
        params = {**self.request.settings.params("", ""), "state": "absent"}
        return _install.run(params, self.host, check_mode, self.relabel)

    def _remove_pair_unless_named(self, check_mode: bool) -> Result:
        try:
            return self._remove_pair(check_mode)
        except HostError as problem:
            return {"changed": False, "diff": {"before": ""}}, (problem.message,)

    def _install(self) -> Result:
        params = self.request.settings.params(*_lineage.find_newest(self.layout, self.request.site))
        return _install.run(params, self.host, self.check_mode, self.relabel, self.folder)

    def _issue(self, want: _lineage.WantedLineage, again: bool) -> None:
        if not again:
            purge_lineage(self.host, self.layout, self.request.site)  # what is not whole would be in certbot's way
        problem = "" if want.standalone_port is not None else _ask_server(want)
        account = self.request.account
        completed = _certbot.run(self.host, _certbot.issue_command(want, account, again), account.settings())
        if completed.returncode != 0:
            raise self._refusal(completed, want.server, problem)
        left = _lineage.find_reasons(
            _lineage.observe(self.host, self.layout, self.request.site), want, int(time.time())
        )
        if left:
            raise HostError(f"certbot said it succeeded, but {'; '.join(left)}: {_certbot.tell(completed)}")

    def _wanted(self, hook: str) -> _lineage.WantedLineage:
        request = self.request
        name = self.layout.lineage(request.site)
        proof = (request.webroot, request.standalone_port)
        return _lineage.WantedLineage(
            name, request.names, request.key_type, request.server, *proof, hook, request.account.chosen
        )

    def _refusal(self, completed: Completed, server: str, problem: str = "") -> HostError:
        """Returns certbot's own words, and what is known here of why it said them."""
        told = f"'{' '.join(completed.argv)}' failed: {_certbot.tell(completed)}"
        known = (
            f"Seen from this host: {problem}" if problem else "",
            explain(self.host, self.layout, server, completed),
        )
        return HostError("\n".join([told, *filter(None, known)]))

    def _machinery(self) -> InstalledFiles:
        return InstalledFiles(self.host, self.layout, choose_timer(self.host), self.relabel)

    def _needs_webroot(self) -> bool:
        webroot = self.request.webroot
        if self.request.standalone_port is not None or os.path.isdir(webroot):
            return False
        if webroot != self.layout.webroot:
            raise HostError(f"webroot {webroot} does not exist: only {self.layout.webroot} is made here")
        return True

    def _make_webroot(self) -> None:
        if self._needs_webroot():
            make_folders(self.request.webroot)

    def _home(self) -> str:
        return os.path.join(str(self.request.settings.options["directory"]), self.request.site)

    def _needs_placeholder(self) -> bool:
        with open_folder(os.path.dirname(self._home())) as folder:
            return store.observe(folder, self.request.site).link is None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """A run that fails takes back what it made, which must not be what another has just found there."""
        if self.check_mode or self.request.state == "prepared":
            yield
            return
        folder = self.layout.own
        with hold_lock(folder, make=self.request.state == "present", patience=LOCK_PATIENCE):
            try:
                yield
            finally:
                remove_own_folders(folder, folder)  # which stays unless it is empty

    def _refuse_unusable(self) -> None:
        """In check mode a certbot that is missing may be what an earlier task would install."""
        if self.host.find("certbot") is not None or not self.check_mode:
            _certbot.refuse_unusable(self.host)

    def _warn_of_delay(self, now: _lineage.Lineage) -> Tuple[str, ...]:
        late = tell_late(self.host, self.layout, self.request.site, now, int(time.time()))
        return (late,) if late else ()

    def _warn_of_renewal(self) -> Tuple[str, ...]:
        if self.host.find("certbot") is None:
            return ("certbot is not installed on this host: install the distribution's package",)
        unit, on = find_certbot_timer(self.host)
        if on == "masked":
            return (
                f"{unit} is masked, so nothing renews the certificate: unmask it, or run 'certbot renew' twice a day",
            )
        if unit is None and on == "no":
            return ("nothing on this host runs 'certbot renew': have a timer run it twice a day",)
        given = _certbot.passed_on(os.environ)
        missing = given if unit is None else find_unknown(self.host, unit, given)
        told = f"certbot was given {', '.join(missing)} here, and is not when {unit or 'cron'} renews the certificate"
        return (f"{told}: set it there, or have the host trust the CA's server",) if missing else ()


def _ask_server(want: _lineage.WantedLineage) -> str:
    """Returns what is wrong with the web server's answer; a folder of somebody else's is for certbot to judge."""
    try:
        return wait_for_answer(want.webroot, want.names)
    except UserError as problem:
        return problem.message
    except OSError as problem:
        return f"{problem.filename}: {problem.strerror}"


def _show(lineage: Optional[_lineage.Lineage], files: Files) -> List[str]:
    lines = []
    if lineage is not None:
        leaf = lineage.certificate
        lines += [
            f"certificate: sha256:{leaf.fingerprint()} by {lineage.server}",
            f"names: {', '.join(leaf.names())}",
            f"key: {leaf.key.describe()}",
            f"expires: {show_time(leaf.not_after)}",
        ]
    for path, file in sorted(files.items()):
        if file is not None:
            lines.append(f"{path}: mode {file.access.mode:04o}, sha256:{hashlib.sha256(file.content).hexdigest()}")
    return lines


def _diff(header: str, before: List[str], after: List[str]) -> Dict[str, str]:
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(line + "\n" for line in before),
        "after": "".join(line + "\n" for line in after),
    }

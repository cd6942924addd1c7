# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys a key pair: installs, tests the configuration, reloads, proves what is served, rolls back on failure."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import Callable, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import (
    UNKNOWN,
    YES,
    DeploymentOutcome,
    DeploymentState,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.request import (
    CertificateRequest,
    choose_server_name,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.take_back import take_back, tell_unproved
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, naming
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock, open_below, open_folder
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._tls import served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, is_proved
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Serving,
    WantedPair,
    WebServer,
    tell_failure,
)

DEFAULT_ADDRESS, DEFAULT_PORT = "127.0.0.1", 443
LOCK_PATIENCE = 60.0  # seconds, beside what another run may spend on its proofs


class _RefusedError(HostError):
    """The service does not take the pair up; ``reloaded`` tells whether it may have begun to."""

    def __init__(self, message: str, reloaded: bool) -> None:
        super().__init__(message)
        self.reloaded = reloaded


@dataclass(frozen=True)
class Deployment:
    """One site's pair on its way to being served. ``relabel`` is called with every path that was made."""

    request: CertificateRequest
    pair: KeyPair
    want: store.Generation
    service: WebServer
    relabel: Callable[[str], None]

    def check(self) -> Tuple[DeploymentState, DeploymentOutcome]:
        """Returns how the site stands and what deploy() would do; only looks; raises HostError as deploy() would."""
        with naming(site_path(self.request)), open_folder(self.request.directory) as folder:
            if folder is None:
                self._refuse_missing_parent()
            situation = self._observe(folder)
        if not situation.needs_reload():
            return situation, _limit(situation, situation.outcome())
        commands = tuple(command for command in (self.service.test_command, self.service.reload_command) if command)
        served = YES if self.request.prove else UNKNOWN
        return situation, _limit(situation, DeploymentOutcome(True, served, looks=situation.looks, commands=commands))

    def deploy(self) -> Tuple[DeploymentState, DeploymentOutcome]:
        """Installs the pair and has it served, or leaves everything as it was; raises HostError.

        Returns how the site stood before, and the outcome.
        """
        existed = os.path.isdir(self.request.directory)
        patience = LOCK_PATIENCE + 2 * self.request.prove_timeout
        with naming(site_path(self.request)), hold_lock(self.request.directory, make=True, patience=patience) as folder:
            if folder is None:
                raise HostError(f"{self.request.directory} was removed by somebody else during this run; run again")
            try:
                situation = self._observe(folder)
                outcome = situation.outcome() if situation.is_done() else self._install(folder, situation)
                return situation, _limit(situation, outcome)
            finally:
                # Nothing stays of what failed; a directory that holds something is not removed by rmdir.
                with contextlib.suppress(OSError):
                    os.rmdir(self.request.site, dir_fd=folder)
                if not existed:
                    with contextlib.suppress(OSError):
                        os.rmdir(self.request.directory)

    def _observe(self, folder: Optional[int]) -> DeploymentState:
        have = store.observe(folder, self.request.site)
        (serving,) = self.service.observe(self._wanted())
        leaf = self.pair.leaf
        if leaf.must_staple and serving.staples is False:
            raise HostError(
                "the certificate demands OCSP stapling (must-staple, RFC 7633), and the service is not set up for that "
                "on this site, so clients such as Firefox would refuse it: set stapling up first, or have the "
                "certificate issued again without the demand"
            )
        places = self._places(serving) if self.request.prove else ()
        looks = tuple(served_certificate.fetch(place, leaf.fingerprint(), leaf.key.kind) for place in places)
        own = tuple(
            served_certificate.fetch(place, leaf.fingerprint(), leaf.key.kind)
            for place in served_certificate.find_own(places)
        )
        return DeploymentState(have, self.want, leaf.fingerprint(), serving, looks, self.request.prove, own)

    def _install(self, folder: int, situation: DeploymentState) -> DeploymentOutcome:
        path = site_path(self.request)
        with open_below(folder, self.request.site, make=True) as home:
            site = store.SiteFolder(home, path, self.relabel)
            step = site.exchange(self.want)
            if not situation.needs_reload():
                outcome = situation.outcome()
            else:
                outcome = self._serve(situation, step)
            try:
                site.prune(self.request.keep)
            except OSError as problem:
                told = f"a former pair in {path} could not be removed: {problem.strerror}"
                return replace(outcome, warnings=(*outcome.warnings, told))
            return outcome

    def _serve(self, situation: DeploymentState, step: store.Exchange) -> DeploymentOutcome:
        """Returns the outcome of having the pair served; raises HostError once it is taken back where that fails."""
        reloaded = True
        try:
            return self._take_up(situation)
        except _RefusedError as refusal:
            why, reloaded = refusal.message, refusal.reloaded
        except HostError as problem:
            why = problem.message
        except OSError as problem:
            why = problem.strerror or str(problem)
        taken_back = take_back(self.service, site_path(self.request), situation, step, reloaded, self._seconds())
        raise HostError(f"{why}; {taken_back}")

    def _take_up(self, situation: DeploymentState) -> DeploymentOutcome:
        tested = self.service.test()
        if tested.returncode != 0:
            if situation.may_serve_previous() or site_path(self.request) + "/" in tested.words():
                raise _RefusedError(tell_failure(tested), reloaded=False)
            # Another part of the configuration is broken, perhaps for want of another site's pair that comes next.
            why = "the service cannot be reloaded before its configuration is mended"
            return situation.outcome((tell_failure(tested),), why)
        reloaded = self.service.reload()
        if reloaded.returncode != 0:  # which a command may say after it has reloaded
            raise _RefusedError(tell_failure(reloaded), reloaded=True)
        commands = tuple(ended.argv for ended in (tested, reloaded) if ended.argv)
        if not self.request.prove:
            return DeploymentOutcome(True, UNKNOWN, "prove is false", commands=commands)
        leaf, places = self.pair.leaf, self._places(situation.serving)
        looks = served_certificate.look_until(places, leaf.fingerprint(), leaf.key.kind, self._seconds())
        if is_proved(looks, leaf.fingerprint()):
            return DeploymentOutcome(True, YES, "", looks, commands)
        raise _RefusedError(tell_unproved(looks, situation, leaf.key.kind, self._seconds()), reloaded=True)

    def _seconds(self) -> int:
        return self.request.prove_timeout

    def _places(self, serving: Serving) -> Tuple[Endpoint, ...]:
        return find_places(self.request, serving, choose_server_name(self.pair, self.request))

    def _wanted(self) -> WantedPair:
        name = choose_server_name(self.pair, self.request)
        return WantedPair(site_path(self.request), name, self.pair.leaf.dns_names)

    def _refuse_missing_parent(self) -> None:
        above = os.path.dirname(self.request.directory)
        if not os.path.isdir(above):  # which was walked to already, as far as it is there
            raise HostError(f"{above} does not exist: make it first, only {self.request.directory} itself is made")


def remove(request: CertificateRequest, service: WebServer, check_mode: bool) -> DeploymentOutcome:
    """Removes all of a site's pairs, and the directories where they hold nothing else; raises HostError.

    Refuses while the service's configuration names them: it would not pass its test again.
    """
    with naming(site_path(request)), hold_lock(request.directory, make=False, patience=LOCK_PATIENCE) as folder:
        if folder is None or not store.is_there(folder, request.site):
            return DeploymentOutcome(False, UNKNOWN)
        (serving,) = service.observe(WantedPair(site_path(request), request.site, ()))
        if serving.named:
            raise HostError(
                f"{site_path(request)} is still named in the service's configuration, which would not pass its test "
                "without it: remove the site there first"
            )
        if check_mode:
            return DeploymentOutcome(True, UNKNOWN)
        with open_below(folder, request.site) as home:
            site = store.SiteFolder(home, site_path(request), lambda _path: None)
            link = site.link()
            site.point(None)
            if serving.running:
                tested = service.test()
                if tested.returncode != 0 and site_path(request) + "/" in tested.words():
                    site.point(link)
                    raise HostError(f"{tell_failure(tested)}; the pair is back in place")
            rest = site.clear()
        with contextlib.suppress(OSError):
            os.rmdir(request.site, dir_fd=folder)
            os.rmdir(request.directory)
    warnings = (f"{site_path(request)} stays: it holds {', '.join(rest)}, which was not made here",) if rest else ()
    return DeploymentOutcome(True, UNKNOWN, warnings=warnings)


def _limit(situation: DeploymentState, outcome: DeploymentOutcome) -> DeploymentOutcome:
    """Returns the outcome with what ``served`` does not promise: where no look of this host's could see."""
    unproved = situation.serving.unproved if outcome.served == YES else ()
    return replace(outcome, warnings=(*outcome.warnings, *unproved))


def site_path(request: CertificateRequest) -> str:
    """Returns the directory of a site, without a final slash."""
    return os.path.join(request.directory, request.site)


def find_places(request: CertificateRequest, serving: Serving, name: str) -> Tuple[Endpoint, ...]:
    """Returns where to ask for a site, by ``name``: where the request says, else where the service serves it."""
    port, address = request.prove_port, request.prove_address
    if address is not None:
        return (Endpoint(address, port or DEFAULT_PORT, name),)
    places = tuple(place for place in serving.places if port in (None, place.port))
    return places or (Endpoint(DEFAULT_ADDRESS, port or DEFAULT_PORT, name),)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes a host's web server: its files, build, process and ports; starts and stops it."""

from __future__ import annotations

import os
import pwd
import time
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import service as _service
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.listeners import list_listeners
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._sites.files import PlannedFiles
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._sites.system import observe_system
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ServiceControl,
    WantedPair,
    WebServer,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import choose_service
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ConfigFile,
    SiteConfiguration,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import SiteLanguage

_STARTING = 5.0  # seconds; a manager may be done before the server has written who it is
_NOTHING = SiteConfiguration(())
_NOBODY = WantedPair("/nowhere", "", ())  # asked about to learn whether the server runs


class MissingServerError(Exception):
    """The web server is not installed; ``layout`` says which packages bring it."""

    def __init__(self, layout: SiteLayout) -> None:
        super().__init__(layout)
        self.layout = layout


@dataclass(frozen=True)
class ServerState:
    """What was observed of a web server: ``others`` is its configuration without ours, ``own`` the sites of ours.

    ``control`` acts on it as it was then; ``service`` can be observed again.
    """

    language: SiteLanguage
    layout: SiteLayout
    build: Build
    service: WebServer
    control: ServiceControl
    running: bool
    enabled: bool
    own: Dict[str, Tuple[ConfigFile, ...]]
    others: SiteConfiguration


def find_layout(host: Host, request: SitesRequest) -> Tuple[SiteLanguage, SiteLayout]:
    """Returns the language of the request's server and where the host has it; raises HostError where it is not known.

    What the request says of folder, file, packages and service comes before what the system has.
    """
    language = LANGUAGES[request.server]()
    system = observe_system(host, language.looked_at)
    layout = language.find_layout(system)
    if layout is None:
        raise HostError(
            f"{language.title} is not managed on {system.family}: choose another server, or install the certificate "
            "alone with port443.https.certificate and service: none"
        )
    if request.directory:
        layout = replace(layout, written_to=request.directory, linked_from="", include_in="")
    if request.config:
        config = request.config
        layout = replace(layout, block_in=config) if layout.block_in else replace(layout, main=config)
    return language, replace(
        layout, packages=request.packages or layout.packages, service=request.service or layout.service
    )


def observe_server(host: Host, request: SitesRequest) -> ServerState:
    """Returns how the web server is; changes nothing; raises HostError, or MissingServerError where it is not there."""
    language, layout = find_layout(host, request)
    build = _observe_build(host, language, layout)
    if build is None:
        if request.state == "present":
            raise MissingServerError(replace(layout, install=_find_installer(layout)))
        build = Build(())
    files = PlannedFiles(host)
    own = language.own_files(files, layout)
    bare = language.render((), tuple(own), request.settings, build, layout, _NOTHING, files)
    others = language.read(PlannedFiles(host, bare), layout)
    service = choose_service(host, request.server, request.config or None, (), ())
    found = service.observe(_NOBODY)
    running = found.servings[0].running
    if not running:
        _refuse_unreachable(host, request, language, found.servings[0].reason)
    commands = _service.find_commands(host, layout.service)
    enabled = commands is None or _service.is_enabled(host, layout.service, commands)
    return ServerState(language, layout, build, service, found.control, running, enabled, own, others)


def _find_installer(layout: SiteLayout) -> Tuple[str, ...]:
    """Returns the command that installs packages, empty for the module package; raises HostError without Homebrew.

    brew installs for its owner alone, not for root.
    """
    if not layout.install or not layout.install[0].endswith("/brew"):
        return layout.install
    try:
        owner = pwd.getpwuid(os.stat(layout.install[0]).st_uid).pw_name
    except (OSError, KeyError):
        raise HostError(
            "a web server of macOS comes from Homebrew, which is neither in /opt/homebrew nor in /usr/local: install "
            "that first, see https://brew.sh"
        ) from None
    return ("sudo", "-u", owner, "-H", *layout.install)


def start(host: Runner, state: ServerState) -> List[Tuple[str, ...]]:
    """Starts the server now and at every boot, as far as it is not; returns the commands; raises HostError."""
    told = _tell_manager(host, state)
    deadline = time.monotonic() + _STARTING
    (serving,) = state.service.observe(_NOBODY).servings
    while not serving.running and time.monotonic() < deadline:
        time.sleep(0.1)
        (serving,) = state.service.observe(_NOBODY).servings
    if not serving.running:
        raise HostError(f"{' '.join(told[-1])} was told, but {serving.reason or 'it does not run'}")
    return told


def _tell_manager(host: Runner, state: ServerState) -> List[Tuple[str, ...]]:
    if state.layout.start:
        _service.tell(host, state.layout.start)
        return [state.layout.start]
    commands = _service.find_commands(host, state.layout.service)
    if commands is None:
        raise HostError(f"this host has no service manager that is known: start {state.language.title} by hand")
    told = [commands.enable] if not state.enabled else []
    told += [commands.start] if not state.running else []
    for command in filter(None, told):
        _service.tell(host, command)
    return [command for command in told if command]


def stop(host: Runner, state: ServerState) -> str:
    """Undoes ``start``; returns what was against it, empty if nothing was."""
    commands = _service.find_commands(host, state.layout.service)
    if commands is None or state.layout.start:
        return ""
    told = [commands.stop] if not state.running else []
    told += [commands.disable] if not state.enabled else []
    try:
        for command in told:
            _service.tell(host, command)
    except HostError as problem:
        return problem.message
    return ""


def refuse_taken_ports(host: Files, request: SitesRequest, state: ServerState) -> None:
    """Raises HostError where another program has a port that the sites need.

    A server that cannot have a port keeps what it ran, or ends, at a reload or at the next boot.
    """
    ports = (request.settings.http_port, request.settings.port)
    others = [
        listener
        for listener in list_listeners(host, ports)
        if not set(listener.processes) & set(state.language.processes) and (listener.processes or not state.running)
    ]
    if others:
        raise HostError(
            f"another program has a port that {state.language.title} needs, {ports[0]} or {ports[1]}: stop it for "
            f"good, or choose other ports by http_port and port. Who listens: {', '.join(map(str, others))}"
        )


def _observe_build(host: Runner, language: SiteLanguage, layout: SiteLayout) -> Optional[Build]:
    if host.find(layout.program) is None:
        return None
    said = []
    for command in language.look_commands(layout):
        if host.find(command[0]) is not None:
            ended = host.run(command)
            said += [ended.out, ended.err]
    build = language.read_build("\n".join(said))
    if build is None:
        words = " ".join("".join(said).split())[:300]
        raise HostError(f"'{layout.program}' does not say which release of {language.title} it is: {words}")
    return build


def _refuse_unreachable(host: Files, request: SitesRequest, language: SiteLanguage, reason: str) -> None:
    """Raises HostError where a server that is said not to run has a port: it does, and nobody could reload it."""
    ports = (request.settings.http_port, request.settings.port)
    held = [one for one in list_listeners(host, ports) if set(one.processes) & set(language.processes)]
    if held:
        raise HostError(f"{reason or language.title + ' is not running'}; but there is {held[0]}")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs the files by which a host renews without a controller: program, timer, settings of each site."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.atomic import remove_entry, replace_file
from ansible_collections.port443.https.plugins.module_utils._host.directory import (
    Access,
    File,
    open_folder,
    read_file,
)
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._renewal import application, zipapp
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import (
    RenewalPaths,
    SiteSettings,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.timer import Timer, find_certbot_timer, run_all
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Command

FilesByPath = Mapping[str, Optional[File]]


@dataclass(frozen=True)
class InstalledFiles:
    """What there is on a host for all sites together; ``relabel`` is called with every path that was made."""

    host: Host
    layout: RenewalPaths
    timer: Timer
    relabel: Callable[[str], None]

    def want(self, interpreter: str) -> FilesByPath:
        """Returns the files that all sites share, by path; the last of them only where certbot's timer is not on."""
        program = zipapp.build(application.__name__, application.main.__name__, interpreter, application.KEPT)
        units = self.timer.files(_certbot.hook_command(interpreter, self.layout.program))
        unit, on = find_certbot_timer(self.host)
        enabled = self.host.read(self.layout.enabled_timer())
        if enabled is None and unit is not None and on == "no":
            enabled = unit.encode("ascii")
        return {
            self.layout.program: _own(program, 0o755),
            **{path: _own(content, 0o644) for path, content in units.items()},
            **({self.layout.enabled_timer(): _own(enabled, 0o600)} if enabled is not None else {}),
        }

    def want_settings(self, settings: SiteSettings) -> FilesByPath:
        """Returns the file that a site needs for itself, by path."""
        return {self.layout.settings_of(settings.site): _own(settings.to_bytes(), 0o600)}

    def have(self, paths: Tuple[str, ...]) -> FilesByPath:
        """Returns these files as they are, None for one that is not there; raises HostError or OSError."""
        found: Dict[str, Optional[File]] = {}
        for path in paths:
            with open_folder(os.path.dirname(path)) as folder:
                found[path] = None if folder is None else read_file(folder, os.path.basename(path))
                if found[path] is None and os.path.lexists(path):
                    raise HostError(f"{path} is a link or no regular file: remove it, it is where a file of ours goes")
        return found

    def start_commands(self) -> Tuple[Command, ...]:
        """Returns what has to be run so that both clocks run, ours and certbot's; only looks."""
        unit, on = find_certbot_timer(self.host)
        if unit is None or on not in ("idle", "no"):
            return self.timer.start_commands()
        certbot = ("systemctl", "start", unit) if on == "idle" else ("systemctl", "enable", "--now", unit)
        return (*self.timer.start_commands(), certbot)

    @contextlib.contextmanager
    def installed(
        self, have: FilesByPath, want: FilesByPath, is_needed: Optional[Callable[[], bool]] = None
    ) -> Iterator[None]:
        """Makes the files the wanted ones for good, or as they were if what is done meanwhile fails.

        Where ``is_needed`` is given, that says in the end whether they stay, however it came to that.
        """
        succeeded = False
        try:
            self.write(have, want)
            yield
            succeeded = True
        finally:
            if not (succeeded if is_needed is None else is_needed()):
                with contextlib.suppress(HostError, OSError):
                    self.write(want, have)

    def start(self) -> None:
        """Has both clocks run, ours and certbot's; raises HostError."""
        run_all(self.host, self.start_commands())

    def write(self, before: FilesByPath, after: FilesByPath) -> None:
        """Replaces, makes or removes each file that differs, and the folders of our own around it."""
        changed = [path for path in after if after[path] != before.get(path)]
        units = [path for path in changed if path in self.timer.files("")]
        if any(after[path] is None for path in units):
            run_all(self.host, self.timer.stop_commands())
        if self.layout.enabled_timer() in changed and after[self.layout.enabled_timer()] is None:
            unit = self.host.read(self.layout.enabled_timer()) or b""
            run_all(self.host, (("systemctl", "disable", "--now", unit.decode("ascii", "replace")),))
        for path in changed:
            self._put(path, after[path])
        if units:
            run_all(self.host, self.timer.reload_commands())

    def find_shared(self) -> FilesByPath:
        """Returns what is there of the files that all sites share, for the last site to take along."""
        return self._there((self.layout.program, *self.timer.files(""), self.layout.enabled_timer()))

    def find_settings(self, site: str) -> FilesByPath:
        """Returns what is there of the file that a site has for itself."""
        return self._there((self.layout.settings_of(site),))

    def _there(self, paths: Tuple[str, ...]) -> FilesByPath:
        return {path: file for path, file in self.have(paths).items() if file is not None}

    def _put(self, path: str, file: Optional[File]) -> None:
        folder, name = os.path.split(path)
        if file is None:
            with open_folder(folder) as opened:
                if opened is not None:
                    remove_entry(opened, name)
            remove_own_folders(folder, self.layout.own)
            return
        make_folders(folder)
        with open_folder(folder) as opened:
            if opened is None:
                raise HostError(f"{folder} was removed by somebody else during this run; run again")
            replace_file(opened, name, file.content, file.access.give_to)
        self.relabel(path)


def make_folders(path: str) -> None:
    """Makes a folder and those above it, readable to all and root's; raises HostError as open_folder does."""
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        here = "/" + "/".join(parts[:depth])
        if not os.path.isdir(here):
            with open_folder(here, make=True):
                pass


def remove_own_folders(path: str, top: str) -> None:
    """Removes a folder and those above it as long as they are empty, up to ``top``; none that is not below that."""
    while path == top or path.startswith(top + "/"):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError:
            return
        path = os.path.dirname(path)


def holds_no_file(path: str) -> bool:
    """Tells whether a path is a folder with nothing in it but folders."""
    return os.path.isdir(path) and not any(files for _folder, _folders, files in os.walk(path))


def _own(content: bytes, mode: int) -> File:
    return File(content, Access(os.geteuid(), os.getegid(), mode & 0o777))

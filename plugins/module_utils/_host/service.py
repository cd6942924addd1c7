# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts a service now and at every boot, with the service manager that a host has: systemd, OpenRC, rc, rcctl."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed, Runner

Command = Tuple[str, ...]


@dataclass(frozen=True)
class ServiceCommands:
    """How one manager is told about one service; an empty command is one that it does not need.

    ``is_enabled`` succeeds where the service starts at every boot.
    """

    start: Command
    stop: Command
    is_enabled: Command
    enable: Command
    disable: Command


def find_commands(host: Runner, service: str) -> Optional[ServiceCommands]:
    """Returns the commands of the host's service manager; None where it has none that is known."""
    if host.system() == "FreeBSD":
        return ServiceCommands(
            ("service", service, "onestart"),
            ("service", service, "onestop"),
            ("service", service, "enabled"),
            ("sysrc", f"{service}_enable=YES"),
            ("sysrc", "-x", f"{service}_enable"),
        )
    if host.system() == "OpenBSD":
        return ServiceCommands(
            ("rcctl", "-f", "start", service),
            ("rcctl", "-f", "stop", service),
            ("rcctl", "get", service, "status"),
            ("rcctl", "set", service, "status", "on"),
            ("rcctl", "set", service, "status", "off"),
        )
    # launchd has no names of services: what Homebrew has is started by a command of its own.
    return _find_commands_of_linux(host, service) if host.system() == "Linux" else None


def _find_commands_of_linux(host: Runner, service: str) -> Optional[ServiceCommands]:
    if os.path.isdir("/run/systemd/system"):
        told = {word: ("systemctl", word, service) for word in ("start", "stop", "is-enabled", "enable", "disable")}
        return ServiceCommands(told["start"], told["stop"], told["is-enabled"], told["enable"], told["disable"])
    if host.find("rc-service"):
        return ServiceCommands(
            ("rc-service", service, "start"),
            ("rc-service", service, "stop"),
            ("rc-update", "-q", "show", "default"),
            ("rc-update", "add", service, "default"),
            ("rc-update", "del", service, "default"),
        )
    if host.find("service"):
        return ServiceCommands(("service", service, "start"), ("service", service, "stop"), (), (), ())
    return None


def is_enabled(host: Runner, service: str, commands: ServiceCommands) -> bool:
    """Tells whether a service starts at every boot; what nobody can tell counts as yes."""
    if not commands.is_enabled:
        return True
    asked = host.run(commands.is_enabled)
    if commands.is_enabled[0] == "rc-update":
        return any(line.split("|")[0].strip() == service for line in asked.out.splitlines())
    if commands.is_enabled[0] == "systemctl":
        # A unit that others pull in, or that an administrator masked, is not for enabling; of one it does not know it
        # says so elsewhere, as it does where it cannot be asked: starting that will tell.
        return asked.out.strip() != "disabled"
    return asked.returncode == 0


def tell(host: Runner, command: Command) -> Completed:
    """Runs one of the commands, none if it is empty; raises HostError with the manager's own words if that fails."""
    if not command:
        return Completed((), 0, "", "")
    ended = host.run(command)
    if ended.returncode != 0:
        raise HostError(f"'{' '.join(command)}' failed: {ended.words()}")
    return ended

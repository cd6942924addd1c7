# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Timers of systemd and cron: our own look at what is served, and certbot's renewal."""

from __future__ import annotations

import os
import re
from typing import Dict, Mapping, Optional, Protocol, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Command, tell_failure

UNIT = "port443-renewal"
# What distributions call the timer that runs `certbot renew`: Debian's and SUSE's, Fedora's and Arch's, the snap's.
CERTBOT_TIMERS = ("certbot.timer", "certbot-renew.timer", "snap.certbot.renew.timer")
CRON_TABLE = "/etc/cron.d/certbot"
_ARGUMENTS = re.compile(r"\bargv\[\]=(.*?) ; ")  # systemctl show, of each ExecStart=
_SERVICE = """[Unit]
Description=Install renewed certificates that are not served yet
Documentation=https://github.com/port443/https
After=network.target

[Service]
Type=oneshot
ExecStart={command}
"""
_TIMER = """[Unit]
Description=Look every hour whether the newest certificates are served
Documentation=https://github.com/port443/https

[Timer]
OnCalendar=hourly
RandomizedDelaySec=15min

[Install]
WantedBy=timers.target
"""
_CRON = """# Installs renewed certificates that are not served yet; of the module port443.https.certbot_certificate.
{minute} * * * * root {command}
"""
_MINUTE = 37


class Timer(Protocol):
    """What runs our program again and again; its files are written and removed by others."""

    def files(self, command: str) -> Mapping[str, bytes]:
        """Returns the files that it consists of, by path, to run a command."""

    def start_commands(self) -> Tuple[Command, ...]:
        """Returns what has to be run to have it, empty if it is there already; only looks."""

    def stop_commands(self) -> Tuple[Command, ...]:
        """Returns what has to be run before its files are removed; only looks."""

    def reload_commands(self) -> Tuple[Command, ...]:
        """Returns what has to be run after its files changed."""


class Systemd:
    """A timer of systemd."""

    def __init__(self, host: Runner, folder: str = "/etc/systemd/system") -> None:
        self._host = host
        self._folder = folder

    def files(self, command: str) -> Mapping[str, bytes]:
        """Returns the two units."""
        units = {"service": _SERVICE.format(command=command), "timer": _TIMER}
        return {os.path.join(self._folder, f"{UNIT}.{kind}"): text.encode("ascii") for kind, text in units.items()}

    def start_commands(self) -> Tuple[Command, ...]:
        """Returns the command that enables and starts the timer, where it is not both."""
        return () if is_on(self._host, f"{UNIT}.timer") else (("systemctl", "enable", "--now", f"{UNIT}.timer"),)

    def stop_commands(self) -> Tuple[Command, ...]:
        """Returns the command that stops and disables the timer, where systemd knows it."""
        if _show(self._host, f"{UNIT}.timer").get("LoadState") != "loaded":
            return ()
        return (("systemctl", "disable", "--now", f"{UNIT}.timer"),)

    def reload_commands(self) -> Tuple[Command, ...]:
        """Returns the command that has systemd read its units."""
        return (("systemctl", "daemon-reload"),)


class _Untold:
    """What needs no command to know of its files."""

    def start_commands(self) -> Tuple[Command, ...]:
        """Returns nothing."""
        return ()

    def stop_commands(self) -> Tuple[Command, ...]:
        """Returns nothing."""
        return ()

    def reload_commands(self) -> Tuple[Command, ...]:
        """Returns nothing."""
        return ()


class Cron(_Untold):
    """A table of cron's, for hosts without systemd."""

    def __init__(self, folder: str = "/etc/cron.d") -> None:
        self._folder = folder

    def files(self, command: str) -> Mapping[str, bytes]:
        """Returns the table, which cron takes up by itself."""
        return {os.path.join(self._folder, UNIT): _CRON.format(minute=_MINUTE, command=command).encode("ascii")}


class NoTimer(_Untold):
    """A host on which nothing starts anything by the clock, so nothing can be left to it."""

    def files(self, command: str) -> Mapping[str, bytes]:
        """Returns none where there is nothing to remove; raises HostError where a command is to be run."""
        if command:
            raise HostError(
                "nothing on this host starts things by the clock: neither systemd nor a cron with /etc/cron.d"
            )
        return {}


def choose_timer(host: Runner) -> Timer:
    """Returns what this host runs things with by the clock."""
    if os.path.isdir("/run/systemd/system"):
        return Systemd(host)
    cron = Cron()
    has_table = any(os.path.exists(path) for path in cron.files(""))  # a cron that is gone may have left it
    if has_table or (os.path.isdir("/etc/cron.d") and any(host.find(name) for name in ("cron", "crond"))):
        return cron
    return NoTimer()


def find_certbot_timer(host: Runner) -> Tuple[Optional[str], str]:
    """Returns the unit that runs ``certbot renew`` (None for none) and whether it is on: 'yes', 'idle', 'no', 'masked'.

    Idle is one that starts at the next boot and does not run now. A masked one is the administrator's own will.
    """
    masked = None
    if not os.path.isdir("/run/systemd/system"):
        return None, "yes" if os.path.exists(CRON_TABLE) else "no"
    for unit in CERTBOT_TIMERS:
        shown = _show(host, unit)
        if shown.get("LoadState") == "masked":
            masked = unit
        if shown.get("LoadState") == "loaded":
            idle = "yes" if shown.get("ActiveState") == "active" else "idle"
            return unit, idle if shown.get("UnitFileState") == "enabled" else "no"
    return masked, "masked" if masked else "no"


def find_unknown(host: Runner, timer: str, variables: Tuple[str, ...]) -> Tuple[str, ...]:
    """Returns those variables that the service of a timer does not set; only looks."""
    shown = host.run(("systemctl", "show", "--property=Environment", timer.rpartition(".")[0] + ".service"))
    words = shown.out.strip().partition("=")[2].split()
    return tuple(name for name in variables if not any(word.startswith(name + "=") for word in words))


def find_commands(host: Host) -> Tuple[Tuple[str, Tuple[str, ...]], ...]:
    """Returns the commands that renew certificates by the clock, as words, each with where it stands; only looks.

    With systemd that is what the unit says with all its drop-ins, else Debian's table of cron.
    """
    if not os.path.isdir("/run/systemd/system"):
        table = (host.read(CRON_TABLE) or b"").decode("utf-8", "replace")
        lines = [line for line in table.splitlines() if not line.lstrip().startswith("#")]
        calls = [call.split() for line in lines for call in re.split(r"&&|\|\||[;|]", line)]
        return tuple((CRON_TABLE, tuple(words)) for words in calls if "renew" in words)
    unit, _on = find_certbot_timer(host)
    return () if unit is None else read_commands(host, unit.rpartition(".")[0] + ".service")


def read_commands(host: Runner, service: str) -> Tuple[Tuple[str, Tuple[str, ...]], ...]:
    """Returns the commands of a unit of systemd that renew certificates, each with the unit; raises HostError."""
    shown = host.run(("systemctl", "show", "--property=ExecStart", service))
    if shown.returncode != 0:
        raise HostError(f"systemd does not tell what {service} runs: {tell_failure(shown)}")
    commands = [found.split() for found in _ARGUMENTS.findall(shown.out)]
    return tuple((service, tuple(words)) for words in commands if "renew" in words)


def is_on(host: Runner, unit: str) -> bool:
    """Tells whether systemd starts a timer at every boot, and has it running now."""
    shown = _show(host, unit)
    return shown.get("UnitFileState") == "enabled" and shown.get("ActiveState") == "active"


def run_all(host: Runner, commands: Tuple[Command, ...]) -> None:
    """Runs commands in order; raises HostError, with its own words, at the first that fails."""
    for command in commands:
        completed = host.run(command)
        if completed.returncode != 0:
            raise HostError(tell_failure(completed))


def _show(host: Runner, unit: str) -> Dict[str, str]:
    shown = host.run(("systemctl", "show", "--property=LoadState,UnitFileState,ActiveState", unit))
    said = dict(line.partition("=")[::2] for line in shown.out.splitlines())
    if not said.get("LoadState"):  # of a unit that is not there it says not-found
        raise HostError(f"systemd does not tell what is with {unit}: {tell_failure(shown)}")
    return said

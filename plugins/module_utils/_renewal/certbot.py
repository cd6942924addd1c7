# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the distribution's certbot, one command after another with certbot's own timer.

Tried with certbot 1.12 (Debian 11), 2.1 (Debian 12) and 4.0 (Debian 13).
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from typing import Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import (
    COMMAND_ENVIRONMENT,
    Completed,
    Runner,
    execute,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import KEY_TYPES, WantedLineage
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Command

OLDEST = (1, 12)
TIMEOUT = 600.0  # seconds: a CA looks at every name from several places, and certbot waits for it
BUSY = "Another instance of Certbot is already running"
BUSY_PATIENCE, BUSY_PAUSE = 300.0, 2.0  # seconds
REVOKED = "alreadyRevoked"
# What leads certbot through a proxy, or to a CA's server whose certificate is of a CA of one's own.
ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
# certbot says these whatever happens.
_IDLE = ("Saving debug log to", "Ask for help or search", "See the logfile", "Plugins selected:", "Hint: The")


@dataclass(frozen=True)
class Account:
    """Whom the CA takes certbot for: where it may write to, and what binds it to an account there (RFC 8555, 7.3.4).

    ``chosen`` is certbot's own name of an account that it has, empty where it has one or none.
    """

    email: str = ""
    key_id: str = ""
    mac_key: str = field(default="", repr=False)
    chosen: str = ""

    def settings(self) -> str:
        """Returns the secret part in the form of certbot's configuration, empty if there is none."""
        return f"eab-kid = {self.key_id}\neab-hmac-key = {self.mac_key}\n" if self.key_id else ""


def issue_command(want: WantedLineage, account: Account, again: bool) -> Command:
    """Returns the command that gets a certificate; ``again`` replaces one that certbot has under that name.

    It reads the account's settings from where it is started: arguments are for everybody on the host to see.
    """
    known_as: Command = ("--register-unsafely-without-email",)
    if account.email:
        known_as = ("--email", account.email, "--no-eff-email")
    if account.chosen:
        known_as += ("--account", account.chosen)
    if account.settings():
        known_as += ("--config", "/dev/stdin")
    if want.standalone_port is None:
        proof: Command = ("--webroot", "--webroot-path", want.webroot)
    else:
        proof = ("--standalone", "--http-01-port", str(want.standalone_port), "--http-01-address", "127.0.0.1")
    return (
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *known_as, "--server", want.server),
        *("--cert-name", want.name, "--preferred-challenges", "http-01", *proof),
        *KEY_TYPES[want.key_type][1],
        *("--deploy-hook", want.hook),
        *(("--force-renewal", "--renew-with-new-domains") if again else ()),
        *(word for name in want.names for word in ("--domain", name)),
    )


def revoke_command(name: str, server: str, account: str, reason: str) -> Command:
    """Returns the command that revokes the newest certificate of a name and leaves its files."""
    command: Command = ("certbot", "revoke", "--non-interactive", "--cert-name", name, "--server", server)
    if account:
        command += ("--account", account)
    return (*command, "--reason", reason, "--no-delete-after-revoke")


def delete_command(name: str) -> Command:
    """Returns the command that lets certbot forget a name and remove its files."""
    return ("certbot", "delete", "--non-interactive", "--cert-name", name)


def refuse_unusable(host: Runner) -> None:
    """Raises HostError where certbot is not installed, or too old to be told what kind of key to make."""
    version = read_version(host)
    if version and version < OLDEST:
        found, oldest = (".".join(map(str, one)) for one in (version, OLDEST))
        raise HostError(f"certbot {found} of this host is too old: {oldest} or newer is needed")


def read_version(host: Runner) -> Tuple[int, ...]:
    """Returns certbot's version, its first two numbers, none where it words it in another way; raises HostError."""
    told = _run_once(host, ("certbot", "--version"), "")
    found = re.search(r"\bcertbot ([0-9]+)\.([0-9]+)", told.out + told.err)
    if told.returncode or not (told.out + told.err).strip():
        raise HostError(f"'certbot --version' of this host does not tell a version, it said: {tell(told)}")
    return tuple(map(int, found.groups())) if found else ()


def passed_on(environ: Mapping[str, str]) -> Tuple[str, ...]:
    """Returns the names of the variables that certbot is given."""
    return tuple(name for wanted in ENVIRONMENT for name in (wanted, wanted.lower()) if name in environ)


def run(host: Runner, command: Command, settings: str = "") -> Completed:
    """Runs certbot and returns what it said; waits while another one runs; raises HostError if it cannot be run."""
    deadline = time.monotonic() + BUSY_PATIENCE
    while True:
        completed = _run_once(host, command, settings)
        if BUSY not in completed.out + completed.err or time.monotonic() > deadline:
            return completed
        time.sleep(BUSY_PAUSE)


def tell(completed: Completed) -> str:
    """Returns what certbot said that is worth telling, its two streams together."""
    lines = [line.strip() for line in (completed.out + "\n" + completed.err).splitlines()]
    told = [line for line in lines if line.strip(" -") and not line.startswith(_IDLE)]
    return "\n".join(told)[-2000:] or "no output"


def _run_once(host: Runner, command: Command, settings: str) -> Completed:
    path = host.find(command[0])
    if path is None:
        raise HostError("certbot is not installed on this host: install the distribution's package")
    environment = {**COMMAND_ENVIRONMENT, "HOME": "/root"}  # Layout.home
    environment.update((name, os.environ[name]) for name in passed_on(os.environ))
    source = _open_settings(settings)
    try:
        ended = execute((path, *command[1:]), environment, TIMEOUT, stdin=source)
    finally:
        os.close(source)
    out, err = (stream.decode("utf-8", "replace") for stream in (ended.stdout, ended.stderr))
    return Completed(command, ended.returncode, out, err)


def _open_settings(settings: str) -> int:
    """certbot opens a configuration several times, which no pipe allows; this one is in memory, and in no folder."""
    if not settings:
        return os.open(os.devnull, os.O_RDONLY)
    if not hasattr(os, "memfd_create"):
        raise HostError("only on Linux the key of an account can be handed to certbot without others seeing it")
    source = os.memfd_create("settings", os.MFD_CLOEXEC)
    os.write(source, settings.encode("ascii"))
    return source


def hook_command(interpreter: str, program: str) -> str:
    """Returns the deploy hook, which certbot hands to a shell: two paths without anything a shell would act on."""
    return f"{interpreter} -I {program}"

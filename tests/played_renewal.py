# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host whose certbot and systemd are played, and runs for one site or several on it."""

from __future__ import annotations

import os

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import (
    engine,
    issue,
    lineage,
    outcome,
    request,
    timer,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._renewal.report import (
    report,
    tell_problems,
    tell_warnings,
)

SITE = "www.example.com"


class PlayedHost(Host):
    """Its systemctl keeps in mind what is enabled; certbot is there if ``has_certbot``."""

    def __init__(self):
        self.on = {"certbot.timer"}
        self.masked = ()
        self.environment = ""
        self.has_certbot = True

    def find(self, name):
        if name == "certbot":
            return "/usr/bin/certbot" if self.has_certbot else None
        return super().find(name)

    def run(self, argv, stdin=""):
        if argv[0] != "systemctl":
            return super().run(argv, stdin)
        unit = argv[-1]
        if argv[1] == "show":
            return Completed(argv, 0, self._show(unit), "")
        assert argv[1] in ("enable", "disable", "daemon-reload")
        (self.on.add if argv[1] == "enable" else self.on.discard)(unit)
        return Completed(argv, 0, "", "")

    def _show(self, unit):
        if unit == "certbot.service":
            return f"Environment={self.environment}\n"
        if unit in self.masked:
            return "LoadState=masked\n"
        if unit not in ("certbot.timer", "port443-renewal.timer"):
            return "LoadState=not-found\n"
        words = ("enabled", "active") if unit in self.on else ("disabled", "inactive")
        return "LoadState=loaded\nUnitFileState={}\nActiveState={}\n".format(*words)


class Certbot:
    """Issues the pair ``next`` for each certificate that it is asked for, or says no.

    ``pairs`` are those of sites by their names, in place of ``next``; ``refusals`` are what it says no with.
    """

    def __init__(self, renewed, hook):
        self.renewed, self.hook = renewed, hook
        self.next, self.number, self.asked = pki.site(), 0, []
        self.pairs, self.refusals = {}, {}

    def __call__(self, host, command, settings):
        if command[1] == "--version":
            return Completed(command, 0, "certbot 2.1.0\n", "")
        if command[1] == "delete":
            return Completed(command, 0, "", "")
        self.asked.append((command[1], settings))
        site = command[command.index("--cert-name") + 1][len("port443-") :]
        pair = self.pairs.get(site, self.next)
        if pair is None or site in self.refusals:
            return Completed(command, 1, "", self.refusals.get(site, "Detail: 404"))
        if command[1] == "certonly":
            self.number += 1
            self.renewed.issue(pair, self.number, site)
            conf = self.renewed.root / "letsencrypt/renewal" / f"port443-{site}.conf"
            text = conf.read_text().replace("/var/lib/port443/acme", self.renewed.layout.webroot)
            conf.write_text(text.replace("/usr/bin/python3 -I /var/lib/port443/renewal.pyz", self.hook))
        return Completed(command, 0, "", "")


@pytest.fixture
def host():
    return PlayedHost()


@pytest.fixture
def certbot(renewed, host, monkeypatch):
    real = os.path.isdir
    (renewed.root / "system").mkdir()
    monkeypatch.setattr(os.path, "isdir", lambda name: name == "/run/systemd/system" or real(name))
    monkeypatch.setattr(outcome, "choose_timer", lambda on: timer.Systemd(on, str(renewed.root / "system")))
    monkeypatch.setattr(issue, "ask_server", lambda want: "")
    monkeypatch.setattr(lineage, "_SWAP_PAUSE", 0)
    monkeypatch.setattr(engine, "LOCK_PATIENCE", 0.2)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    played = Certbot(renewed, f"/usr/bin/python3 -I {renewed.layout.program}")
    monkeypatch.setattr(_certbot, "_run_once", played)
    return played


def run(renewed, host, check_mode=False, **given):
    """The result and the warnings of a task for the site, or for the sites that are given; fails as the module does."""
    ended = perform(renewed, host, check_mode, **given)
    problems = tell_problems(ended)
    if problems:
        raise HostError(problems)
    return report(ended, renewed.layout), tell_warnings(ended)


def perform(renewed, host, check_mode=False, **given):
    """The outcome of such a task, also where sites failed."""
    params = {name: option.get("default") for name, option in ARGUMENTS.items()}
    params.update(renewed.settings().options, names=None, terms_agreed=True, server="https://ca.example/dir")
    params.update(webroot=renewed.layout.webroot, name=None if "sites" in given else SITE, **given)
    context = outcome.RenewalContext(host, check_mode, lambda path: None, layout=renewed.layout)
    return engine.ensure(context, request.parse(params))


def tree(renewed):
    return {
        str(path.relative_to(renewed.root)): path.read_bytes() if path.is_file() else os.path.islink(path)
        for path in sorted(renewed.root.rglob("*"))
    }

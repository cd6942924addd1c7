# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service of several sites that takes its time to reload, and deployments of pairs to it."""

from __future__ import annotations

import os

import pki
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from ansible_collections.port443.https.plugins.module_utils._certificate.deploy import Deployment
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls import proof, served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ObservedService,
    ServiceControl,
    Serving,
)

A, B, NEW = "a.example", "b.example", "new.example"
MINE = Access(os.geteuid(), os.getegid(), 0o600)
OTHERS = "0f" * 32
FIRST = {A: pki.site(A, number=1), B: pki.site(B, number=2)}
SECOND = {A: pki.site(A, number=3), B: pki.site(B, number=4)}
ADDED = {**SECOND, NEW: pki.site(NEW, number=5)}
BACK = "all pairs are as they were, and what was served before is served again"


class SlowWeb:
    """A service that begins a reload when it is next asked, and takes up nothing while a pair that it names is missing.

    Of ``blind`` sites it shows something else, whatever is installed.
    """

    test_command, reload_command = ("web", "-t"), ("web", "reload")

    def __init__(self, store, *names):
        self.store, self.names = store, names
        self.loaded, self.blind, self.calls = {}, set(), []
        self.reloads, self.names_pairs = False, True

    def observe(self, *wanted):
        servings = tuple(
            Serving(self.names_pairs, True, (Endpoint("127.0.0.1", 443, one.server_name),)) for one in wanted
        )
        return ObservedService(servings, ServiceControl(self.test_command, self.reload_command, self.test, self.reload))

    def test(self):
        self.calls.append("test")
        missing = [
            f"{self.store}/{name}/current/fullchain.pem" for name, shown in self.installed().items() if not shown
        ]
        return Completed(self.test_command, int(bool(missing)), "", ", ".join(missing))

    def reload(self):
        self.calls.append("reload")
        self.reloads = True
        return Completed(self.reload_command, 0, "", "")

    def installed(self):
        chains = {name: self.store / name / "current" / "fullchain.pem" for name in self.names}
        return {name: pki.fingerprint_of(path.read_bytes()) if path.exists() else "" for name, path in chains.items()}

    def served(self):
        return {name: self.look(Endpoint("", 443, name), None).fingerprint for name in self.names}

    def look(self, place, _ciphers):
        if self.reloads and all(self.installed().values()):
            self.loaded = self.installed()
        self.reloads = False
        return Look(place, OTHERS if place.name in self.blind else self.loaded.get(place.name, OTHERS))


class Clock:
    """Time that passes where somebody waits, and only there."""

    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, _seconds):
        self.now += 0.3


def ask(web, name, **options):
    params = {option: spec.get("default") for option, spec in _request.ARGUMENT_SPEC.items()}
    return _request.parse({**params, "name": name, "directory": str(web.store), "prove_timeout": 1, **options})


def deployment(web, sites, access=MINE, **options):
    pairs = []
    for name, site in sites.items():
        pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), int(pki.NOW.timestamp()))
        pairs.append(RequestedPair(ask(web, name, **options), pair, _store.lay_out(pair, access), f"{name}: "))
    return Deployment(tuple(pairs), web, lambda _path: None)


def prints(sites):
    return {name: site.sha256() for name, site in sites.items()}


def everything(folder):
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.stat().st_mode
        for path in folder.rglob("*")
    }


def start_web(folder, monkeypatch, *names):
    """Returns a service with the first two pairs, and with ``names`` of sites beside these."""
    web = SlowWeb(folder / "store", A, B)
    monkeypatch.setattr(served_certificate, "_look_once", web.look)
    monkeypatch.setattr(proof, "time", Clock())
    deployment(web, FIRST).deploy()
    assert (web.served(), web.calls) == (prints(FIRST), ["test", "reload"])
    web.names, web.calls = (A, B, *names), []
    return web

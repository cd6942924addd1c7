# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is put on a host for its renewals is there as wanted, or gone as if it had never been."""

from __future__ import annotations

import contextlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import challenge as _challenge
from ansible_collections.port443.https.plugins.module_utils._renewal import installed_files as machinery
from ansible_collections.port443.https.plugins.module_utils._renewal import request, timer, zipapp
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import ARGUMENTS

SITE = "www.example.com"


class SystemdHost(Host):
    """A host whose systemctl keeps in mind what is enabled; every other command is a real one."""

    def __init__(self, certbot="enabled"):
        self.ran = []
        self.on = {"certbot.timer"} if certbot == "enabled" else set()
        self.fails = ""

    def run(self, argv, stdin=""):
        if argv[0] != "systemctl":
            return super().run(argv, stdin)
        unit = argv[-1]
        if argv[1] == "show":
            state = "LoadState=loaded\nUnitFileState={}\nActiveState={}\n"
            words = ("enabled", "active") if unit in self.on else ("disabled", "inactive")
            known = unit in ("certbot.timer", "port443-renewal.timer")
            return Completed(argv, 0, state.format(*words) if known else "LoadState=not-found\n", "")
        self.ran.append(" ".join(argv[1:]))
        if self.ran[-1] == self.fails:
            return Completed(argv, 1, "", "no space left")
        if argv[1] == "enable":
            self.on.add(unit)
        if argv[1] == "disable":
            self.on.discard(unit)
        return Completed(argv, 0, "", "")


@pytest.fixture
def folder(renewed, monkeypatch):
    """Systemd's folder, and that this host has systemd."""
    path = renewed.root / "system"
    path.mkdir()
    (renewed.root / "port443").mkdir()
    real = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda name: name == "/run/systemd/system" or real(name))
    return path


def make(renewed, host, folder):
    return machinery.InstalledFiles(host, renewed.layout, timer.Systemd(host, str(folder)), lambda path: None)


def install(made, settings, fail=None):
    want = {**made.want(zipapp.find_interpreter(made.host)), **made.want_settings(settings)}
    with made.installed(made.have(tuple(want)), want):
        made.start()
        if fail:
            raise fail


def find_rest(made, *sites):
    """What is there of sites and of what they share."""
    return {path: file for part in (*map(made.find_settings, sites), made.find_shared()) for path, file in part.items()}


def tree(renewed):
    return {
        str(path.relative_to(renewed.root)): (path.stat().st_mode & 0o7777, path.is_file() and path.read_bytes())
        for path in sorted(renewed.root.rglob("*"))
    }


def names(renewed):
    return sorted(path for path in tree(renewed) if (renewed.root / path).is_file())


def test_everything_is_put_there_once(renewed, folder):
    host = SystemdHost()
    made = make(renewed, host, folder)
    install(made, renewed.settings())
    assert names(renewed) == [
        "port443/renewal.pyz",
        f"port443/renewal/{SITE}.json",
        "system/port443-renewal.service",
        "system/port443-renewal.timer",
    ]
    modes = {path: mode for path, (mode, _content) in tree(renewed).items()}
    assert (modes["port443/renewal.pyz"], modes[f"port443/renewal/{SITE}.json"]) == (0o755, 0o600)
    assert b"difference(['JOURNAL_STREAM', 'RENEWED_LINEAGE'])" in (renewed.root / "port443/renewal.pyz").read_bytes()
    assert host.ran == ["daemon-reload", "enable --now port443-renewal.timer"]
    before = tree(renewed)
    install(made, renewed.settings())
    assert (tree(renewed), len(host.ran)) == (before, 2)


def test_what_fails_meanwhile_leaves_nothing_behind(renewed, folder):
    host = SystemdHost("disabled")
    before = tree(renewed)
    with pytest.raises(HostError, match="certbot says no"):
        install(make(renewed, host, folder), renewed.settings(), HostError("certbot says no"))
    after = tree(renewed)
    after.pop("port443", None)
    before.pop("port443")
    assert (after, host.on) == (before, set())


def test_a_timer_that_does_not_start_leaves_nothing_behind(renewed, folder):
    host = SystemdHost()
    host.fails = "enable --now port443-renewal.timer"
    with pytest.raises(HostError, match="no space left"):
        install(make(renewed, host, folder), renewed.settings())
    assert names(renewed) == []


def test_a_failure_with_a_second_site_leaves_the_first_one(renewed, folder):
    made = make(renewed, SystemdHost(), folder)
    install(made, renewed.settings())
    before = tree(renewed)
    with pytest.raises(HostError, match="certbot says no"):
        install(made, renewed.settings("blog.example.com"), HostError("certbot says no"))
    assert tree(renewed) == before


def test_the_last_site_takes_everything_with_it(renewed, folder):
    host = SystemdHost("disabled")
    made = make(renewed, host, folder)
    for site in (SITE, "blog.example.com"):
        install(made, renewed.settings(site))
    assert host.on == {"certbot.timer", "port443-renewal.timer"}
    rest = find_rest(made, SITE, "blog.example.com")
    made.write(rest, dict.fromkeys(rest))
    assert (names(renewed), host.on) == ([], set())


def test_a_timer_of_certbots_that_was_on_stays_on(renewed, folder):
    host = SystemdHost()
    made = make(renewed, host, folder)
    install(made, renewed.settings())
    rest = find_rest(made, SITE)
    made.write(rest, dict.fromkeys(rest))
    assert host.on == {"certbot.timer"}


def test_a_link_in_the_place_of_a_file_is_refused(renewed, folder):
    (renewed.root / "port443" / "renewal.pyz").symlink_to("/etc/passwd")
    with pytest.raises(HostError, match="is a link or no regular file"):
        install(make(renewed, SystemdHost(), folder), renewed.settings())


def test_the_last_site_leaves_the_empty_folder_of_the_units(renewed, folder):
    made = make(renewed, SystemdHost("disabled"), folder)
    install(made, renewed.settings())
    rest = find_rest(made, SITE)
    made.write(rest, dict.fromkeys(rest))
    assert sorted(path.name for path in renewed.root.iterdir()) == ["system"]


def test_cron_runs_it_where_there_is_no_systemd():
    files = timer.Cron("/etc/cron.d").files("/usr/bin/python3 -I /x.pyz")
    assert {path: content.decode().splitlines()[-1] for path, content in files.items()} == {
        "/etc/cron.d/port443-renewal": "37 * * * * root /usr/bin/python3 -I /x.pyz"
    }


@pytest.mark.parametrize(
    ("there", "programs", "chosen"),
    [
        (["/run/systemd/system", "/etc/cron.d"], ["cron"], "Systemd"),
        (["/etc/cron.d"], ["cron"], "Cron"),
        (["/etc/cron.d"], ["crond"], "Cron"),
        (["/etc/cron.d"], [], "NoTimer"),
        (["/etc/cron.d", "/etc/cron.d/port443-renewal"], [], "Cron"),
        ([], ["cron"], "NoTimer"),
    ],
)
def test_what_is_there_runs_things_by_the_clock(monkeypatch, there, programs, chosen):
    monkeypatch.setattr(os.path, "isdir", there.__contains__)
    monkeypatch.setattr(os.path, "exists", there.__contains__)
    monkeypatch.setattr(Host, "find", lambda self, name: name if name in programs else None)
    assert type(timer.choose_timer(Host())).__name__ == chosen


def test_where_nothing_runs_by_the_clock_nothing_can_be_renewed_but_removed():
    with pytest.raises(HostError, match="neither systemd nor a cron"):
        timer.NoTimer().files("command")
    assert timer.NoTimer().files("") == {}


def test_the_placeholder_is_a_pair_for_the_names(renewed):
    from ansible_collections.port443.https.plugins.module_utils._certificate import install as _install

    certificate, key = placeholder.make(Host(), [SITE, "example.com"])
    params = renewed.settings(names=[SITE, "example.com"], ca=None, trust="none").params("", "")
    params.update(certificate_file=None, key_file=None, remote_src=False, self_signed=True)
    params.update(certificate=certificate.decode(), key=key.decode())
    result, warnings = _install.run(params, Host(), False, lambda path: None)
    assert (result["changed"], result["subject_names"], warnings) == (True, [SITE, "example.com"], ())


def params(**given):
    options = {name: option.get("default") for name, option in ARGUMENTS.items()}
    return {**options, "name": SITE, "terms_agreed": True, **given}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"terms_agreed": False}, "set terms_agreed: true if you agree"),
        ({"names": ["*.example.com"]}, r"\*.example.com: a wildcard is proved by DNS alone"),
        ({"names": ["192.0.2.1"]}, "192.0.2.1: certificates for IP addresses are not asked for"),
        ({"names": ["-x.example"]}, "is neither a host name"),
        ({"server": "http://ca.example/dir"}, "is not the https:// address"),
        ({"server": "https://ca.example/dir --config /tmp/x"}, "is not one plain word"),
        ({"email": "--dry-run"}, "is not one plain word"),
        ({"webroot": "/srv/../etc"}, "is not an absolute path"),
        ({"webroot": "srv"}, "is not an absolute path"),
        ({"standalone_port": 70000}, "is not between 1 and 65535"),
        ({"name": "../x"}, "cannot be a directory's name"),
        ({"account": "0427"}, "account '0427' is not how certbot calls one, that is 32 digits and letters from a to f"),
        ({"account_key_id": "kid"}, "account_key_id and account_mac_key go together"),
        ({"account_mac_key": "a2V5"}, "account_key_id and account_mac_key go together"),
        ({"account_key_id": "a\ndeploy-hook = x", "account_mac_key": "a2V5"}, "account_key_id .* is not one word"),
        ({"account_key_id": "kid", "account_mac_key": "secret\nx"}, "account_mac_key is not base64url, that is[^\n]*$"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(given, message):
    with pytest.raises(RequestError, match=message):
        request.parse(params(**given))


class Answers(BaseHTTPRequestHandler):
    """Serves files below ``root``, but nothing to the name ``elsewhere.example``."""

    root = ""

    def do_GET(self):
        path = Path(self.root + self.path)
        found = path.is_file() and self.headers["Host"] != "elsewhere.example"
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(path.read_bytes())

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def served(root):
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Rooted", (Answers,), {"root": str(root)}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (SITE, ""),
        (
            "elsewhere.example",
            "asked for http://elsewhere.example/.well-known/acme-challenge/, 127.0.0.1:{port} answers with status 404 "
            "and not with the file",
        ),
    ],
)
def test_the_web_server_is_asked_before_the_ca_is(renewed, monkeypatch, name, problem):
    monkeypatch.setattr(_challenge, "PATIENCE", 0.3)
    root = renewed.root / "acme"
    root.mkdir()
    with served(root) as port:
        assert _challenge.wait_for_answer(str(root), [SITE, name], port=port) == problem.format(port=port)
    assert list(root.iterdir()) == []

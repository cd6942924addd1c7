# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sites of the cases about the whole job: their files, a host before it has any, and what it has to serve."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Sequence

from cases import FIRST, Case
from hosts import BENCH, Host
from playbook import Played

sys.path.insert(0, str(BENCH.parent / "tests"))

import pki

_PATIENCE = 10.0  # seconds until nginx has to serve what it was told to: it reloads on its own time
_TIMEOUT = 5.0  # seconds for one connection
_ROOT, _APPLICATION = "/srv/www", "http://127.0.0.1:8080"
_PAGE = "a page of the bench"
# What is nobody's who enables HTTPS: nginx as its package has it, running, and an application behind it.
_RESET = """
[ ! -e /run/nginx.pid ] || nginx -s stop
while [ -e /run/nginx.pid ]; do sleep 0.05; done
[ -d /etc/bench/nginx ] || cp -a /etc/nginx /etc/bench/nginx
rm -rf /etc/nginx /etc/port443 /etc/ssl/sites "$1"
cp -a /etc/bench/nginx /etc/nginx
mkdir -p "$1"
printf %s "$2" >"$1/index.html"
printf 'server { listen 127.0.0.1:8080; root %s; }\n' "$1" >/etc/nginx/conf.d/application.conf
nginx >/dev/null 2>&1
"""


def names_of(count: int) -> tuple[str, ...]:
    """Returns the names of that many sites; every case has the same first ones."""
    return tuple(f"site{number:03}.example.com" for number in range(1, count + 1))


def write_sites(folder: Path, count: int) -> dict[str, Any]:
    """Writes the sites' pairs into ``folder`` on the controller, and returns what the plays are told.

    Every other site is a folder of files; the rest is the application's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "ca.pem").write_bytes(pki.root().pem())
    sites = []
    for number, name in enumerate(names_of(count)):
        issued = _pair_of(name)
        (folder / f"{name}.pem").write_bytes(issued.pem() + pki.intermediate().pem())
        (folder / f"{name}.key").touch(mode=0o600)
        (folder / f"{name}.key").write_bytes(issued.key_pem())
        served = {"proxy_pass": _APPLICATION} if number % 2 else {"root": _ROOT}
        pair = {"certificate_file": str(folder / f"{name}.pem"), "key_file": str(folder / f"{name}.key")}
        sites.append({"name": name, **pair, **served})
    return {"bench_sites": sites, "bench_ca": str(folder / "ca.pem")}


def reset(hosts: Sequence[Host]) -> None:
    """Has every host drop what is not ssh, and run nginx as its package has it; raises AssertionError if it is open."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_reset, hosts))


def _reset(host: Host) -> None:
    host.reset()
    host.run("sh", "-euc", _RESET, "sh", _ROOT, _PAGE)
    if host.lets_in(443):
        raise AssertionError(f"port 443 of {host.name} is open before the run")


def check(case: Case, run: str, played: Played, hosts: Sequence[Host]) -> None:
    """Raises AssertionError unless every site answers from outside with its certificate, a redirect and its page.

    So does a run that did not say changed where it changed something, or, if it is ours, said it where it did not.
    """
    changed = any(result.get("changed") for result in played.results)
    if changed is not (run == FIRST) and (case.is_ours or run == FIRST):
        raise AssertionError(f"{case.job}, {case.way}, {run} run: expected changed to be {run == FIRST}")
    wanted = [(address, name) for host in hosts for address in host.addresses for name in names_of(case.sites)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: _wait_for(*place), wanted))


def _pair_of(name: str) -> pki.Issued:
    return pki.site(name, number=1000 + int(name[4:7]))  # a key of its own; lower numbers are others' in pki


def _wait_for(address: str, name: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while problem := _problem_of(address, name):
        if time.monotonic() > deadline:
            raise AssertionError(f"{name} at {address}: {problem}")
        time.sleep(0.1)


def _problem_of(address: str, name: str) -> str:
    """Returns what is wrong with a site as a visitor sees it, empty if nothing is."""
    try:
        fingerprint, page = _visit(address, name)
        if fingerprint != _pair_of(name).sha256():
            return f"another certificate is served, {fingerprint}"
        if page != (200, _PAGE):
            return f"it answers {page}"
        redirect = _redirect(address, name)
        return "" if redirect == f"https://{name}/" else f"port 80 leads to {redirect}"
    except (OSError, http.client.HTTPException) as error:  # a certificate that is not trusted is an OSError
        return str(error) or type(error).__name__


def _visit(address: str, name: str) -> tuple[str, tuple[int, str]]:
    context = ssl.create_default_context(cadata=pki.root().pem().decode())
    connection = http.client.HTTPSConnection(name, context=context)
    connected = socket.create_connection((address, 443), _TIMEOUT)
    with connected, context.wrap_socket(connected, server_hostname=name) as session:
        shown = hashlib.sha256(session.getpeercert(True) or b"").hexdigest()
        connection.sock = session
        connection.request("GET", "/")
        answer = connection.getresponse()
        return shown, (answer.status, answer.read().decode("utf-8", "replace"))


def _redirect(address: str, name: str) -> str:
    connection = http.client.HTTPConnection(address, 80, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/", headers={"Host": name})
        return connection.getresponse().headers.get("Location", "")
    finally:
        connection.close()

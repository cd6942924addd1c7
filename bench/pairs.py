# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pairs of the cases about certificates: made for the run, put in place of a placeholder, seen as served."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Sequence

from cases import FIRST, NAME, ROTATION, Case
from hosts import BENCH, Host
from playbook import PYTHON, Played

sys.path.insert(0, str(BENCH.parent / "tests"))

import pki

_PATIENCE = 10.0  # seconds until nginx has to serve what it was told to: it reloads on its own time
_SITE = f"""\
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {NAME};
    ssl_certificate /etc/port443/{NAME}/current/fullchain.pem;
    ssl_certificate_key /etc/port443/{NAME}/current/privkey.pem;
}}
"""
# Our module keeps `current` as a link, the usual play as a folder; either way nginx runs with a placeholder before.
_RESET = """
cd /etc
[ ! -e /run/nginx.pid ] || nginx -s stop
while [ -e /run/nginx.pid ]; do sleep 0.05; done
rm -rf port443
install -d -m 755 "port443/$1/placeholder"
cd "port443/$1"
if [ "$2" = link ]; then ln -s placeholder current; else mv placeholder current; fi
printf %s "$3" >current/fullchain.pem
(umask 077 && printf %s "$4" >current/privkey.pem)
printf %s "$5" >/etc/nginx/conf.d/bench.conf
nginx >/dev/null 2>&1
"""
_SERVED = """
import hashlib, socket, ssl, sys
context = ssl._create_unverified_context()
with context.wrap_socket(socket.create_connection(("127.0.0.1", 443), 5), server_hostname=sys.argv[1]) as session:
    print(hashlib.sha256(session.getpeercert(True)).hexdigest())
"""


def variables(folder: Path, run: str) -> dict[str, Any]:
    """Writes the files that a run installs from, in ``folder`` on the controller, and returns where they are."""
    site = _pair_of(run)
    written = {
        "certificate": site.pem(),
        "chain": pki.intermediate().pem(),
        "fullchain": site.pem() + pki.intermediate().pem(),
        "key": site.key_pem(),
        "ca": pki.root().pem(),
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, content in written.items():
        (folder / name).write_bytes(content)
    return {"bench_name": NAME, **{f"bench_{name}": str(folder / name) for name in written}}


def reset(hosts: Sequence[Host], ours: bool) -> None:
    """Has nginx on every host serve a placeholder, and nothing of an earlier run there."""
    placeholder = pki.issue(NAME, [NAME], number=3)
    given = ("link" if ours else "folder", placeholder.pem().decode(), placeholder.key_pem().decode(), _SITE)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda host: host.run("sh", "-euc", _RESET, "sh", NAME, *given), hosts))


def check(case: Case, run: str, played: Played, hosts: Sequence[Host]) -> None:
    """Raises AssertionError unless every host serves the pair, and the run said changed where there was a change."""
    due = run in (FIRST, ROTATION)
    if case.is_ours:
        want: dict[str, Any] = {"changed": due, "served": "yes", "verdicts": []}
        wrong = [result for result in played.results if result != want]
        if wrong or len(played.results) != len(hosts):
            raise AssertionError(f"{case.job}, {run} run: expected {want} of {len(hosts)} hosts, got {wrong}")
    elif any(result.get("changed") for result in played.results) is not due:
        raise AssertionError(f"{case.job}, {case.way}, {run} run: expected changed to be {due}")
    for host in hosts:
        _wait_for(host, _pair_of(run).sha256())


def _pair_of(run: str) -> pki.Issued:
    return pki.site(NAME, number=2 if run == ROTATION else 1)


def _wait_for(host: Host, fingerprint: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (served := host.run(PYTHON, "-c", _SERVED, NAME, check=False).stdout.strip()) != fingerprint:
        if time.monotonic() > deadline:
            raise AssertionError(f"{host.name} serves {served or 'nothing'} in place of {fingerprint}")
        time.sleep(0.1)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over hosts that no module runs on: whoever touches one fails, and nothing happens to this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple, Union

import pytest
import yaml

ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

Play = Callable[..., Tuple[int, str]]


@pytest.fixture
def play(tmp_path: Path, collections_path: Path) -> Play:
    """Plays a playbook of the collection, or tasks; returns how that ended and what it said, each blank one space."""

    def run(what: Union[str, List[Dict[str, Any]]], hosts: Dict[str, Any], *arguments: str, **variables: Any) -> Any:
        common = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python", **variables}
        inventory, playbook = tmp_path / "inventory.yml", tmp_path / "play.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}, sort_keys=False))
        if not isinstance(what, str):
            playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": what}]))
        ended = subprocess.run(
            [ANSIBLE_PLAYBOOK, "-i", inventory, what if isinstance(what, str) else playbook, *arguments],
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(collections_path),
                ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp"),
                ANSIBLE_NOCOLOR="1",
            ),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, " ".join((ended.stdout + ended.stderr).split())

    return run


@dataclass
class Served:
    """A TLS server on this machine with a certificate for ``name``, issued by the CA of one's own in ``folder``."""

    name: str
    folder: Path
    port: int

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def looked_at(self) -> Dict[str, Any]:
        """The variables of a look at it, but for whom to trust."""
        return {
            "verify_https_addresses": ["127.0.0.1"],
            "verify_https_port": self.port,
            "verify_https_checks": ["tls", "names", "chain"],
            "verify_https_wait": 0,
        }


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    from ansible_collections.port443.https.plugins.module_utils._certificate._check import Demand
    from ansible_collections.port443.https.plugins.plugin_utils import _own_ca

    name, folder = "shop.example.com", tmp_path / "own-ca"
    _own_ca.provide(str(folder), name, Demand((name,)), None, check_mode=False, now=int(time.time()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, context), daemon=True).start()
        yield Served(name, folder, listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Shakes hands with one client after the other, until the socket is shut."""
    while True:
        try:
            client, _address = listening.accept()
        except OSError:
            return
        client.settimeout(10)
        with contextlib.suppress(OSError), client, context.wrap_socket(client, server_side=True) as spoken:
            spoken.recv(1)

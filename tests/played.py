# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over hosts that no module runs on: whoever touches one fails, and nothing happens to this machine."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import pytest
import yaml

ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

ROLE = Path(__file__).resolve().parents[1] / "roles" / "enable_https"


@dataclass
class Player:
    """Plays a playbook of the collection, or one in ``folder``, or tasks."""

    folder: Path
    collections_path: Path

    def __call__(
        self, what: Union[str, List[Dict[str, Any]]], hosts: Dict[str, Any], *arguments: str, **variables: Any
    ) -> Tuple[int, str]:
        """Returns how it ended and what it said, each blank one space."""
        common = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python", **variables}
        inventory, playbook = self.folder / "inventory.yml", self.folder / "play.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}, sort_keys=False))
        if not isinstance(what, str):
            playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": what}]))
        ended = subprocess.run(
            [ANSIBLE_PLAYBOOK, "-i", inventory, what if isinstance(what, str) else playbook, *arguments],
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(self.collections_path),
                ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
                ANSIBLE_NOCOLOR="1",
            ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, " ".join((ended.stdout + ended.stderr).split())

    def show(self, expression: str, *cases: Dict[str, Any], arguments: Sequence[str] = ()) -> List[Any]:
        """What an expression comes to in the role enable_https with the variables of each case; a host a case.

        ``arguments`` are those of ansible-playbook.
        """
        hosts = {f"case{number}": case for number, case in enumerate(cases)}
        defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
        told = f"SHOWN {{{{ inventory_hostname }}}}={{{{ {expression} | to_json | b64encode }}}}."
        tasks = [
            {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml"), "tags": "always"},
            {"ansible.builtin.debug": {"msg": told}, "tags": "always"},
        ]
        code, said = self(tasks, hosts, *arguments, **defaults)
        assert code == 0, said
        shown = dict(re.findall(r"SHOWN (case[0-9]+)=([^.]*)[.]", said))
        return [json.loads(base64.b64decode(shown[host])) for host in hosts]


@pytest.fixture
def play(tmp_path: Path, collections_path: Path) -> Player:
    return Player(tmp_path, collections_path)


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
    from ansible_collections.port443.https.plugins.module_utils._pki.policy import Demand
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

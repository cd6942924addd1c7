# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A controller over the machine that runs the tests, and what its playbooks give to the module certificate."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pki
import yaml
from web_server import NAME

BIN = Path(sys.executable).parent


class Controller:
    """A folder with playbooks, files and a vault, and ansible-playbook over it, on the same machine as nginx."""

    def __init__(self, web):
        self.web = web
        self.folder = web.folder / "controller"
        (self.folder / "files").mkdir(parents=True)
        (self.folder / "password").write_text("open sesame\n")
        self.said = ""
        self.environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(web.collections_path),
            ANSIBLE_VAULT_PASSWORD_FILE=str(self.folder / "password"),
            ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_NO_LOG="0",
        )

    def write(self, name, content, encrypt=False):
        path = self.folder / "files" / name
        path.write_bytes(content)
        if encrypt:
            command = [BIN / "ansible-vault", "encrypt", str(path)]
            subprocess.run(command, check=True, env=self.environment, capture_output=True, timeout=60)
        return name

    def write_variables(self, **variables):
        """Puts variables for every play into a vault."""
        path = self.folder / "vars.yml"
        path.write_text(yaml.safe_dump(variables))
        command = [BIN / "ansible-vault", "encrypt", str(path)]
        subprocess.run(command, check=True, env=self.environment, capture_output=True, timeout=60)

    def play(self, arguments, *flags, host="ansible_connection=local"):
        """Runs one task and returns its result; all that was printed is kept in ``said``."""
        task = {
            "port443.https.certificate": arguments,
            "register": "result",
            "ignore_errors": True,
            "ignore_unreachable": True,
        }
        show = {"ansible.builtin.debug": {"msg": "RESULT {{ result | to_json }}"}}
        play = {"hosts": "all", "gather_facts": False, "vars_files": ["vars.yml"], "tasks": [task, show]}
        self.run_play(play, *flags, host=host)
        shown = re.search(r'"msg": ("RESULT .*")', self.said)
        assert shown, self.said
        return json.loads(json.loads(shown.group(1))[len("RESULT ") :])

    def run_play(self, play, *flags, host="ansible_connection=local"):
        """Runs a play of one host; all that was printed is kept in ``said``."""
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        (self.folder / "inventory").write_text(f"host {host} ansible_python_interpreter={sys.executable}\n")
        if not (self.folder / "vars.yml").exists():
            (self.folder / "vars.yml").write_text("{}\n")
        ended = subprocess.run(
            [BIN / "ansible-playbook", "-i", "inventory", "play.yml", *flags],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.said = ended.stdout + ended.stderr


def files(web, **options):
    given = {
        "name": NAME,
        "certificate_file": "site.crt",
        "key_file": "site.key",
        "ca_file": "root.crt",
        "directory": str(web.store),
        "service_config": str(web.config),
        "prove_timeout": 5,
    }
    return {option: value for option, value in dict(given, **options).items() if value is not None}


def put_files(controller, site, encrypt=True):
    controller.write("site.crt", site.pem() + pki.intermediate().pem())
    controller.write("site.key", site.key_pem(), encrypt)
    controller.write("root.crt", pki.root().pem())


def secret_of(site):
    """The base64 of a P-256 key's private number alone: the public half of the key is in the certificate as well."""
    number = site.key.private_numbers().private_value.to_bytes(32, "big")
    body = "".join(site.key_pem().decode().split("\n")[1:-2])
    assert base64.b64decode(body + "=" * (-len(body) % 4))[36:68] == number  # 36 = 3 * 12: it begins with a character
    return body[48:88]


def quotes_key(text, site):
    """Looks for pieces of the private number."""
    secret = secret_of(site)
    return any(secret[at : at + 8] in text for at in range(len(secret) - 8))

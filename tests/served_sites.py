# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module sites on a private machine with a real web server and two applications behind it."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import time

import pki
import yaml
from private_machine import BIN, private_machine

SERVERS = ("nginx", "apache", "haproxy", "lighttpd")
SHOP, BLOG = "shop.example", "blog.example"


class Sites:
    """Runs the module on a private machine, and tells what the machine is."""

    def __init__(self, machine, server):
        self.machine = machine
        self.server = server

    def run(self, *sites, check=False, **options):
        """Returns the result of the module."""
        task = {"port443.https.sites": {"server": self.server, "sites": list(sites), "ca": CA, **options}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        (self.machine.folder / "play.yml").write_text(yaml.safe_dump([play]))
        inventory = {
            "all": {
                "hosts": {"machine": {"ansible_connection": "local", "ansible_python_interpreter": str(BIN / "python")}}
            }
        }
        (self.machine.folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
        self.machine.environment["ANSIBLE_STDOUT_CALLBACK"] = "ansible.posix.json"
        flags = ["--diff", *(["--check"] if check else [])]
        ended = self.play(*flags)
        try:
            return json.loads(ended.stdout)["plays"][0]["tasks"][0]["hosts"]["machine"]
        except (ValueError, LookupError):
            raise AssertionError(ended.stdout + ended.stderr) from None

    def play(self, *flags):
        """Runs the playbook that was written last, and returns how it ended."""
        return self.machine.run(str(BIN / "ansible-playbook"), "-i", "inventory.yml", "play.yml", *flags)

    def files(self, running=False):
        """What is below /etc and where servers write, with owners, modes, contents and links.

        One that is ``running`` has files of its own below /run.
        """
        script = (
            f"find /etc {'' if running else '/run'} /srv /var/lib/port443 /var/log -xdev -not -name '*.pid' "
            "-not -path '/var/log/*/*' -printf '%M %U %G %p %l\\n' | sort; "
            "find /etc -xdev -type f -exec sha256sum {} + | sort"
        )
        # A server that reloads moves its sockets about for a while.
        seen, again = None, self.machine.run("sh", "-c", script).stdout
        while again != seen:
            time.sleep(0.3)
            seen, again = again, self.machine.run("sh", "-c", script).stdout
        return seen

    def get(self, name, path="/", *options):
        """What curl shows of a site, status first."""
        argv = ["curl", "-sS", "-o", "-", "-w", "\\n%{http_code}", "--cacert", "ca.pem", "--max-time", "5"]
        ended = self.machine.run(*argv, "--resolve", f"{name}:443:127.0.0.1", *options, f"https://{name}{path}")
        body, _line, status = ended.stdout.rpartition("\n")
        return int(status or 0), body, ended.stderr


CA = pki.root().pem().decode()


@functools.lru_cache(maxsize=None)
def pair(name, number=1):
    issued = pki.issue(name, [name], issuer=pki.intermediate(), number=number)
    return {
        "certificate": (issued.pem() + pki.intermediate().pem()).decode(),
        "key": issued.key_pem().decode(),
    }


def shop(**own):
    return {"name": SHOP, "proxy_pass": ["http://127.0.0.1:8081"], **pair(SHOP), **own}


def blog(**own):
    return {"name": BLOG, "proxy_pass": ["http://127.0.0.1:8082"], **pair(BLOG, 2), **own}


@contextlib.contextmanager
def served_sites(server, folder, collections_path):
    """A machine with the server, not yet started, and the applications of the shop and the blog."""
    with private_machine(folder, collections_path) as machine:
        (folder / "ca.pem").write_text(CA)
        service = {"apache": "apache2"}.get(server, server)
        # A script of init starts HAProxy without the process that can reload it, unless it is told to.
        machine.run("sh", "-c", "echo 'EXTRAOPTS=-W' >>/etc/default/haproxy")
        backends = [
            subprocess.Popen(
                [*machine.inside, str(BIN / "python"), "-c", BACKEND, str(port), name], stdout=subprocess.PIPE
            )
            for port, name in ((8081, "shop"), (8082, "blog"))
        ]
        for backend in backends:
            backend.stdout.readline()
        try:
            yield Sites(machine, server)
        finally:
            machine.run("service", service, "stop")
            for backend in backends:
                backend.kill()
                backend.wait()
                backend.stdout.close()


BACKEND = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{sys.argv[2]} {self.path} {self.headers.get('X-Forwarded-Proto')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
print("ready", flush=True)
server.serve_forever()
"""

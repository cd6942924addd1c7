# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host for tests: the real tools in a network namespace of this process, files below a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import SEARCH_PATH
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from apart import own_network

SETUP = """
ip link set lo up
ip link add eth0 type veth peer name far0
ip addr add 192.0.2.2/24 dev eth0
ip -6 addr add 2001:db8::2/64 dev eth0 nodad
ip link set eth0 up
ip link set far0 up
ip route add default via 192.0.2.1
ip -6 route add default via 2001:db8::1
"""

SAVED = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:f2b-nginx - [0:0]
:DOCKER - [0:0]
-A INPUT -p tcp -m multiport --dports 80,443 -j f2b-nginx
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh \\"only\\"" -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j DOCKER
-A f2b-nginx -j RETURN
COMMIT
"""
WANTS = "netfilter-persistent"
V4, V6 = "/etc/iptables/rules.v4", "/etc/iptables/rules.v6"


class RootedHost(FirewallHost):
    """The host under test; /proc stays the real one, so that the kernel answers for this namespace."""

    def __init__(self, root):
        self.root = Path(root)
        self.lock_path = str(self.root / "port443.lock")

    def _at(self, path):
        return path if path.startswith("/proc/") else str(self.root) + path

    def read(self, path):
        return super().read(self._at(path))

    def write(self, path, before, after):
        super().write(self._at(path), before, after)

    def refuse_unwritable(self, path):
        super().refuse_unwritable(self._at(path))

    def has_link(self, path):
        return super().has_link(self._at(path))

    def real_path(self, path):
        real, root = super().real_path(self._at(path)), os.path.realpath(self.root)
        if not super().has_link(self._at(path)):
            return super().real_path(path)
        return (real[len(root) :] or "/") if (real + "/").startswith(root + "/") else real

    def is_file(self, path):
        return super().is_file(self._at(path))

    def list_folder(self, path):
        return super().list_folder(self._at(path))

    def ensure(self, check=False, **options):
        """What the module does with these options."""
        return ensure(self, parse_request({"ports": ["80/tcp", "443/tcp"], **options}), check)

    def ensure_killed(self, after):
        """What is left of a run in another process that a signal ends once ``after`` steps are done."""
        child = os.fork()
        if child == 0:
            carry_out, done = apply._carry_out, []

            def die_after(some_host, step):
                if len(done) == after:
                    os.kill(os.getpid(), signal.SIGKILL)
                carry_out(some_host, step)
                done.append(step)

            apply._carry_out = die_after
            self.ensure()
            os._exit(0)
        os.waitpid(child, 0)

    def ensure_as_predicted(self, seen, **options):
        """What the module does once check mode has foretold the same, and changed nothing that ``seen`` returns."""
        before = seen()
        predicted = self.ensure(check=True, **options)
        assert seen() == before
        done = self.ensure(**options)
        assert [str(step) for step in predicted.steps] == [str(step) for step in done.steps]
        assert (predicted.changes, predicted.effective) == (done.changes, done.effective)
        assert predicted.persisted == done.persisted
        return done

    def put(self, path, content):
        """Puts a file there, as an administrator would."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(0o640)

    def enable(self, unit):
        """Enables a systemd unit."""
        self.put(f"/etc/systemd/system/multi-user.target.wants/{unit}.service", "")

    def files(self):
        """Every file with its bytes and mode."""
        found = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return {str(path): (path.read_bytes(), path.stat().st_mode) for path in found}


def tool(*argv, stdin=""):
    """Runs a tool that must succeed and returns its output."""
    environment = {"PATH": SEARCH_PATH, "LC_ALL": "C"}
    ended = subprocess.run(argv, input=stdin, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, "{} said: {}".format(" ".join(argv), ended.stderr)
    return ended.stdout


def rules(frontend="iptables-nft"):
    """All that a frontend has for both IP versions, without comments and counters."""
    texts = [tool(frontend + "-save"), tool(frontend.replace("iptables", "ip6tables") + "-save")]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    return [line.split(" [")[0] if line.startswith(":") else line for line in lines]


def load(save, frontend="iptables-nft", families=(4, 6)):
    """Loads a ruleset for the IP versions, the way a boot does."""
    for family in families:
        name = frontend if family == 4 else frontend.replace("iptables", "ip6tables")
        text = save if family == 4 else save.replace("icmp-host-prohibited", "icmp6-adm-prohibited")
        tool(name + "-restore", stdin=text)


@contextlib.contextmanager
def private_network():
    """Moves this process into a new network namespace with a link eth0, and back."""
    with own_network():
        for line in SETUP.strip().splitlines():
            tool(*line.split())
        yield

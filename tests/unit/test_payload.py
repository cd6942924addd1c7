# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The code of a module about ports as a host gets it: all that is imported, and usable with nothing else at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils import _payload
from ansible_collections.port443.https.plugins.module_utils._renewal import zipapp
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS

MODULES = ("ports", "iptables_ports", "ports_info")
FIREWALLS = ("iptables", "nftables", "firewalld", "ufw", "pf")
ON_THE_HOST = """
import importlib, sys
from {package} import _payload
sys.meta_path.append(_payload.Sources(_payload.unpack(sys.stdin.read())))
importlib.import_module({entry!r}).run
{imports}
print(*sorted(name[len({package!r}) + 1:] for name in sys.modules if name.startswith({package!r} + "._firewalls.")))
"""

CALLED = """
import json, os, sys
{setup}
from ansible.module_utils import basic
from {package} import _payload
basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}}).encode()
basic._ANSIBLE_PROFILE = "legacy"
basic.AnsibleModule.log = lambda self, msg, log_args=None: print(msg, log_args, file=sys.stderr)
_payload.run("ports_info")
"""


# What a task sent to each host at 1743a8c, in bytes, and what is left of it.
BEFORE = 286_000
MOST = 0.6 * BEFORE


@pytest.mark.parametrize("system", [_payload.ANY, _payload.LINUX])
@pytest.mark.parametrize("module", [*MODULES, "sites", "certbot_certificate"])
def test_a_host_unpacks_what_was_packed(module, system, linux):
    entry = _payload.entry_of(module)
    assert _payload.unpack(_payload.pack(entry, system)) == _payload.collect(entry, system)


@pytest.mark.parametrize("module", MODULES)
def test_a_task_sends_at_most_three_fifths_of_what_it_once_sent(module):
    assert len(_payload.pack(_payload.entry_of(module), _payload.LINUX)) <= MOST


def test_a_linux_host_gets_all_but_the_code_of_pf():
    entry = _payload.entry_of("ports")
    everything = _payload.collect(entry)
    unused = {name for name in everything if name[len(_payload.PACKAGE) :].startswith(("._pf", "._firewalls.pf"))}
    assert set(everything) - set(_payload.collect(entry, _payload.LINUX)) == unused
    assert {name.rpartition(".")[2] for name in unused} >= {"platform", "pfctl", "conf"}


def test_of_the_web_servers_a_host_gets_the_code_of_one():
    entry = _payload.entry_of("sites_and_ports")
    servers = set(WEB_SERVERS) - {"nginx"}
    sent = _payload.collect(entry, _payload.LINUX, tuple(f"_webservers/{server}" for server in servers))
    missing = set(_payload.collect(entry, _payload.LINUX)) - set(sent)
    assert {name.split(".")[-2] for name in missing} - {"_webservers"} == servers
    assert f"{_payload.PACKAGE}._webservers.nginx.language" in sent


@pytest.fixture
def linux(monkeypatch):
    """This machine as one that runs Linux, whatever it runs."""
    monkeypatch.setattr(_payload.os, "uname", lambda: SimpleNamespace(sysname="Linux"))


def test_a_controller_without_bz2_packs_for_every_host(monkeypatch):
    entry = _payload.entry_of("ports")
    monkeypatch.setattr(_payload, "bz2", None)
    assert _payload.pack(entry, _payload.LINUX) == _payload.pack(entry)
    assert _payload.unpack(_payload.pack(entry)) == _payload.collect(entry)


@pytest.fixture
def python(tmp_path):
    """Runs a script in a Python that has of this collection what Ansible sends: what ``_payload`` imports."""
    sent = zipapp.collect(_payload.__name__)
    named = [name for name in sent if not name.endswith("/__init__.py")]
    assert len(named) < 6, "each file more takes Ansible longer to send"
    for name, source in sent.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        for part in list(Path(name).parents)[:-1]:
            (tmp_path / part / "__init__.py").touch()

    def run(script, stdin):
        argv = (sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{script}")
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def host(python):
    """Imports what is packed, and returns which code of firewalls that brought."""

    def run(module, imports=""):
        entry = _payload.entry_of(module)
        script = ON_THE_HOST.format(package=_payload.PACKAGE, entry=entry, imports=imports)
        ended = python(script, _payload.pack(entry))
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    return run


def test_a_run_reads_the_code_of_no_firewall_before_it_knows_which(host):
    assert host("ports") == []


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_code_of_each_firewall_is_there_when_it_is_asked_for(host, firewall):
    imports = (
        f"from {_payload.PACKAGE}._ports.registry import BACKENDS; assert BACKENDS[{firewall!r}]().name == {firewall!r}"
    )
    assert f"_firewalls.{firewall}.backend" in host("ports", imports)


def test_other_systems_and_the_report_find_their_code(host):
    pf = f"from {_payload.PACKAGE}._firewalls.pf.platform import PfPlatform"
    assert "_firewalls.pf.platform" in host("ports", pf)
    assert "_firewalls.pf.platform" in host("ports_info", pf)


def test_an_error_shows_the_line_it_comes_from(host):
    broken = f"import traceback; from {_payload.PACKAGE}._spec.request import parse_request\n"
    broken += "try: parse_request(None)\nexcept AttributeError: told = traceback.format_exc()\n"
    broken += "assert 'module_utils/_spec/request.py' in told and 'options.get(' in told, told"
    host("ports", broken)


@pytest.fixture
def called(python, monkeypatch):
    """Calls ports_info with these sources as its code, packed for a system, on a host that ``setup`` makes."""

    def run(sources=None, system=_payload.ANY, setup=""):
        package = {_payload.entry_of("ports_info").rpartition(".")[0]: ""}
        monkeypatch.setattr(_payload, "collect", lambda *_asked: {**package, **sources})
        packed = {} if sources is None else {_payload.ARGUMENT: _payload.pack("", system)}
        return python(CALLED.format(package=_payload.PACKAGE, setup=setup), json.dumps(packed))

    return run


def test_a_module_that_came_without_its_code_says_how_it_is_called(called):
    ended = called()
    assert json.loads(ended.stdout)["msg"] == (
        "ports_info came without its code: call it by its full name, port443.https.ports_info"
    )
    assert ended.returncode == 1


def test_what_a_host_lacks_beside_the_code_is_told_as_it_is(called):
    ended = called({_payload.entry_of("ports_info"): "import no_such_thing"})
    assert "No module named 'no_such_thing'" in ended.stderr
    assert "came without its code" not in ended.stdout


OTHERS = {
    "another system": 'os.uname = lambda: type("Other", (), {"sysname": "FreeBSD"})',
    "a Python that was built without bz2": 'sys.modules["bz2"] = None',
}


@pytest.mark.parametrize("setup", OTHERS.values(), ids=OTHERS)
def test_a_host_that_cannot_use_what_was_packed_runs_nothing_and_says_so(called, setup):
    sources = {_payload.entry_of("ports_info"): "def run(module): module.exit_json(ran=True)"}
    told = [
        json.loads(called(sources, system, there).stdout)
        for system, there in ((_payload.LINUX, setup), (_payload.ANY, setup), (_payload.LINUX, LINUX_HOST))
    ]
    for one in told:
        one.pop("invocation", None)
    assert told == [{"changed": False, _payload.UNFIT: True}, {"ran": True}, {"ran": True}]


LINUX_HOST = 'os.uname = lambda: type("Linux", (), {"sysname": "Linux"})'


# What Ansible logs in place of an argument that is not to be logged.


def test_the_code_is_neither_logged_nor_an_option_that_its_module_sees(called):
    ended = called({_payload.entry_of("ports_info"): "def run(module): module.exit_json(seen=sorted(module.params))"})
    told = json.loads(ended.stdout)
    assert _payload.ARGUMENT not in told["seen"]
    assert "ports" in told["seen"]
    assert _payload.ARGUMENT not in ended.stdout + ended.stderr
    assert set(told) - {"invocation"} == {"seen"}  # which of them there is, is configured
    assert "Invoked with ports=" in ended.stderr

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The code of a module about ports as a host gets it: all that is imported, and usable with nothing else at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils import _payload
from ansible_collections.port443.https.plugins.module_utils._renewal import zipapp

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
import json, sys
from ansible.module_utils import basic
from {package} import _payload
basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}}).encode()
basic._ANSIBLE_PROFILE = "legacy"
basic.AnsibleModule.log = lambda self, msg, log_args=None: print(msg, log_args, file=sys.stderr)
_payload.run("ports_info")
"""


@pytest.mark.parametrize("module", MODULES)
def test_a_host_unpacks_what_was_packed(module):
    entry = _payload.entry_of(module)
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
    """Calls ports_info with these sources as its code."""

    def run(sources=None):
        package = {_payload.entry_of("ports_info").rpartition(".")[0]: ""}
        monkeypatch.setattr(_payload, "collect", lambda entry: {**package, **sources})
        packed = {} if sources is None else {_payload.ARGUMENT: _payload.pack("")}
        return python(CALLED.format(package=_payload.PACKAGE), json.dumps(packed))

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


# What Ansible logs in place of an argument that is not to be logged.


def test_the_code_is_neither_logged_nor_an_option_that_its_module_sees(called):
    ended = called({_payload.entry_of("ports_info"): "def run(module): module.exit_json(seen=sorted(module.params))"})
    told = json.loads(ended.stdout)
    assert _payload.ARGUMENT not in told["seen"]
    assert "ports" in told["seen"]
    assert _payload.ARGUMENT not in ended.stdout + ended.stderr
    assert set(told) - {"invocation"} == {"seen"}  # which of them there is, is configured
    assert "Invoked with ports=" in ended.stderr

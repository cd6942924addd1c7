# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller refuses before a host is touched, and what it hands over."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.action.ports import ActionModule
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._payload import (
    ANY,
    ARGUMENT,
    LINUX,
    UNFIT,
    collect,
    entry_of,
    pack,
    unpack,
)
from ansible_collections.port443.https.plugins.module_utils._ports.registry import BACKENDS
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import (
    PORTS_ARGUMENTS,
    WINDOWS_MODULE,
    arguments_of,
)
from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED, OPTIONS, UNSET
from ansible_collections.port443.https.plugins.plugin_utils._packed import guess_system
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_ports_arguments

REFUSED = [
    ({"ports": ["0/tcp"]}, "between 1 and 65535"),
    ({"ports": ["65536/tcp"]}, "between 1 and 65535"),
    ({"ports": ["443-80/tcp"]}, "rising range"),
    ({"ports": ["443 /tcp"]}, "without spaces"),
    ({"ports": ["443\n/tcp"]}, "ports[0] holds more than one line"),
    ({"ports": ["٤٤٣/tcp"]}, "such as 443/tcp"),
    ({"ports": ["443/icmp"]}, "ports exist in tcp, udp"),
    ({"ports": []}, "ports is empty"),
    ({"source": ["192.0.2.1/24"]}, "write 192.0.2.0/24"),
    ({"source": ["10.0.0.0/99"]}, "not an IPv4 or IPv6 address"),
    ({"source": ["fe80::1%eth0"]}, "option interface"),
    ({"name": "No_Chain"}, "at most 20 characters"),
    ({"interface": ["eth0; reboot"]}, "such as eth0"),
    ({"position": "middle"}, "auto, first, last"),
    ({"backend": "shorewall"}, "auto, iptables, nftables"),
    ({"direction": "out", "source": ["192.0.2.7"]}, "direction: in alone"),
    ({"backend": "iptables", "zone": "public"}, "only of firewalld"),
    ({"timeout": "soon"}, "such as 30m"),
    ({"state": "open"}, "absent, present"),
    ({"port": "443/tcp"}, "there is no option port. Supported parameters include: adopt, anchor"),
    ({"persistent": "perhaps"}, "perhaps"),
]


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=[str(given) for given, _told in REFUSED])
def test_what_cannot_be_meant_is_refused_with_what_would_work(given, told):
    with pytest.raises(AnsibleActionFail) as refusal:
        check_ports_arguments("ports", given)
    assert told in str(refusal.value).replace("present, absent", "absent, present")


def test_ports_and_sources_are_handed_over_in_one_form():
    handed = check_ports_arguments("ports", {"ports": "https,443/tcp,80/tcp", "source": ["192.0.2.7"]})
    assert handed["ports"] == ["80/tcp", "443/tcp"]
    assert handed["source"] == ["192.0.2.7/32"]
    assert handed["backend"] == "auto"


def test_a_module_with_its_backend_fixed_has_no_other():
    assert check_ports_arguments("iptables_ports", {})["backend"] == "iptables"
    with pytest.raises(AnsibleActionFail, match="backend"):
        check_ports_arguments("iptables_ports", {"backend": "auto"})


def test_every_backend_is_offered_and_every_offered_backend_exists():
    assert set(arguments_of("ports")["backend"]["choices"]) == {"auto", *BACKENDS, "windows"}
    assert set(MANAGED) == {*BACKENDS, "windows"}, "Windows is planned for on the controller, and in no registry"


def test_every_option_of_a_backend_is_an_option_of_the_module():
    assert set(UNSET) == {name for names in OPTIONS.values() for name in names}
    assert set(UNSET) <= set(PORTS_ARGUMENTS)


@pytest.mark.parametrize("backend", OPTIONS)
def test_a_module_with_its_backend_fixed_has_the_options_of_that_one_alone(backend):
    module = {"windows": WINDOWS_MODULE}.get(backend, f"{backend}_ports")
    arguments = arguments_of(module)
    assert set(arguments) & set(UNSET) == OPTIONS[backend]
    other = next(name for name in UNSET if name not in OPTIONS[backend])
    with pytest.raises(AnsibleActionFail, match=other):
        check_ports_arguments(module, {other: "x"})


def test_ports_info_is_checked_too():
    assert check_ports_arguments("ports_info", {"ports": ["https"]}) == {
        "ports": ["443/tcp"],
        "source": [],
        "interface": [],
    }
    with pytest.raises(AnsibleActionFail, match="rising range"):
        check_ports_arguments("ports_info", {"ports": ["9-1/tcp"]})


@pytest.fixture
def act(monkeypatch):
    """Runs the action plugin for a task and returns what the host is sent, and the result of its module."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {"invocation": "of the base"})

    def run(written, resolved, given, windows=False):
        action = object.__new__(ActionModule)
        action._task = SimpleNamespace(action=written, resolved_action=resolved, args=given, async_val=7)
        action._connection = SimpleNamespace(_shell=SimpleNamespace(_IS_WINDOWS=True) if windows else object())
        sent = {}
        action._execute_module = lambda **call: sent.update(call) or {"changed": True}
        return sent, action.run(task_vars={"inventory_hostname": "web1"})

    return run


NAMES = [
    ("port443.https.ports", "port443.https.ports", "ports"),
    ("ports_info", "port443.https.ports_info", "ports_info"),  # by the collections of a play
    ("ufw_ports", None, "ufw_ports"),
]


@pytest.mark.parametrize(("written", "resolved", "name"), NAMES)
def test_a_host_is_sent_the_arguments_with_the_code_of_the_module_that_was_meant(act, written, resolved, name):
    sent, result = act(written, resolved, {"ports": ["https"]})
    handed = sent["module_args"]
    assert (sent["module_name"], sent["task_vars"]) == (resolved or written, {"inventory_hostname": "web1"})
    assert sent["wrap_async"] == 7
    assert unpack(handed.pop(ARGUMENT)) == collect(entry_of(name))
    checked = check_ports_arguments(name, {"ports": ["https"]})
    assert handed == {option: value for option, value in checked.items() if value is not None}
    assert ArgumentSpecValidator(arguments_of(name)).validate(handed).error_messages == []  # as on the host
    assert result == {"invocation": "of the base", "changed": True}


def test_what_only_windows_has_is_refused_where_the_connection_does_not_lead_there(act):
    for module, given, told in (
        ("win_firewall_ports", {}, "win_firewall_ports manages Windows Firewall, and this connection does not lead to"),
        ("ports", {"backend": "windows"}, "ports: backend windows is Windows Firewall, and this connection does not"),
        ("ports", {"profiles": ["domain"]}, "ports: profiles is an option of Windows Firewall alone"),
        ("ports", {"edge_traversal": True}, "ports: edge_traversal is an option of Windows Firewall alone"),
    ):
        with pytest.raises(AnsibleActionFail) as problem:
            act(module, f"port443.https.{module}", given)
        assert problem.value.message.startswith(told)


def test_the_firewall_of_sites_takes_nothing_that_only_windows_has():
    from ansible_collections.port443.https.plugins.action.sites import _read_firewall

    params = {"http_port": 80, "port": 443, "http3": False, "state": "present"}
    for firewall in ({"backend": "windows"}, {"profiles": ["public"]}):
        with pytest.raises(RequestError, match=r"leads? to (no )?Windows"):
            _read_firewall({**params, "firewall": firewall})


GUESSES = [
    ({}, {}, LINUX),
    ({"backend": "auto"}, {"ansible_facts": {}}, LINUX),
    ({"backend": "ufw"}, {"ansible_facts": {"system": "Linux"}}, LINUX),
    ({"backend": "auto"}, {"ansible_facts": {"system": "FreeBSD"}}, ANY),
    ({"backend": "pf"}, {}, ANY),
]


@pytest.mark.parametrize(("arguments", "task_vars", "system"), GUESSES)
def test_a_host_runs_linux_unless_something_tells_otherwise(arguments, task_vars, system):
    assert guess_system(arguments, task_vars) == system


@pytest.fixture
def packed_for(monkeypatch):
    """Runs the action plugin for a task against a host that answers so, and returns its result and what was sent."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})

    def run(answers, asynchronous=0):
        action = object.__new__(ActionModule)
        action._task = SimpleNamespace(action="ports", resolved_action=None, args={}, async_val=asynchronous)
        action._connection = SimpleNamespace(_shell=object())
        sent, left = [], list(answers)
        action._execute_module = lambda **call: sent.append(call["module_args"][ARGUMENT]) or left.pop(0)
        return action.run(task_vars={}), sent

    return run


def test_a_host_that_cannot_use_what_it_got_gets_all_the_code_and_answers_then(packed_for):
    result, sent = packed_for([{"changed": False, UNFIT: True}, {"changed": True}])
    assert sent == [pack(entry_of("ports"), LINUX), pack(entry_of("ports"))]
    assert result == {"changed": True}


def test_a_host_that_can_is_asked_once(packed_for):
    result, sent = packed_for([{"changed": True}])
    assert (result, sent) == ({"changed": True}, [pack(entry_of("ports"), LINUX)])


def test_a_job_in_the_background_gets_all_the_code_at_once(packed_for):
    _result, sent = packed_for([{"changed": True}], asynchronous=60)
    assert sent == [pack(entry_of("ports"))]

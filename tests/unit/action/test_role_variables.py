# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable that no role takes is refused before anything happens, and so is a key where none belongs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pki
import pytest
import yaml
from ansible_collections.port443.https.plugins.plugin_utils._role_variables import names_of, roles, unknown

ROOT = Path(__file__).resolve().parents[3]
ROLES = tuple(sorted(path.name for path in (ROOT / "roles").iterdir()))
KEY = pki.site().key_pem().decode()

MEANT = [
    ("open_ports_sources", "open_ports_source"),
    ("open_ports_port", "open_ports_ports"),
    ("open_ports_soruce", "open_ports_source"),
    ("enable_https_source", "open_ports_source"),
    ("enable_https_site", "enable_https_sites"),
    ("enable_https_own_ca", "install_certificate_own_ca"),
    ("serve_https_htpp3", "serve_https_http3"),
    ("install_certificate_ca_cert", "install_certificate_ca"),
    ("verify_https_", "verify_https_ca"),
]


@pytest.mark.parametrize(("name", "nearest"), MEANT)
def test_the_variable_that_was_meant_is_named(name, nearest):
    assert unknown(ROLES, [name], []) == [(name, nearest)]


def test_the_roles_know_what_is_documented():
    assert roles() == ROLES
    for role in ROLES:
        entries = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        documented = {name for entry in entries.values() for name in entry["options"] if not name.startswith("__")}
        assert documented == names_of(role)


def test_every_variable_that_a_role_sets_for_others_is_known():
    set_somewhere = set()
    for path in (ROOT / "roles").glob("*/tasks/*.yml"):
        ours = rf"((?:{'|'.join(ROLES)})_\w+)"
        set_somewhere |= set(re.findall(rf"^ +(?:register: )?{ours}(?::|$)", path.read_text(), re.MULTILINE))
    assert {"verify_https_found", "issue_certificate_fingerprints"} <= set_somewhere
    assert unknown(ROLES, set_somewhere, []) == []


def test_what_belongs_to_others_is_left_alone():
    given = ["open_ports", "my_open_ports_x", "__open_ports_known", "openports_x", "serve_http_x", "open_ports_mine", 7]
    assert unknown(["open_ports"], given, ["open_ports_mine"]) == []
    assert unknown(["open_ports"], ["serve_https_mistaken"], []) == []


def tries(*roles, **options):
    """Tasks that use roles and say whether they got beyond the look at their variables."""
    return [
        {
            "block": [{"ansible.builtin.include_role": {"name": f"port443.https.{role}", **options}}],
            "rescue": [{"ansible.builtin.debug": {"msg": "REFUSED"}}],
        }
        for role in roles
    ]


@pytest.fixture
def use(play, tmp_path):
    """Runs tasks where no module can: whatever a role does beyond, it does not come far."""

    def run(tasks, *flags, **more):
        nowhere = ("-e", "ansible_python_interpreter=/nonexistent", "--check", "-vvv")
        return play(tasks, tmp_path / "play.yml", tmp_path, *nowhere, *flags, **more)

    return run


def refused(said):
    """The messages, each once: Ansible repeats them."""
    return sorted(set(re.findall(r"no role takes these variables: ([^.\n]*)\.", said)))


def test_extra_variables_facts_and_registered_ones_are_looked_at(use):
    tasks = [
        {"ansible.builtin.set_fact": {"open_ports_port": 443}},
        {"ansible.builtin.debug": {"msg": "x"}, "register": "serve_https_result"},
        *tries(*ROLES),
        *tries("enable_https", tasks_from="close"),
        *tries("enable_https", tasks_from="verify"),
        *tries("verify_https", tasks_from="table"),
    ]
    said = use(
        tasks,
        "-e",
        '{"open_ports_sources": [], "verify_https_form": "x", "issue_certificate_x": 1, "install_certificate_y": 2}',
    )
    assert said.count('"msg": "REFUSED"') == len(ROLES) + 3, said
    ports = "open_ports_port (did you mean open_ports_ports?), open_ports_sources (did you mean open_ports_source?)"
    assert ports in refused(said)
    assert [
        told for told in refused(said) if ports in told and "serve_https_result" in told and "verify_https_form" in told
    ]
    assert "port443_other_variables" in said
    assert "Using module file" not in said


def test_variables_of_the_inventory_and_of_tasks_are_looked_at_and_those_of_others_are_not(use, tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("open_ports_sources: [10.0.0.0/8]\nopen_ports_theirs: 1\n")
    (tmp_path / "host_vars" / "host.yml").write_text("open_ports_sauce: []\nverify_https_found: {}\n")
    task = tries("open_ports")
    task[0]["block"][0]["vars"] = {"open_ports_postion": "first", "port443_other_variables": ["open_ports_theirs"]}
    said = use(task)
    assert refused(said) == [
        "open_ports_postion (did you mean open_ports_position?), open_ports_sauce (did you mean open_ports_source?), "
        "open_ports_sources (did you mean open_ports_source?)"
    ]
    everything = [f"open_ports_{ending}" for ending in ("theirs", "sauce", "sources", "postion")]
    said = use(task, "-e", json.dumps({"port443_other_variables": everything}))
    assert "The arg spec validation passed" in said
    assert refused(said) == []


WRONG = [
    ("enable_https", {"enable_https_sites": [{"name": "a", "key_file": "{{ vault_key }}"}]}),
    ("enable_https", {"enable_https_sites": [{"name": "a", "remote_src": "{{ vault_key }}"}]}),
    ("enable_https", {"enable_https_sites": "{{ vault_key }}"}),
    ("enable_https", {"install_certificate_own_ca": "{{ vault_key }}", "enable_https_sites": [{"name": "a"}]}),
    ("enable_https", {"enable_https_sites": [{"name": "a", "acme": {"email": "{{ vault_key }}"}}]}),
    ("install_certificate", {"install_certificate_state": "{{ vault_key }}"}),
    ("install_certificate", {"install_certificate_keep": "{{ vault_key }}"}),
    ("issue_certificate", {"issue_certificate_sites": [{"name": "{{ vault_key }}"}]}),
    ("issue_certificate", {"issue_certificate_ca": "{{ vault_key }}"}),
    ("open_ports", {"open_ports_name": "{{ vault_key }}"}),
    ("serve_https", {"serve_https_sites": [{"name": "a", "key_path": "{{ vault_key }}"}]}),
    ("serve_https", {"serve_https_sites": [{"name": "a", "directives": ["{{ vault_key }}"]}]}),
    ("verify_https", {"verify_https_fingerprints": {"a": "{{ vault_key }}"}}),
]


def quotes(text):
    pieces = [line[at : at + 12] for line in KEY.split() for at in range(0, len(line) - 12, 12)]
    return [piece for piece in pieces if piece in text and "-----" not in piece]


@pytest.mark.parametrize("debug", ["false", "true"])
def test_a_key_in_a_variable_of_a_role_is_refused_and_not_shown(use, monkeypatch, debug):
    monkeypatch.setenv("ANSIBLE_DEBUG", debug)
    tasks = []
    for role, variables in WRONG:
        (task,) = tries(role)
        task["block"][0]["vars"] = variables
        tasks.append(task)
    said = use(tasks, vars={"vault_key": KEY})
    assert said.count('"msg": "REFUSED"') == len(WRONG), said
    assert "Using module file" not in said
    assert quotes(said) == []

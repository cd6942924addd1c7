# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of the roles says what the roles do: the same defaults, the same options, all of them used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml
from ansible_collections.port443.https.plugins.plugin_utils._enabled_https import ISSUED_PART

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def read(role: str, path: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / role / path).read_text(encoding="utf-8"))


def options(role: str, entry: str = "main") -> Dict[str, Any]:
    found: Dict[str, Any] = read(role, "meta/argument_specs.yml")["argument_specs"][entry]["options"]
    return {name: option for name, option in found.items() if not name.startswith("__")}


def options_of_all_entries(role: str) -> Dict[str, Any]:
    entries = read(role, "meta/argument_specs.yml")["argument_specs"]
    return {name: option for entry in entries for name, option in options(role, entry).items()}


def site(role: str) -> Dict[str, Any]:
    found: Dict[str, Any] = options(role)[f"{role}_sites"]["options"]
    return found


def is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_are_the_documented_ones(role: str) -> None:
    defaults = {name: None if is_template(value) else value for name, value in read(role, "defaults/main.yml").items()}
    assert defaults == {name: option.get("default") for name, option in options_of_all_entries(role).items()}


@pytest.mark.parametrize("role", ROLES)
def test_ansible_looks_for_unknown_variables_before_it_looks_at_any_value(role: str) -> None:
    for entry, spec in read(role, "meta/argument_specs.yml")["argument_specs"].items():
        assert next(iter(spec["options"])) == f"__{role}_known", entry
    looked: str = read(role, "vars/main.yml")[f"__{role}_known"]
    named = re.findall(r"'(\w+)'", looked)
    # The report looks at what all others do, none of which writes one.
    all_of = {"enable_https": [name for name in ROLES if name != "report_https"], "report_https": ROLES}
    assert named == all_of.get(role, [role])
    assert len(looked) > 120, "Ansible shows that much of all arguments where one fails"


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_begins_with_the_name_of_its_role(role: str) -> None:
    assert [name for name in read(role, "defaults/main.yml") if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_and_every_key_of_a_site_is_in_the_readme(role: str) -> None:
    readme = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    names = [
        *options(role),
        *(site(role) if role in ("install_certificate", "issue_certificate", "serve_https") else []),
    ]
    assert [name for name in names if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("role", ROLES)
def test_the_main_tasks_stay_short(role: str) -> None:
    assert len((ROOT / "roles" / role / "tasks" / "main.yml").read_text(encoding="utf-8").splitlines()) < 60


def test_a_site_is_what_the_module_takes_it_for() -> None:
    documented = module_options("sites")["sites"]["suboptions"]
    assert comparable(site("serve_https")) == comparable(documented)
    acme = site("enable_https")["acme"]
    assert set(ISSUED_PART) | set(acme.pop("options")) == set(site("issue_certificate"))
    assert comparable({**site("enable_https"), "acme": documented["acme"]}) == comparable(documented)
    assert set(site("install_certificate")) == set(module_options("certificate")["sites"]["suboptions"])
    # On Windows alone, where enable_https serves no sites.
    assert set(site("install_certificate")) - {"bindings"} <= set(documented)


def comparable(described: Dict[str, Any]) -> Dict[str, Any]:
    """Options without what differs between a module and a role: names in their descriptions, marks of secrets."""
    found = {}
    for name, option in described.items():
        inner = comparable(option.get("suboptions", option.get("options", {})))
        told = [option["description"]] if isinstance(option["description"], str) else option["description"]
        text = re.sub(r"[OC]\((serve_https_|enable_https_)?(haproxy_)?", "(", " ".join(" ".join(told).split()))
        kept = {key: option[key] for key in ("type", "elements", "choices", "default", "required") if key in option}
        found[name] = {**kept, "description": text, "options": inner}
    return found


def test_what_holds_for_all_sites_is_what_the_module_takes_it_for() -> None:
    """Every option of the module is a variable; its default is the module's, or another role's variable."""
    documented = module_options("sites")
    given = {re.sub("^serve_https_(haproxy_)?", "", name): option for name, option in options("serve_https").items()}
    assert set(given) == set(documented) - {"ca_file"}
    for name, option in given.items():
        assert option.get("choices") == documented[name].get("choices"), name
        if "default" in option and option["default"] not in ("", []):
            assert option["default"] == documented[name]["default"], name


def test_all_entry_points_describe_their_variables_alike() -> None:
    main = options("enable_https")
    for entry in ("close", "verify"):
        described = options("enable_https", entry)
        assert described == {name: main[name] for name in described}


@pytest.mark.parametrize("role", ["enable_https", "install_certificate", "serve_https"])
def test_the_content_of_a_key_is_marked_secret(role: str) -> None:
    assert [name for name, option in site(role).items() if option.get("no_log")] == ["key", "bundle", "passphrase"]
    marked = [name for name, option in options(role).items() if option.get("no_log")]
    assert marked == [name for name in options(role) if name.endswith("_passphrase")]


@pytest.mark.parametrize("role", ["issue_certificate"])
def test_every_key_of_a_site_is_used(role: str) -> None:
    used = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("tasks", "templates", "vars")
        for path in (ROOT / "roles" / role).glob(f"{folder}/*")
    )
    used += "".join(
        (ROOT / "plugins" / "plugin_utils" / name).read_text(encoding="utf-8")
        for name in ("_dns_certificates.py", "_issued_refusals.py")
    )
    assert [name for name in site(role) if not re.search(rf"site\.{name}\b|\"{name}\"", used)] == []


@pytest.mark.parametrize("role", [role for role in ROLES if role != "enable_https"])
def test_our_modules_get_options_they_have(role: str) -> None:
    """Ansible would say so at run time; here a misspelling shows before."""
    calls = [call for path in (ROOT / "roles" / role / "tasks").glob("*.yml") for call in calls_of(path)]
    assert calls != []
    assert [
        (module, option) for module, given in calls for option in given if option not in module_options(module)
    ] == []


def calls_of(path: Path) -> List[Tuple[str, Dict[str, Any]]]:
    """The calls of the collection's modules in a file of tasks, as (module, options)."""
    tasks = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = []
    while tasks:
        task = tasks.pop()
        tasks += [inner for part in ("block", "rescue", "always") for inner in task.get(part, [])]
        found += [
            (key[len("port443.https.") :], given) for key, given in task.items() if key.startswith("port443.https.")
        ]
    return found


def module_options(module: str) -> Dict[str, Any]:
    """The options a module documents, those of its fragments included."""
    documented = read_block(ROOT / "plugins" / "modules" / f"{module}.py", "DOCUMENTATION")
    found: Dict[str, Any] = documented.get("options", {})
    for fragment in documented.get("extends_documentation_fragment", []):
        name, _dot, part = fragment.replace("port443.https.", "").partition(".")
        path = ROOT / "plugins" / "doc_fragments" / f"{name}.py"
        found.update(read_block(path, part.upper() or "DOCUMENTATION").get("options", {}))
    return found


def read_block(path: Path, name: str) -> Dict[str, Any]:
    text = re.search(name + r' = r"""\n(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL)
    assert text
    block: Dict[str, Any] = yaml.safe_load(text.group(1))
    return block

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A boolean that comes as a text, from ``-e`` or an inventory in INI form, means what the argument spec takes it for.

YAML itself leaves ``y`` and ``n`` texts, which the argument spec takes and the filter ``bool`` does not.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml
from jinja2 import Environment, nodes

ROLES = Path(__file__).resolve().parents[3] / "roles"
OURS = ("install_certificate", "issue_certificate", "open_ports", "serve_https")
# What Ansible makes of backslashes before it has Jinja read them does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")
CONDITIONS = ("when", "that", "until", "changed_when", "failed_when")


@functools.lru_cache(maxsize=None)
def options(role: str) -> Dict[str, Any]:
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: Dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def booleans_among(described: Dict[str, Any]) -> List[str]:
    return [name for name, option in described.items() if option["type"] == "bool"]


def booleans(role: str) -> List[str]:
    return booleans_among(options(role))


def booleans_of_a_site(role: str) -> List[str]:
    return booleans_among(options(role).get(f"{role}_sites", {}).get("options", {}))


@pytest.mark.parametrize("role", OURS)
def test_no_boolean_is_used_as_it_came(role: str) -> None:
    used = [
        f"{path.relative_to(ROLES)}: {name}" for path, text in templates(role) for name in raw_uses(role, parse(text))
    ]
    assert used == []


@pytest.mark.parametrize("role", OURS)
def test_no_condition_of_a_task_uses_a_boolean_as_it_came(role: str) -> None:
    used = [
        f"{path.relative_to(ROLES)}: {condition}"
        for path in sorted((ROLES / role).glob("*/*.yml"))
        for condition in conditions(yaml.safe_load(path.read_text(encoding="utf-8")))
        if raw_uses(role, parse("{{ " + condition + " }}"))
    ]
    assert used == []


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("{{ 1 if serve_https_ipv6 else 2 }}", ["serve_https_ipv6"]),
        ("{{ 1 if site.redirect | default(true) else 2 }}", ["redirect"]),
        ("{{ 1 if not serve_https_sites[0]['redirect'] else 2 }}", ["redirect"]),
        ("{{ serve_https_sites | selectattr('default_server') }}", ["default_server"]),
        ("{{ serve_https_sites | map(attribute='redirect') }}", ["redirect"]),
        ("{{ serve_https_ipv6 is ansible.builtin.truthy }}", ["serve_https_ipv6"]),
        ("{{ serve_https_ipv6 is defined and site.redirect is defined }}", []),
        ("{{ serve_https_sites | selectattr('redirect', 'defined') }}", []),
        ("{{ site.redirect | default(true) is ansible.builtin.truthy(convert_bool=true) }}", []),
        ("{{ serve_https_sites | selectattr('redirect', 'ansible.builtin.truthy', convert_bool=true) }}", []),
        ("{{ serve_https_port }}", []),
    ],
)
def test_a_raw_use_is_seen(text: str, raw: List[str]) -> None:
    assert raw_uses("serve_https", parse(text)) == raw


def parse(text: str) -> nodes.Template:
    return Environment().parse(text)  # noqa: S701 - parsed alone


def raw_uses(role: str, tree: nodes.Node) -> List[str]:
    """The boolean options in an expression that no ``truthy(convert_bool=true)`` reads.

    Whether one is defined may be asked, and names of keys in a call of selectattr and its like are taken for uses.
    """
    own, of_a_site = booleans(role), booleans_of_a_site(role)
    return [name for kind, name in names_in(tree, read=False) if name in (own if kind == "variable" else of_a_site)]


def names_in(node: nodes.Node, read: bool) -> Iterator[Tuple[str, Any]]:
    """What is used, as (variable or key, name)."""
    if isinstance(node, nodes.Test):
        read = node.name in ("defined", "undefined") or converts(node.name, node.kwargs)
    elif isinstance(node, nodes.Filter) and node.name in ("selectattr", "rejectattr", "map"):
        tests = [argument.value for argument in node.args[1:2] if isinstance(argument, nodes.Const)]
        if not any(test in ("defined", "undefined") or converts(test, node.kwargs) for test in tests):
            given = [*node.args[:1], *(pair.value for pair in node.kwargs if pair.key == "attribute")]
            yield from (("key", argument.value) for argument in given if isinstance(argument, nodes.Const))
    elif not isinstance(node, nodes.Filter) or node.name not in ("default", "d"):
        if not read:
            yield from used_by(node)
        read = False
    for inner in node.iter_child_nodes():
        yield from names_in(inner, read)


def used_by(node: nodes.Node) -> Iterator[Tuple[str, Any]]:
    if isinstance(node, nodes.Name) and node.ctx == "load":
        yield "variable", node.name
    elif isinstance(node, nodes.Getattr):
        yield "key", node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        yield "key", node.arg.value


def converts(test: str, arguments: List[nodes.Keyword]) -> bool:
    told = [argument.value for argument in arguments if argument.key == "convert_bool"]
    return test == "ansible.builtin.truthy" and [value.value for value in told if isinstance(value, nodes.Const)] == [
        True
    ]


def templates(role: str) -> Iterator[Any]:
    """The templates of a role and the texts in its files of variables and tasks that are templates.

    Not those that are nothing but one variable or key: that is handed on, to a module that reads it itself.
    """
    for path in sorted((ROLES / role).glob("templates/*")):
        yield path, path.read_text(encoding="utf-8")
    for path in sorted((ROLES / role).glob("*/*.yml")):
        if path.parent.name in ("tasks", "handlers", "vars", "defaults"):
            for text in texts_in(yaml.safe_load(path.read_text(encoding="utf-8"))):
                if "{{" in text and not is_handed_on(parse(text.strip())):
                    yield path, text


def is_handed_on(tree: nodes.Template) -> bool:
    output = tree.body[0]
    if len(tree.body) != 1 or not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return False
    node: nodes.Node = output.nodes[0]
    while isinstance(node, nodes.Filter) and node.name == "default" and isinstance(node.node, nodes.Node):
        node = node.node
    return isinstance(node, (nodes.Name, nodes.Getattr))


def texts_in(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else []:
        yield from texts_in(inner)


def conditions(data: Any) -> Iterator[str]:
    """Every condition in a file of tasks, those in blocks and of assert too."""
    if isinstance(data, dict):
        for key in CONDITIONS:
            given = data.get(key, [])
            yield from map(str, given if isinstance(given, list) else [given])
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else []:
        yield from conditions(inner)

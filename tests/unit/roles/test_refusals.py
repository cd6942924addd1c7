# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What serve_https refuses before anything changes, and what it says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
import yaml

TASKS = Path(__file__).resolve().parents[3] / "roles" / "serve_https" / "tasks" / "validate.yml"

# What Ansible makes of backslashes before it has Jinja read them does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


@pytest.fixture
def refused(templated: Callable[..., Any]) -> Callable[..., List[str]]:
    """What the assertions of the role that do not hold say of these sites."""

    def says(sites: List[Dict[str, Any]], **given: Any) -> List[str]:
        told = []
        for task in yaml.safe_load(TASKS.read_text(encoding="utf-8")):
            known = {**trusted(task.get("vars", {})), "serve_https_sites": sites, **given}

            def holds(expression: str, known: Dict[str, Any] = known) -> bool:
                return bool(templated("serve_https", f"{{{{ {expression} }}}}", **known))

            if "ansible.builtin.assert" in task and all(map(holds, as_list(task.get("when", [])))):
                asserted = task["ansible.builtin.assert"]
                if not all(map(holds, as_list(asserted["that"]))):
                    told.append(templated("serve_https", asserted["fail_msg"], **known))
        return told

    return says


def as_list(given: Any) -> List[str]:
    return given if isinstance(given, list) else [given]


def trusted(variables: Dict[str, str]) -> Dict[str, str]:
    from ansible.template import trust_as_template

    return {name: trust_as_template(text) for name, text in variables.items()}


GOOD = {
    "name": "shop.example",
    "names": ["shop.example", "*.shop.example"],
    "proxy_pass": "http://127.0.0.1:8080",
    "certificate_path": "/etc/ssl/shop.pem",
    "key_path": "/etc/ssl/shop.key",
}


def test_sites_that_can_be_served_are_not_refused(refused: Callable[..., List[str]]) -> None:
    assert refused([GOOD, {"name": "blog.example", "root": "/srv/blog"}]) == []


@pytest.mark.parametrize(
    ("own", "rejected"),
    [
        ({"names": ["shop.example", "a b"]}, "a b"),
        ({"names": "shop.example, a;b"}, "a;b"),
        ({"key_path": "/etc/my keys/shop.key"}, "/etc/my keys/shop.key"),
        ({"proxy_pass": "127.0.0.1:8080"}, "127.0.0.1:8080"),
        ({"names": ["a b"], "key_path": "etc", "proxy_pass": "app"}, "a b, etc, app"),
    ],
)
def test_what_a_configuration_cannot_hold_is_named_and_nothing_else(
    refused: Callable[..., List[str]], own: Dict[str, Any], rejected: str
) -> None:
    [told] = refused([{**GOOD, **own}, {"name": "blog.example", "names": ["blog.example"], "root": "/srv/blog"}])
    assert told.endswith(f"hash sign: {rejected}")


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_a_site_has_a_root_or_a_proxy_pass(refused: Callable[..., List[str]], server: str) -> None:
    sites = [{**GOOD, "root": "/srv/shop"}, {"name": "blog.example", "root": "/srv/blog"}]
    [told] = refused(sites, serve_https_server=server)
    assert told.endswith("leave one of them out. Both have: shop.example")
    assert refused(sites, serve_https_server=server, serve_https_state="absent") == []


def test_haproxy_says_of_both_that_it_serves_no_files(refused: Callable[..., List[str]]) -> None:
    [told] = refused([{**GOOD, "root": "/srv/shop"}], serve_https_server="haproxy")
    assert told.startswith("HAProxy serves no files")

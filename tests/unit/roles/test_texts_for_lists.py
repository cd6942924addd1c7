# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text where a list is meant, which passes the argument spec, is no list of letters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
import yaml

# What Ansible makes of backslashes before it has Jinja read them does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")

ROLES = Path(__file__).resolve().parents[3] / "roles"
SERVERS = ("nginx", "apache", "haproxy")
# Each list of a site as (a text, the list that is meant). Names are split as Ansible itself splits; a comma in a
# directive belongs to it.
MEANT = {
    "names": [
        ("www.example.com", ["www.example.com"]),
        ("example.com,*.example.com, example.org", ["example.com", "*.example.com", "example.org"]),
    ],
    "directives": [
        ("client_max_body_size 20m;", ["client_max_body_size 20m;"]),
        ('add_header X-Whom "you, me";', ['add_header X-Whom "you, me";']),
        ("gzip on;\ngzip_types text/css;\n", ["gzip on;", "gzip_types text/css;"]),
    ],
}


def lists_of_a_site(role: str) -> List[str]:
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.safe_load(text)["argument_specs"]["main"]["options"][f"{role}_sites"]["options"]
    return [name for name, option in options.items() if option["type"] == "list"]


def sites(**own: Any) -> List[Dict[str, Any]]:
    return [
        {"name": "blog.example", "proxy_pass": "http://127.0.0.1:8081"},
        {"name": "shop.example", "proxy_pass": "http://127.0.0.1:8080", **own},
    ]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("option", lists_of_a_site("serve_https"))
def test_a_text_is_written_as_the_list_that_is_meant(
    render: Callable[..., List[str]], server: str, option: str
) -> None:
    for text, meant in MEANT[option]:
        written = render(server, serve_https_sites=sites(**{option: text}))
        assert written == render(server, serve_https_sites=sites(**{option: meant}))
        assert all(word.lstrip("*.") in "".join(written) for word in meant)


@pytest.mark.parametrize(("text", "meant"), MEANT["names"])
@pytest.mark.parametrize("variable", ["names", "claims", "claimed_twice"])
def test_the_names_of_a_text_are_looked_at_as_those_of_a_list(
    templated: Callable[..., Any], variable: str, text: str, meant: List[str]
) -> None:
    found = [
        templated(
            "serve_https",
            f"{{{{ __serve_https_{variable} }}}}",
            serve_https_sites=[*sites(names=names), {"name": "other", "names": meant[0]}],
        )
        for names in (text, meant)
    ]
    assert found[0] == found[1]
    assert meant[0] in found[0]


@pytest.mark.parametrize("role", ["install_certificate", "issue_certificate"])
def test_the_names_of_a_certificate_are_those_of_the_text(templated: Callable[..., Any], role: str) -> None:
    def names(**site: Any) -> Any:
        return templated(role, f"{{{{ __{role}_names }}}}", **{f"__{role}_site": {"name": "site", **site}})

    for text, meant in MEANT["names"]:
        assert (names(names=text), names(names=meant)) == (meant, meant)
    assert (names(), names(names=["a,b"])) == (["site"], ["a,b"])


@pytest.mark.parametrize("role", ["install_certificate", "issue_certificate", "serve_https"])
def test_no_task_and_no_template_uses_names_as_they_came(role: str) -> None:
    raw = [
        f"{path.name}: {line.strip()}"
        for path in sorted([*(ROLES / role).glob("tasks/*"), *(ROLES / role).glob("templates/*")])
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"site\.names\b(?! is defined)|attribute='names'", line)
    ]
    assert raw == []

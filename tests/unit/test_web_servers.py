# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What options and their documentation offer of web servers is what the registries have."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._certificate.request import ARGUMENT_SPEC
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import INSTALLATION
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS
from ansible_collections.port443.https.plugins.modules.certificate_info import OPTIONS

ROOT = Path(__file__).parents[2]
DOCUMENTED = {
    "doc_fragments/web_server.py": ("server", WEB_SERVERS),
    "doc_fragments/certificate.py": ("service", (*WEB_SERVERS, "none")),
    "modules/certificate_info.py": ("service", (*WEB_SERVERS, "none")),
}
ROLES = {
    "serve_https": ("serve_https_server", WEB_SERVERS),
    "install_certificate": ("install_certificate_service", (*WEB_SERVERS, "none")),
}


def choices_in(path, option):
    """The choices of an option in a module or a fragment, which may have several parts."""
    tree = ast.parse((ROOT / "plugins" / path).read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    documented = [yaml.safe_load(text)["options"] for text in texts if "options:\n" in text]
    (described,) = [options[option] for options in documented if option in options]
    return described["choices"]


def test_specifications_offer_each_server():
    assert ARGUMENTS["server"]["choices"] == list(WEB_SERVERS)
    assert ARGUMENT_SPEC["service"]["choices"] == OPTIONS["service"]["choices"] == [*WEB_SERVERS, "none"]
    assert INSTALLATION["service"]["choices"] == [*WEB_SERVERS, "none"]


@pytest.mark.parametrize("path", DOCUMENTED)
def test_documentation_offers_each_server(path):
    option, choices = DOCUMENTED[path]
    assert choices_in(path, option) == list(choices)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_offers_each_server(role):
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    option, choices = ROLES[role]
    assert specs["argument_specs"]["main"]["options"][option]["choices"] == list(choices)


def test_the_readme_names_each_server():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [title for title in (load().title for load in LANGUAGES.values()) if title not in text] == []

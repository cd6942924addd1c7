# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has Ansible's own templating answer for a role, without a play."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from played import ANSIBLE_PLAYBOOK, play, served

ROLES = Path(__file__).resolve().parents[3] / "roles"
RELEASES = {
    "nginx": ["nginx version: nginx/1.22.1", "nginx version: nginx/1.26.3"],
    "apache": ["Server version: Apache/2.4.62 (Debian)"],
    "haproxy": ["HAProxy version 3.0.11-1"],
}

# Roles are read on a controller. A host has none of this, nor has the environment that stands in for the oldest one.
collect_ignore = (
    []
    if importlib.util.find_spec("jinja2")
    else ["test_booleans.py", "test_issue_certificate.py", "test_refusals.py", "test_texts_for_lists.py"]
) + ([] if ANSIBLE_PLAYBOOK.exists() else ["test_enable_https.py", "test_verify_https.py"])
__all__ = ["play", "served"]


def variables_of(role: str, *files: str) -> Dict[str, Any]:
    """What is in files of a role, as Ansible loads them."""
    from ansible.parsing.dataloader import DataLoader

    loaded: Dict[str, Any] = {}
    for file in files:
        loaded.update(DataLoader().load_from_file(str(ROLES / role / file), trusted_as_template=True))
    return loaded


@pytest.fixture(scope="session")
def templated() -> Callable[..., Any]:
    """What becomes of an expression in a role, given these variables."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar, trust_as_template

    init_plugin_loader([])

    def template(role: str, text: str, **given: Any) -> Any:
        files = ["defaults/main.yml", "vars/main.yml", *(["vars/Debian.yml"] if role == "serve_https" else [])]
        known = {**variables_of(role, *files), "role_path": str(ROLES / role), **given}
        return Templar(loader=DataLoader(), variables=known).template(trust_as_template(text))

    return template


@pytest.fixture(scope="session")
def render(templated: Callable[..., Any]) -> Callable[..., List[str]]:
    """What serve_https would write for a server: each file, for each release that it tells apart."""

    def texts(server: str, **given: Any) -> List[str]:
        file = "haproxy.cfg.j2" if server == "haproxy" else f"{server}.conf.j2"
        lookup = f"{{{{ lookup('ansible.builtin.template', '{ROLES}/serve_https/templates/{file}') }}}}"
        return [
            templated(
                "serve_https",
                lookup,
                serve_https_server=server,
                __serve_https_site=site,
                __serve_https_version={"stdout": release, "stderr": ""},
                __serve_https_listens={"stdout": "Listen 80\n"},
                __serve_https_built={"rc": 0, "stdout": "+QUIC +QUIC_OPENSSL_COMPAT"},
                **given,
            )
            for release in RELEASES[server]
            for site in (given["serve_https_sites"] if server != "haproxy" else given["serve_https_sites"][:1])
        ]

    return texts

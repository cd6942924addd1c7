# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has Ansible's own templating answer for a role, without a play."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from played import ANSIBLE_PLAYBOOK, play, served

ROLES = Path(__file__).resolve().parents[3] / "roles"

# Roles are read on a controller. A host has none of this, nor has the environment that stands in for the oldest one.
collect_ignore = (
    []
    if importlib.util.find_spec("jinja2")
    else ["test_booleans.py", "test_issue_certificate.py", "test_texts_for_lists.py"]
) + ([] if ANSIBLE_PLAYBOOK.exists() else ["test_enable_https.py", "test_verify_https.py"])
__all__ = ["play", "served"]


def variables_of(role: str, *files: str) -> Dict[str, Any]:
    """What is in files of a role, as Ansible loads them."""
    from ansible.parsing.dataloader import DataLoader

    loaded: Dict[str, Any] = {}
    for file in files:
        loaded.update(DataLoader().load_from_file(str(ROLES / role / file), trusted_as_template=True))
    return loaded


@contextlib.contextmanager
def collections_found_by_ansible() -> Iterator[None]:
    """Has Ansible's own finder import collections, for as long as the block lasts.

    Tests that ran before have imported modules of ours without it, and those that run later do.
    """
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    imported = {name: sys.modules.pop(name) for name in _list_modules()}
    init_plugin_loader([])
    try:
        yield
    finally:
        _AnsibleCollectionFinder._remove()
        for name in _list_modules():
            del sys.modules[name]
        sys.modules.update(imported)


def _list_modules() -> List[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]


@pytest.fixture(scope="module")
def templated() -> Iterator[Callable[..., Any]]:
    """What becomes of an expression in a role, given these variables."""
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar, trust_as_template

    def template(role: str, text: str, **given: Any) -> Any:
        known = {**variables_of(role, "defaults/main.yml", "vars/main.yml"), "role_path": str(ROLES / role), **given}
        return Templar(loader=DataLoader(), variables=known).template(trust_as_template(text))

    with collections_found_by_ansible():
        yield template

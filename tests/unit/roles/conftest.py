# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leaves out what takes Ansible where there is none."""

from __future__ import annotations

import importlib.util

from played import ANSIBLE_PLAYBOOK, play, served

# Roles are read on a controller. A host has none of this, nor has the environment that stands in for the oldest one.
collect_ignore = [
    *([] if importlib.util.find_spec("jinja2") else ["test_booleans.py"]),
    *([] if ANSIBLE_PLAYBOOK.exists() else ["test_enable_https.py", "test_verify_https.py"]),
    *([] if importlib.util.find_spec("ansible_runner") else ["test_runner.py"]),
]
__all__ = ["play", "served"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what kind of system a connection leads to, by its shell, before anything is asked of the host."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


def leads_to_windows(action: ActionBase) -> bool:
    """Tells whether the connection of a task leads to Windows."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))

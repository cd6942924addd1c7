# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what kind of system a connection leads to, by its shell, before anything is asked of the host."""

from __future__ import annotations

from ansible.plugins.action import ActionBase


def leads_to_windows(action: ActionBase) -> bool:
    """Tells whether the connection of a task leads to Windows."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


# Connections that reach a host through its firewall, so that a new one proves that others get in as well.
_THROUGH_THE_FIREWALL = ("ssh", "paramiko", "paramiko_ssh", "libssh", "ansible.netcommon.libssh")


def is_cut_by_firewall(action: ActionBase) -> bool:
    """Tells whether the connection is one that the host's firewall could cut, unlike a local one or a container's."""
    return getattr(action._connection, "transport", "") in _THROUGH_THE_FIREWALL

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what a connection says of a host before anything is asked of it: Windows or not, and what could cut it off."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.plugins.action import ActionBase

_CONNECTIONS = ("winrm", "psrp")
_SHELLS = ("powershell", "cmd")
# Connections that reach a host through its firewall, so that a new one proves that others get in as well.
_THROUGH_THE_FIREWALL = ("ssh", "paramiko", "paramiko_ssh", "libssh", "ansible.netcommon.libssh")


def leads_to_windows(action: ActionBase) -> bool:
    """Tells whether the connection of a task leads to Windows."""
    return bool(getattr(action._connection._shell, "_IS_WINDOWS", False))


def are_of_windows(variables: Mapping[str, Any]) -> bool:
    """Tells whether the variables of a host name a connection or a shell of Windows, where no connection is at hand."""
    connection, shell = (str(variables.get(f"ansible_{name}") or "") for name in ("connection", "shell_type"))
    return connection.rpartition(".")[2] in _CONNECTIONS or shell.rpartition(".")[2] in _SHELLS


def is_cut_by_firewall(action: ActionBase) -> bool:
    """Tells whether the connection is one that the host's firewall could cut, unlike a local one or a container's."""
    return getattr(action._connection, "transport", "") in _THROUGH_THE_FIREWALL

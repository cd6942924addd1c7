# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the scripts and systemd units that seem to build firewall rules at boot."""

from __future__ import annotations

from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

# Where people keep the shell scripts that build their rules at boot; systemd units may hold the commands themselves.
_SCRIPTS = ("/etc/rc.local", "/etc/rc.d/rc.local", "/etc/network/interfaces")


_SCRIPT_FOLDERS = (
    "/etc/network/if-pre-up.d",
    "/etc/network/if-up.d",
    "/etc/network/interfaces.d",
    "/etc/NetworkManager/dispatcher.d",
    "/etc/networkd-dispatcher/routable.d",
    "/etc/local.d",
    "/etc/systemd/system",
)
_UNIT_ENDINGS = (".service", ".conf", ".target", ".timer", ".path", ".socket", ".mount")


_UNIT_ENDINGS = (".service", ".conf", ".target", ".timer", ".path", ".socket", ".mount")


def observe_scripts(host: FirewallHost, word: bytes = b"iptables") -> Tuple[str, ...]:
    """Returns the boot-time scripts and units that mention a tool."""
    paths = list(_SCRIPTS)
    for folder in _SCRIPT_FOLDERS:
        paths += [f"{folder}/{name}" for name in host.list_folder(folder)]
    return tuple(path for path in paths if host.is_file(path) and _runs(path, host.read(path) or b"", word))


def _runs(path: str, content: bytes, word: bytes) -> bool:
    """Tells whether a line that is run names a tool; of a unit these are those of Exec, not Conflicts= and the like."""
    lines = [line.strip() for line in content.replace(b"\\\n", b" ").splitlines()]
    if path.endswith(_UNIT_ENDINGS):
        lines = [line for line in lines if line.startswith(b"Exec")]
    return any(word in line for line in lines if not line.startswith((b"#", b";")))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role serve_https knows of each system is what its tasks ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[3] / "roles" / "serve_https" / "vars"
SYSTEMS = sorted(path.stem for path in FOLDER.glob("*.yml") if path.stem != "main")
ALWAYS = {"package", "service", "look", "test"}


def layouts(system: str) -> Dict[str, Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = yaml.safe_load((FOLDER / f"{system}.yml").read_text(encoding="utf-8"))[
        "__serve_https_layouts"
    ]
    return found


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_server_has_what_it_takes(system: str) -> None:
    for server, layout in layouts(system).items():
        place = {"block_in"} if server == "haproxy" else {"written_to", "linked_from", "root"}
        assert ALWAYS | place <= set(layout), server
        commands = {name: layout[name] for name in layout if name in ("look", "test", "forget", "install")}
        if server == "haproxy":
            assert commands.pop("test") == "{{ __serve_https_haproxy_test }}"  # it depends on a variable of the role
        assert all(isinstance(command, list) for command in commands.values())


@pytest.mark.parametrize("system", ["FreeBSD", "OpenBSD", "Darwin"])
def test_nginx_alone_is_managed_where_there_is_no_apt_and_no_systemd(system: str) -> None:
    found = layouts(system)
    assert list(found) == ["nginx"]
    # The module package needs another collection there, and the module service knows no launchd.
    assert {"install", "listeners", "forget"} <= set(found["nginx"])
    assert ({"start", "reload", "pid_file"} <= set(found["nginx"])) == (system == "Darwin")
    assert ("main" in found["nginx"]) == (system != "Darwin")

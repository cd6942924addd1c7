# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What installs a missing server: Ansible's own module, a command of the system, or Homebrew as its owner."""

from __future__ import annotations

import getpass
from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._sites.server import _find_installer
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.layout import find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem


def test_where_the_module_package_knows_a_way_there_is_no_command():
    assert _find_installer(find_layout(HostSystem("Debian"))) == ()


@pytest.mark.parametrize(("system", "command"), [("FreeBSD", "pkg"), ("OpenBSD", "pkg_add")])
def test_a_bsd_has_a_command_of_its_own(system, command):
    layout = find_layout(HostSystem(system))
    assert command in layout.install
    assert _find_installer(layout) == layout.install


def test_homebrew_installs_for_its_owner(tmp_path):
    brew = tmp_path / "brew"
    layout = replace(find_layout(HostSystem("Darwin")), install=(str(brew), "install"))
    with pytest.raises(HostError, match="comes from Homebrew, which is neither in"):
        _find_installer(layout)
    brew.touch()
    assert _find_installer(layout) == ("sudo", "-u", getpass.getuser(), "-H", str(brew), "install")

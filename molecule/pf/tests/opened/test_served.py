# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx serves the site as this system has it: started by its own means, now and at boot."""

from __future__ import annotations

import plistlib

import pytest

SITE = "www.port443.example"


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_client_gets_the_page_of_this_system(target, family):
    address = target.ipv4 if family == "ipv4" else f"[{target.ipv6}]"
    shown = target.run(
        "curl --silent --show-error --max-time 10 --insecure --output /dev/null "
        f"--write-out '%{{http_code}}' --connect-to {SITE}:443:{address}:443 https://{SITE}/"
    )
    assert shown == "200"


def test_the_key_is_roots_alone(target):
    path = f"/etc/port443/{SITE}/current/privkey.pem"
    assert target.run(f"stat --dereference --format '%a %u %g' {path}").strip() == "600 0 0"


def test_nginx_comes_back_at_boot(target):
    if target.variables["system"] == "Darwin":
        path = "/Library/LaunchDaemons/homebrew.mxcl.nginx.plist"
        assert plistlib.loads(target.read(path).encode("ascii"))["RunAtLoad"]
    elif target.variables["system"] == "FreeBSD":
        assert 'nginx_enable="YES"' in target.read("/etc/rc.conf").splitlines()
    else:
        assert "pkg_scripts=nginx" in target.read("/etc/rc.conf.local").splitlines()


def test_the_main_file_includes_the_sites_once(target):
    lines = target.read(f"{target.variables['nginx']}/nginx.conf").splitlines()
    ours = [line for line in lines if "port443" in line]
    assert len(ours) == (0 if target.variables["system"] == "Darwin" else 1)

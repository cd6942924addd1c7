# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that is not there is asked of the controller where that installs it, and is a failure elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils._entry import sites
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._sites.server import MissingServerError
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteLayout


@pytest.fixture
def serve(monkeypatch):
    """What the module says on a host without nginx."""

    def ensure(*words):
        raise MissingServerError(SiteLayout(("nginx-light",), "nginx", "nginx", "/etc/nginx/nginx.conf"))

    def run(install):
        monkeypatch.setattr(sites, "parse", lambda params: SimpleNamespace(server="nginx", install=install))
        monkeypatch.setattr(sites, "ensure", ensure)
        module = SimpleNamespace(check_mode=False, selinux_enabled=lambda: False, tmpdir="", all_params=dict)
        return sites.serve(module)

    return run


def test_the_controller_is_told_which_packages_bring_it(serve):
    told = {"server": "nginx", "packages": ["nginx-light"], "command": []}
    assert serve(install=True) == ({"changed": False, "missing": told}, ())


def test_a_task_that_nobody_waits_for_fails_and_does_not_say_that_all_is_well(serve):
    with pytest.raises(HostError) as refused:
        serve(install=False)
    assert refused.value.message == (
        "nginx is not installed on this host (packages: nginx-light): install it before, or set install: true in a "
        "task without async"
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""verify_https looks at a Windows host from the controller, and so needs nothing of that host but that it answers."""

from __future__ import annotations

import pki
import pytest
from controller_of_windows import WindowsController
from played_certificates import NAME, OURS, PlayedWindows, certificates, values
from played_http_sys import HttpSys

EC, EC2 = certificates()["ec"], certificates()["ec2"]


@pytest.fixture
def port(tmp_path):
    """The port of a played http.sys with a certificate."""
    folder = tmp_path / "played"
    folder.mkdir()
    played = PlayedWindows(folder)
    with HttpSys(played, (EC, EC2)).listening() as port:
        played.reset({f"0.0.0.0:{port}": values(EC, OURS)})
        yield port


def test_a_windows_host_is_looked_at_without_a_powershell(tmp_path, port):
    controller = WindowsController(tmp_path, "/nonexistent")
    controller.set_state()
    variables = {
        "verify_https_addresses": ["127.0.0.1"],
        "verify_https_names": [NAME],
        "verify_https_port": port,
        "verify_https_family": ["ipv4"],
        "verify_https_checks": ["tcp", "names", "chain"],
        "verify_https_ca": pki.root().pem().decode() + pki.intermediate().pem().decode(),
        "verify_https_wait": 0,
    }
    role = {"name": "port443.https.verify_https", "apply": {"ignore_errors": True}}
    look = {"ansible.builtin.include_role": role}
    for issued, failed in ((EC, 0), (EC2, 1)):
        expected = {"verify_https_fingerprints": {NAME: issued.sha256()}}
        controller.play({**look, "vars": {**variables, **expected}})
        assert controller.said.count("fatal: [windows]") == failed, controller.said

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each server as serve_https sets it up offers what Mozilla's profile says and nothing else, in a stranger's eyes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pki
import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._probe.finding import SocketPlace
from ansible_collections.port443.https.plugins.module_utils._probe.server import check_quic
from private_machine import PrivateMachine, private_machine
from safe_folder import make_safe_folder, miss
from scanner import scan

MOZILLA = yaml.safe_load(Path(__file__).with_name("mozilla.yml").read_text())
SERVERS = {"nginx": "nginx", "apache": "apache2", "haproxy": "haproxy"}
SITES = {
    "ecdsa.example.com": pki.site("ecdsa.example.com"),
    "rsa.example.com": pki.site("rsa.example.com", key="rsa2048"),
}
# Of the profile's ciphers those of DHE come into play where the server has parameters for them; Apache brings its own.
WITH_DHE = ("apache",)


@dataclass(frozen=True)
class Served:
    server: str
    machine: PrivateMachine
    variables: dict

    def serve(self, **variables):
        return self.machine.play(["serve_https"], {**self.variables, **variables})


@pytest.fixture(params=list(SERVERS), scope="module")
def served(request, collections_path):
    """A server on a machine of its own, not set up yet, and certificates for two sites."""
    if shutil.which(SERVERS[request.param]) is None:
        miss(f"{request.param} is not installed")
    with make_safe_folder() as folder, private_machine(folder, collections_path) as machine:
        (folder / "ca.pem").write_bytes(pki.root().pem())
        # A script of init starts HAProxy without the process that can reload it, unless it is told to.
        machine.run("sh", "-c", "echo 'EXTRAOPTS=-W' >>/etc/default/haproxy")
        variables = {
            "install_certificate_sites": [
                {
                    "name": name,
                    "certificate": (site.pem() + pki.intermediate().pem()).decode(),
                    "key": site.key_pem().decode(),
                }
                for name, site in SITES.items()
            ],
            "install_certificate_ca": pki.root().pem().decode(),
            "serve_https_server": request.param,
            "serve_https_sites": [{"name": name, **content_of(request.param)} for name in SITES],
        }
        code, said = machine.play(["install_certificate"], variables)
        assert code == 0, said
        yield Served(request.param, machine, variables)


def content_of(server):
    return {"proxy_pass": "http://127.0.0.1:8080"} if server == "haproxy" else {}


def suites_for(name, server, suites):
    """What can be agreed on with that certificate: the suites of TLS 1.3 do not name its kind of key."""
    kind = f"-{name.split('.')[0].upper()}-"
    return {one for one in suites if one.startswith("TLS_") or (kind in one and not is_left_out(server, one))}


def is_left_out(server, suite):
    return suite.startswith("DHE-") and server not in WITH_DHE


@pytest.mark.parametrize("profile", ["intermediate", "modern"])
def test_a_stranger_sees_the_profile_and_nothing_else(served, profile):
    code, said = served.serve(serve_https_profile=profile)
    assert code == 0, said
    wanted, server = MOZILLA[profile], served.server
    assert scan(SITES, served.machine.folder / "ca.pem") == {
        name: {
            "suites": {version: suites_for(name, server, wanted["suites"][version]) for version in wanted["protocols"]},
            "curves": set(wanted["curves"]),
            "dh_bits": {wanted["dh_bits"]}
            if profile == "intermediate" and server in WITH_DHE and name.startswith("rsa")
            else set(),
            "chain": [site.sha256(), pki.intermediate().sha256()],
            "trusted": [True],
            # sslyze knows tickets of TLS 1.2 alone; in TLS 1.3 every server resumes, and by nothing but tickets.
            "tickets": "NOT_SUPPORTED" if profile == "intermediate" else "SERVER_IS_TLS_1_3_ONLY",
            "weak": [],
        }
        for name, site in SITES.items()
    }


# What the program says of itself where it was built with HTTP/3.
SPEAKS_HTTP3 = {
    "nginx": ("nginx -V", "--with-http_v3_module"),
    "haproxy": ("haproxy -vv", "+QUIC"),
    "apache": ("", "-"),
}


def test_http3_is_served_where_the_server_can_and_else_refused(served):
    command, words = SPEAKS_HTTP3[served.server]
    can = words in served.machine.run("sh", "-c", f"{command} 2>&1").stdout
    code, said = served.serve(serve_https_http3=True)
    if can:
        assert code == 0, said
        for family, address in (("ipv4", "127.0.0.1"), ("ipv6", "::1")):
            assert check_quic(SocketPlace("", address, family, 443), 5).startswith("QUIC")
    else:
        assert (code, "http3" in said, "changed=0" in said) == (2, True, True), said

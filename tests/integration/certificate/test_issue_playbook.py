# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What no CA can be asked for is refused on the controller, with a reason, before anything is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SITE = "www.example.com"
DNS = {"issue_certificate_challenge": "dns-01", "issue_certificate_dns_tasks": "dns.yml"}
HAPROXY = {"serve_https_server": "haproxy"}
AGREED = {"issue_certificate_terms_agreed": True}
VARIABLE = "(in the role issue_certificate an option is a variable, such as issue_certificate_"
ACCOUNT = {"issue_certificate_account_mac_key": "c2VjcmV0LW1hYy1rZXk"}


def play(folder, collections_path, role, variables, environment):
    """Returns what a play of one role over this machine says; the play is expected to fail.

    It is a check: what is not refused would be done to this machine.
    """
    task = {"ansible.builtin.import_role": {"name": f"port443.https.{role}"}}
    (folder / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [task]}])
    )
    (folder / "inventory").write_text(f"host ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    ended = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "inventory", "--check", "play.yml"],
        env=dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(collections_path),
            ANSIBLE_LOCAL_TEMP=str(folder / "tmp"),
            ANSIBLE_NOCOLOR="1",
            **environment,
        ),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("role", "variables", "environment", "reason"),
    [
        ("issue_certificate", {}, {}, f"set terms_agreed: true if you agree to them {VARIABLE}terms_agreed)"),
        ("issue_certificate", {"issue_certificate_state": "prepared"}, {}, f"to them {VARIABLE}terms_agreed)"),
        ("issue_certificate", DNS, {}, "set issue_certificate_terms_agreed to true if you agree"),
        ("enable_https", {}, {}, "set issue_certificate_terms_agreed to true if you agree"),
        (
            "issue_certificate",
            {**AGREED, **DNS},
            {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false", "ANSIBLE_HOME": "/nonexistent"},
            "ansible-galaxy collection install 'community.crypto:>=2.10.0'",
        ),
        (
            "issue_certificate",
            {**AGREED, **DNS, "issue_certificate_dns_tasks": ""},
            {},
            "issue_certificate_dns_tasks names a file of tasks",
        ),
        (
            "issue_certificate",
            {**AGREED, **ACCOUNT},
            {},
            f"account_mac_key go together: a CA that wants them gives out both {VARIABLE}account_key_id)",
        ),
        (
            "issue_certificate",
            {**AGREED, "issue_certificate_sites": [{"name": SITE, "names": "*.a.example"}, {"name": "b c"}]},
            {},
            "sites[1] (b c): name 'b c' cannot be a directory's name",
        ),
        (
            "enable_https",
            {
                **AGREED,
                "enable_https_sites": [{"name": SITE, "acme": {}, "self_signed": True}, {"name": "x", "acme": {}}],
            },
            {},
            f"sites[0] ({SITE}): it has acme, which has a certificate issued, and a certificate of yours",
        ),
        ("enable_https", {**AGREED, **HAPROXY}, {}, "set serve_https_acme_port to a port of 127.0.0.1"),
    ],
)
def test_it_is_refused_before_anything_is_touched(tmp_path, collections_path, role, variables, environment, reason):
    sites = {
        "issue_certificate_sites": [{"name": SITE}],
        "enable_https_sites": [{"name": SITE, "acme": {}, "proxy_pass": "http://127.0.0.1:8080"}],
    }
    given = {f"{role}_sites": sites[f"{role}_sites"], **variables}
    said = play(tmp_path, collections_path, role, given, environment)
    assert reason in " ".join(said.split())
    assert "changed=0 " in said
    assert "c2VjcmV0" not in said
    assert {path.name for path in tmp_path.iterdir()} <= {"play.yml", "inventory", "tmp"}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook verify_https ends with one table of all hosts, and with a failure of each that fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pki
import pytest
import yaml
from controller import BIN

CHECKS = ["tcp", "tls", "names", "chain", "versions"]


@pytest.fixture
def verify(web, first):
    (web.folder / "ca.pem").write_bytes(pki.root().pem())
    web.add_site()
    web.install(first, service="none", prove=False)
    web.start()

    def play(**hosts):
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_host": "127.0.0.1",
            "serve_https_port": web.port,
            "verify_https_checks": CHECKS,
            "verify_https_wait": 0,
            "enable_https_ca": (web.folder / "ca.pem").read_text(),
            "enable_https_sites": [{"name": "www.example.com"}],
        }
        (web.folder / "inventory.yml").write_text(
            yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}, sort_keys=False)
        )
        command = [BIN / "ansible-playbook", "-i", str(web.folder / "inventory.yml"), "port443.https.verify_https"]
        environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(web.collections_path), ANSIBLE_NOCOLOR="1")
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        tables = re.findall(r'"msg": (\[[^]]*"host [^]]*\])', ended.stdout)
        assert len(tables) == 1, ended.stdout + ended.stderr
        return ended.returncode, [line.split("  ") for line in json.loads(tables[0])], ended.stdout

    return play


def cells(row):
    return [cell.strip() for cell in row if cell.strip()]


def test_hosts_that_are_well_end_in_success(verify):
    code, table, _said = verify(one={}, two={})
    assert (code, list(map(cells, table))) == (0, [["host", *CHECKS], ["one", *["ok"] * 5], ["two", *["ok"] * 5]])


def test_one_host_that_fails_fails_the_run_after_the_table(verify):
    code, table, said = verify(
        good={}, closed={"serve_https_port": 1}, empty={"enable_https_sites": []}, broken={"enable_https_sites": 5}
    )
    assert (code, list(map(cells, table))) == (
        2,
        [
            ["host", *CHECKS, "ends"],
            ["good", *["ok"] * 5, "-"],
            ["closed", "refused", *["not tried"] * 4, "in the host"],
            ["empty", "ok", "ok", "wrong name", "untrusted", "ok", "-"],
            ["broken", *["no answer"] * 5, "-"],
        ],
    )
    assert dict(re.findall(r"^(\w+) +: ok=.* failed=(\d)", said, re.MULTILINE)) == {
        "good": "0",
        "closed": "1",
        "empty": "1",
        "broken": "1",
    }
    assert dict(re.findall(r'"msg": "HTTPS does not work as it should on (\w+): ([^:]*):', said)) == {
        "closed": "5 of 5 checks failed",
        "empty": "2 of 5 checks failed",
    }


def test_a_report_alone_ends_in_success(verify):
    code, table, _said = verify(closed={"serve_https_port": 1, "verify_https_report_only": True})
    assert (code, list(map(cells, table))) == (
        0,
        [["host", *CHECKS, "ends"], ["closed", "refused", *["not tried"] * 4, "in the host"]],
    )

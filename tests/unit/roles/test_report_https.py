# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook report: what it writes of hosts that answer, of those that do not, and of those that lie."""

from __future__ import annotations

import json
from typing import Any

REPORT = "port443.https.report"
CLOSED = {
    "verify_https_addresses": ["127.0.0.1"],
    "verify_https_port": 1,
    "verify_https_checks": ["tcp", "tls"],
    "verify_https_wait": 0,
}
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_timeout": 1}


def test_hosts_that_cannot_be_looked_at_are_told_and_fail_nothing(play: Any, tmp_path: Any) -> None:
    code, said = play(REPORT, {"web": {}, "gone": GONE}, **CLOSED)
    assert code == 0, said
    told = json.loads((tmp_path / "https-report/report.json").read_text())
    states = {host["name"]: (host["state"], host["checks"]) for host in told["hosts"]}
    checks = {"tcp": "refused", "tls": "not tried"}
    assert states == {"web": ("attention", checks), "gone": ("no answer", checks)}
    assert "/nonexistent/python" in str(told["hosts"][0]["problems"])
    assert "2 hosts: 0 well, 1 need attention, 1 gave no answer. See" in said
    page = (tmp_path / "https-report/report.html").read_text()
    assert page.count("<details") == 2
    assert "{{" not in page
    assert 'port443_host_answered{host="gone"} 0\n' in (tmp_path / "https-report/report.prom").read_text()


def test_a_rehearsal_writes_nothing(play: Any, tmp_path: Any) -> None:
    code, said = play(REPORT, {"web": {}}, "--check", **CLOSED)
    assert (code, (tmp_path / "https-report").exists()) == (0, False), said


def test_a_misspelt_variable_is_refused_before_a_host_is_touched(play: Any) -> None:
    code, said = play(REPORT, {"web": {"report_https_port": ["443/tcp"]}})
    assert code == 2
    assert "report_https_port (did you mean report_https_ports?)" in said


def test_without_a_probe_nothing_is_looked_at_from_outside(play: Any, tmp_path: Any) -> None:
    code, said = play(REPORT, {"web": {}}, "-e", "report_https_probe=false", **CLOSED)
    assert code == 0, said
    (host,) = json.loads((tmp_path / "https-report/report.json").read_text())["hosts"]
    assert (host["checks"], host["state"]) == ({}, "no answer")

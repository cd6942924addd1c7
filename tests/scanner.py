# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sslyze, a TLS scanner of another make with an OpenSSL of its own, sees of a server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

from safe_folder import miss

SSLYZE = Path(__file__).resolve().parent.parent / ".cache" / "env" / "scan" / "bin" / "sslyze"
VERSIONS = {"SSLv2": "ssl_2_0", "SSLv3": "ssl_3_0"} | {f"TLSv1.{minor}": f"tls_1_{minor}" for minor in range(4)}
LOOKED_AT = (
    *("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "elliptic_curves", "certinfo", "resum", "early_data"),
    *("compression", "reneg", "fallback", "ems", "heartbleed", "openssl_ccs", "robot"),
)


def scan(names, ca_file, address="127.0.0.1", port=443):
    """Returns what each of the names is served with; its exit code says what it thinks of that, which is not asked."""
    if not SSLYZE.exists():
        miss("sslyze is not installed: tools/environment scan")
    targets = [f"{name}:{port}{{{address}}}" for name in names]
    options = ("--mozilla_config=disable", "--json_out=-", "--certinfo_ca_file", str(ca_file))
    ended = subprocess.run(
        (str(SSLYZE), *options, *(f"--{command}" for command in LOOKED_AT), *targets),
        env=dict(os.environ, HOME=str(ca_file.parent)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout.startswith("{"), ended.stdout + ended.stderr
    results = json.loads(ended.stdout)["server_scan_results"]
    return {result["server_location"]["hostname"]: read(result, ca_file) for result in results}


def read(result, ca_file):
    """Returns what matters of one server's result; every look has to have come to an end."""
    assert result["scan_status"] == "COMPLETED", result["connectivity_error_trace"]
    looks = {look: found for look, found in result["scan_result"].items() if found["status"] != "NOT_SCHEDULED"}
    broken = {look: found["error_trace"] for look, found in looks.items() if found["status"] != "COMPLETED"}
    assert (broken, len(looks)) == ({}, len(LOOKED_AT))
    found = {look: answer["result"] for look, answer in looks.items()}
    accepted = {version: found[f"{look}_cipher_suites"]["accepted_cipher_suites"] for version, look in VERSIONS.items()}
    (deployed,) = found["certificate_info"]["certificate_deployments"]
    return {
        "suites": {
            version: {suite["cipher_suite"]["openssl_name"] for suite in suites}
            for version, suites in accepted.items()
            if suites
        },
        "curves": {curve["name"] for curve in found["elliptic_curves"]["supported_curves"]},
        "dh_bits": {
            suite["ephemeral_key"]["size"]
            for suite in accepted["TLSv1.2"]
            if suite["cipher_suite"]["openssl_name"].startswith("DHE-")
        },
        "chain": [
            base64.b64decode(certificate["fingerprint_sha256"]).hex()
            for certificate in deployed["received_certificate_chain"]
        ],
        "trusted": [
            path["was_validation_successful"]
            for path in deployed["path_validation_results"]
            if path["trust_store"]["path"] == str(ca_file)
        ],
        "tickets": found["session_resumption"]["tls_ticket_resumption_result"],
        "weak": sorted(weaknesses(found)),
    }


def weaknesses(found):
    """Names what no profile allows."""
    renegotiation = found["session_renegotiation"]
    lacks = {
        "no secure renegotiation": not renegotiation["supports_secure_renegotiation"],
        "renegotiation by the client": renegotiation["is_vulnerable_to_client_renegotiation_dos"],
        "compression": found["tls_compression"]["supports_compression"],
        "early data": found["tls_1_3_early_data"]["supports_early_data"],
        "Heartbleed": found["heartbleed"]["is_vulnerable_to_heartbleed"],
        "CCS injection": found["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"],
        "ROBOT": not found["robot"]["robot_result"].startswith("NOT_VULNERABLE"),
    }
    return [weakness for weakness, there in lacks.items() if there]

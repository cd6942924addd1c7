# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the CA issued is served, and everything is there that renews it."""

from __future__ import annotations

import pytest

# The sites of a host, by what comes before its own name.
SITES = ["", "api."]


@pytest.mark.parametrize("site", SITES)
def test_a_client_trusts_what_is_served(target, peer, site):
    name = f"{site}{target.name}.port443.example"
    shown = peer.run(
        "curl --silent --show-error --max-time 10 --cacert /tmp/ca.pem --output /dev/null "
        f"--write-out '%{{ssl_verify_result}}' --connect-to {name}:443:{target.ipv4}:443 https://{name}/"
    )
    assert shown == "0"


@pytest.mark.parametrize("site", SITES)
def test_what_is_served_is_the_newest(target, site):
    name = f"{site}{target.name}.port443.example"
    served = target.run(
        f"openssl s_client -connect 127.0.0.1:443 -servername {name} </dev/null 2>/dev/null | openssl x509 -outform PEM"
    )
    assert served == target.run(f"openssl x509 -in /etc/letsencrypt/live/port443-{name}/cert.pem")


def test_keys_are_for_root_alone(target):
    path = f"/etc/port443/{target.name}.port443.example/current/privkey.pem"
    assert target.run(f"stat --dereference --format '%U:%G %a' {path}") == "root:root 600"


def test_the_timers_run(target):
    for timer in ("certbot.timer", "port443-renewal.timer"):
        assert target.run(f"systemctl is-active {timer}") == "active"
        assert target.run(f"systemctl is-enabled {timer}") == "enabled"


def test_the_program_is_roots_and_whole(target):
    path = "/var/lib/port443/renewal.pyz"
    assert target.run(f"stat --format '%U:%G %a' {path}") == "root:root 755"
    assert target.run(f"cd / && {path} && python3 -I {path}") == ""


def test_the_key_that_bound_the_account_is_nowhere(target):
    """certbot writes its arguments into its log."""
    places = "/etc/letsencrypt /etc/systemd /var/lib/letsencrypt /var/lib/port443 /var/log/letsencrypt /tmp /root"
    assert target.run(f"grep -rlF -e WNDZM6eQGHWpSRTPal5eIUYFTu7EajVI {places} || true") == ""


def test_the_administrators_certificate_has_no_hook_of_ours(target):
    name = f"own.{target.name}.port443.example"
    assert "renewal.pyz" not in target.read(f"/etc/letsencrypt/renewal/{name}.conf")
    assert target.run("find /etc/letsencrypt/renewal-hooks -type f") == ""

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP/3 is spoken where it was asked for, and nowhere else is it offered."""

from __future__ import annotations

import pytest

SITE = "www.port443.example"
OFFER = 'alt-svc: h3=":443"; ma=86400'


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_http3_is_spoken_where_it_was_asked_for(target, address):
    wanted = target.variables.get("serve_https_http3", False)
    ask = f"curl --silent --show-error --insecure --max-time 10 --output /dev/null --resolve {SITE}:443:{address}"
    headers = target.run(f"{ask} --dump-header - https://{SITE}/").lower().splitlines()
    assert [line for line in headers if line.startswith("alt-svc:")] == ([OFFER] if wanted else [])
    if wanted:
        # From the host itself, as the peer's curl cannot; that the packets get in, the check from the peer has said.
        assert target.run(f"{ask} --http3-only --write-out '%{{http_version}}' https://{SITE}/") == "3"

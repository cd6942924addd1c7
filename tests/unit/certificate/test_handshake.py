# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The handshake of a pair with itself finds what no reading of the certificate tells."""

from __future__ import annotations

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import _handshake
from ansible_collections.port443.https.plugins.module_utils._certificate._chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._certificate._handshake import Trust
from ansible_collections.port443.https.plugins.module_utils._errors import RuleError

NOW = int(pki.NOW.timestamp())


def rehearse(site, trust):
    pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW)
    return _handshake.verify_chain(pair, trust, _handshake.load_pair(pair))


@pytest.mark.parametrize(
    "trust", [Trust(system=False), Trust(system=False, authorities=pki.root().pem())], ids=["none", "root"]
)
@pytest.mark.parametrize("key", ["p256", "ed25519"])
def test_a_pair_that_serves_tls_1_3_alone_is_refused(key, trust):
    """keyUsage without digitalSignature: OpenSSL looks at it in TLS 1.2 and not in TLS 1.3 (1.1.1 to 3.5)."""
    site = pki.issue("www.example.com", ["www.example.com"], issuer=pki.intermediate(), key=key, signs=False)
    with pytest.raises(RuleError) as refused:
        rehearse(site, trust)
    assert refused.value.message.startswith("no handshake of TLS 1.2 succeeds with the pair: ")

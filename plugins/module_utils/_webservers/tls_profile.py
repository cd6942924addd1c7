# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mozilla's TLS profiles: protocols, ciphers and key exchange groups.

Version 5.8 of wiki.mozilla.org/Security/Server_Side_TLS. Modern is TLS 1.3 alone, whose ciphers are all good.
"""

from __future__ import annotations

from typing import Dict, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.site import Profile

PROTOCOLS: Dict[Profile, Tuple[str, ...]] = {"intermediate": ("TLSv1.2", "TLSv1.3"), "modern": ("TLSv1.3",)}
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
)
_GROUPS = ("X25519", "prime256v1", "secp384r1")
_HYBRID = "X25519MLKEM768"
_HYBRID_SINCE = (3, 5)  # OpenSSL's; before that, a group that it does not know is refused


def groups(openssl: Tuple[int, ...]) -> Tuple[str, ...]:
    """Returns the groups to offer, best first, of a TLS library of that release; empty is one that is not known."""
    return (_HYBRID, *_GROUPS) if openssl >= _HYBRID_SINCE else _GROUPS

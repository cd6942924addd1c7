# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The firewalls that can be managed, a line each. Imports are static, as only what is imported so is sent to a host."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.port443.https.plugins.module_utils._backends._firewalld._backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._backend import Iptables
from ansible_collections.port443.https.plugins.module_utils._backends._nftables._backend import Nftables
from ansible_collections.port443.https.plugins.module_utils._backends._pf._backend import Pf
from ansible_collections.port443.https.plugins.module_utils._backends._ufw._backend import Ufw
from ansible_collections.port443.https.plugins.module_utils._plan import Backend

BACKENDS: Dict[str, Backend[Any]] = {
    "iptables": Iptables(),
    "firewalld": Firewalld(),
    "nftables": Nftables(),
    "ufw": Ufw(),
    "pf": Pf(),
}

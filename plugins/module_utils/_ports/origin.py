# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which file of the host what decides about a port is written, as far as that is known."""

from __future__ import annotations

from typing import List, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import origin as _firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables import origin as _iptables
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import origin as _nftables
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.files import observe_files
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import LOADERS

# before and after hold what ufw's own package and the administrator wrote, user what the command ufw was told.
_UFW = tuple(
    (family, f"/etc/ufw/{name}{end}.rules")
    for family, end in ((4, ""), (6, "6"))
    for name in ("before", "user", "after")
)


def find_origin(host: Host, kernel: Kernel, answer: Verdict) -> str:
    """Returns the file, and mostly the line, that what decided comes from; empty where that is not known.

    Raises HostError for a file that cannot be read.
    """
    if not answer.chain:
        return ""
    origin = _firewalld.find_origin(answer, host.is_file)
    if origin or answer.frontend != "nft":
        return origin or _iptables.find_origin(_read_rules_files(host), answer)
    files = (_nftables.find_origin(file.sources, answer, _count(kernel, answer)) for file in observe_files(host))
    return next((found for found in files if found), "")


def _read_rules_files(host: Host) -> List[Tuple[int, str, str]]:
    paths = [(family, path) for loader in LOADERS for family, path in loader.paths.items()]
    found: List[Tuple[int, str, str]] = []
    for family, path in (*paths, *_UFW):
        content = host.read(path)
        if content is not None:
            found.append((family, path, content.decode("utf-8", "surrogateescape")))
    return found


def _count(kernel: Kernel, answer: Verdict) -> int:
    """How many rules the kernel has in the chain that what decided stands in, as nft counts them."""
    for table in kernel.ruleset:
        chain = table.chain(answer.chain)
        if (table.frontend, table.family, table.name) == ("nft", answer.family, answer.table) and chain:
            return len({rule.handle for rule in chain.rules})
    return 0

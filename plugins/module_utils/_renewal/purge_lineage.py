# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes a lineage of ours from certbot, whole or not, and keys that it left behind.

``certbot delete`` refuses what a certbot that was killed left behind, and up to 2.x the folders ``keys`` and ``csr``
of certbot hold a copy of every key and request, which nothing removes.
"""

from __future__ import annotations

import os
import shutil
from typing import List, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import read_certificate
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import renewal_file
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths


def find_traces(layout: RenewalPaths, site: str) -> Tuple[str, ...]:
    """Returns the paths that are there because of a site: what renews it, its links, its files, copies of its keys."""
    archive = os.path.join(layout.certbot, "archive", layout.lineage(site))
    paths = [renewal_file(layout, site), layout.live(site), archive]
    return (*(path for path in paths if os.path.lexists(path)), *_find_copies(layout, archive))


def purge_lineage(host: Host, layout: RenewalPaths, site: str) -> None:
    """Removes what find_traces finds, by certbot where it can; raises OSError."""
    traces = find_traces(layout, site)
    if renewal_file(layout, site) in traces and host.find("certbot") is not None:
        _certbot.run(host, _certbot.delete_command(layout.lineage(site)))
    for path in traces:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


def _find_copies(layout: RenewalPaths, archive: str) -> List[str]:
    """Returns the files in certbot's keys and csr that have a key of an archive."""
    keys: Set[bytes] = set()
    public: Set[bytes] = set()
    for name, content in _read_all(archive):
        if name.startswith("privkey"):
            keys.add(content)
        elif name.startswith("cert"):
            public.update(_public_keys(content))
    copies = [
        os.path.join(layout.certbot, "keys", name)
        for name, content in _read_all(f"{layout.certbot}/keys")
        if content in keys
    ]
    for name, content in _read_all(f"{layout.certbot}/csr"):
        if any(spki in block for spki in public for block in _blocks(content)):
            copies.append(os.path.join(layout.certbot, "csr", name))
    return copies


def _public_keys(pem: bytes) -> List[bytes]:
    try:
        return [read_certificate(block, "certificate").key.spki for block in _blocks(pem)]
    except UserError:
        return []


def _blocks(pem: bytes) -> List[bytes]:
    try:
        return [block.der for block in read_pem(pem, "certificate").blocks]
    except UserError:
        return []


def _read_all(folder: str) -> List[Tuple[str, bytes]]:
    found = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                found.append((name, stream.read()))
    return found

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes a lineage of ours from certbot, whole or not, and keys that it left behind.

``certbot delete`` refuses what a certbot that was killed left behind, and up to 2.x the folders ``keys`` and ``csr``
of certbot hold a copy of every key and request, also of those that a CA refused, which nothing removes.
"""

from __future__ import annotations

import os
import shutil
from typing import FrozenSet, List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._pki.der import (
    SEQUENCE,
    DerError,
    read_bits,
    read_element,
    read_elements,
    write_element,
)
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import read_certificate
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import renewal_file
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

_DNS_NAME = 0x82  # of a subjectAltName (RFC 5280, 4.2.1.6)


def find_traces(layout: RenewalPaths, site: str) -> Tuple[str, ...]:
    """Returns the paths that are there because of a site: what renews it, its links, its files, copies of its keys."""
    archive = os.path.join(layout.certbot, "archive", layout.lineage(site))
    paths = [renewal_file(layout, site), layout.live(site), archive]
    return (*(path for path in paths if os.path.lexists(path)), *_find_copies(layout, archive))


def purge_lineage(host: Runner, layout: RenewalPaths, site: str) -> None:
    """Removes what find_traces finds, by certbot where it can; raises OSError."""
    traces = find_traces(layout, site)
    if renewal_file(layout, site) in traces and host.find("certbot") is not None:
        _certbot.run(host, _certbot.delete_command(layout.lineage(site)))
    for path in traces:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


def list_copies(layout: RenewalPaths) -> FrozenSet[str]:
    """Returns the paths of the keys and requests that certbot holds a copy of."""
    folders = (os.path.join(layout.certbot, name) for name in ("keys", "csr"))
    return frozenset(os.path.join(folder, name) for folder in folders for name, _content in _read_all(folder))


def remove_refused(layout: RenewalPaths, names: Sequence[str], before: FrozenSet[str]) -> None:
    """Removes the requests for these names that were not there ``before``, and the keys that were made for them.

    That is what an attempt at which no certificate was issued leaves behind; raises OSError.
    """
    held = [write_element(_DNS_NAME, name.encode("ascii")) for name in names]
    public: Set[bytes] = set()
    for kind in ("csr", "keys"):
        folder = os.path.join(layout.certbot, kind)
        for name, content in _read_all(folder):
            path = os.path.join(folder, name)
            if path in before:
                continue
            if kind == "csr":
                ours = [der for der in _blocks(content, "REQUEST") if all(part in der for part in held)]
                public.update(filter(None, map(_public_part, ours)))
            else:
                ours = [der for der in _blocks(content, "KEY") if any(part in der for part in public)]
            if ours:
                os.unlink(path)


def _public_part(request: bytes) -> bytes:
    """Returns what a request and its private key both hold: the point of an elliptic curve, or RSA's modulus.

    RFC 2986, 4.1; RFC 5915, 3; RFC 8017, A.1. Empty for what is no request.
    """
    try:
        information = read_elements(read_element(request, SEQUENCE).content)[0]
        key = read_bits(read_elements(read_elements(information.content)[2].content)[1])
        return read_elements(read_element(key).content)[0].content if key[:1] == bytes([SEQUENCE]) else key
    except (DerError, IndexError):
        return b""


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


def _blocks(pem: bytes, label: str = "") -> List[bytes]:
    """Returns what is in the blocks of a file whose label ends in that; nothing of a file that is no PEM."""
    try:
        return [block.der for block in read_pem(pem, "certificate").blocks if block.label.endswith(label)]
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

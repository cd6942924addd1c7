# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes shop.p12 and expired.pem into a folder, makes a CA of one's own in own-ca, and joins both roots as ca.pem."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests"))
sys.path.insert(0, str(importlib.import_module("conftest").TREE))  # lays the collection out

import pki
from ansible_collections.port443.https.plugins.module_utils._pki.policy import Demand
from ansible_collections.port443.https.plugins.plugin_utils import _own_ca

folder = Path(sys.argv[1])
shop = pki.issue("shop.example", ["shop.example", "*.shop.example"], issuer=pki.intermediate())
demand = Demand(("blog.example",))
own = _own_ca.provide(str(folder / "own-ca"), "blog.example", demand, None, check_mode=False, now=int(time.time()))
(folder / "ca.pem").write_bytes(pki.root().pem() + own["ca"])
(folder / "shop.p12").touch(mode=0o600)
(folder / "shop.p12").write_bytes(shop.pkcs12([pki.intermediate()], b"a passphrase"))
expired = pki.issue("shop.example", ["shop.example", "*.shop.example"], issuer=pki.intermediate(), days=(-2, -1))
(folder / "expired.pem").touch(mode=0o600)
(folder / "expired.pem").write_bytes(expired.pem() + pki.intermediate().pem() + expired.key_pem())

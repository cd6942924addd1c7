# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and judges a pair for a Windows host on the controller; Windows alone says whether it trusts the chain."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Tuple

from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.offer import OfferedPair, offer
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import pair_options
from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import KeyPair
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import SOURCES
from ansible_collections.port443.https.plugins.plugin_utils._cryptography import write_pfx
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader


@dataclass(frozen=True)
class WindowsPair:
    """A pair that may be installed. ``ask_windows`` is whether the host has to say that it trusts the chain."""

    pair: KeyPair
    offered: OfferedPair
    ask_windows: bool
    mended: Tuple[str, ...]
    warnings: Tuple[str, ...]

    def wrap(self) -> Dict[str, str]:
        """Returns the arguments that carry the key, encrypted with a password of this one execution."""
        password = secrets.token_urlsafe(24)  # 32 characters, which is the most that Windows' own dialogs take
        pfx = write_pfx(self.pair.key.pem, self.pair.leaf.der, password)
        thumbprint = self.offered.leaf.thumbprint
        return {f"pfx_{thumbprint}": base64.b64encode(pfx).decode("ascii"), f"password_{thumbprint}": password}

    def chains_to_judge(self) -> List[Dict[str, Any]]:
        """Returns the chain of which the host has to say whether it trusts it, if it has to."""
        leaf, others = self.offered.leaf, [one.der for one in self.offered.chain]
        return [{"thumbprint": leaf.thumbprint, "leaf": leaf.der, "others": others}] if self.ask_windows else []


def read_windows_pair(reader: PairReader, params: Mapping[str, Any]) -> WindowsPair:
    """Returns the pair of validated parameters of win_certificate; raises AnsibleActionFail with all that is wrong."""
    options = pair_options(params)
    fetched, mended = reader.fetch(options)
    try:
        return _judge({**_defaults(), **options, **fetched}, mended)
    except UserError as problem:
        raise AnsibleActionFail(f"{reader.module}: {problem.message}") from None


def _judge(params: Mapping[str, Any], mended: Tuple[str, ...]) -> WindowsPair:
    request = _request.parse(params)
    texts = {name: None if params[name] is None else str(params[name]).encode("utf-8") for name in SOURCES}
    pair, warnings = _request.read_request_pair(request, texts, int(time.time()))
    offered = offer(pair)
    ask_windows = request.system_trust and texts["ca"] is None and not pair.is_self_signed()
    # Whom the controller trusts is beside the point: here the chain has to hold in itself, and Windows judges the rest.
    judged = replace(request, system_trust=False) if ask_windows else request
    told: List[str] = list(_request.rehearse_handshake(judged, pair, texts["ca"], None))
    return WindowsPair(pair, offered, ask_windows, mended, (*warnings, *([] if ask_windows else told)))


def _defaults() -> Dict[str, Any]:
    return {name: option.get("default") for name, option in _request.ARGUMENT_SPEC.items()}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what certbot keeps of a lineage, and compares it with what is wanted.

certbot's documentation, "Where are my certificates?": ``live/<name>/`` links to the newest files in
``archive/<name>/``, which are numbered; ``renewal/<name>.conf`` says how to renew them.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate, read_certificate
from ansible_collections.port443.https.plugins.module_utils._renewal.accounts import is_known
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

# How PublicKey.describe() calls a key, by what certbot is told.
KEY_TYPES: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "ecdsa-p256": ("EC P-256", ("--key-type", "ecdsa", "--elliptic-curve", "secp256r1")),
    "ecdsa-p384": ("EC P-384", ("--key-type", "ecdsa", "--elliptic-curve", "secp384r1")),
    "rsa-2048": ("RSA 2048", ("--key-type", "rsa", "--rsa-key-size", "2048")),
    "rsa-3072": ("RSA 3072", ("--key-type", "rsa", "--rsa-key-size", "3072")),
    "rsa-4096": ("RSA 4096", ("--key-type", "rsa", "--rsa-key-size", "4096")),
}
# certbot renews when a third of the time is left, or half for certificates of a few days: with a tenth it is overdue.
OVERDUE = 10
NO_RENEWAL = "certbot was told not to renew it"
# certbot exchanges its links one by one: it unlinks the old one, then makes the new one (storage.py, update_link_to).
_SWAP_LOOKS, _SWAP_PAUSE = 25, 0.2  # seconds
_NUMBER = re.compile(r"([0-9]+)\.pem\Z")


@dataclass(frozen=True)
class WantedLineage:
    """What certbot is asked for. ``standalone_port`` is None where the challenge is a file below ``webroot``."""

    name: str
    names: Tuple[str, ...]
    key_type: str
    server: str
    webroot: str
    standalone_port: Optional[int]
    hook: str
    account: str = ""


@dataclass(frozen=True)
class Lineage:
    """What certbot has: its newest certificate, and how it renews it (``[renewalparams]`` and ``[[webroot_map]]``).

    ``has_account`` says whether it still has the account that it renews it with; ``renews_before`` is how long before
    the expiry it renews, in certbot's own words, empty where nobody has said.
    """

    certificate: Certificate
    renewal: Mapping[str, str]
    webroots: Mapping[str, str]
    has_account: bool = True
    renews_before: str = ""

    @property
    def account(self) -> str:
        """The account that certbot renews it with."""
        return self.renewal.get("account", "")

    @property
    def server(self) -> str:
        """The address of the CA's directory."""
        return self.renewal.get("server", "")

    @property
    def webroot(self) -> str:
        """The folder that serves what certbot has no other folder for; empty if there is none."""
        return self.renewal.get("webroot_path", "").rstrip(",")


def observe(host: Files, layout: RenewalPaths, site: str) -> Optional[Lineage]:
    """Returns a site's lineage, None where there is none that is whole; raises HostError for what cannot be read."""
    for _look in range(_SWAP_LOOKS):
        conf = host.read(renewal_file(layout, site))
        fullchain = host.read(os.path.join(layout.live(site), "fullchain.pem"))
        key = host.read(os.path.join(layout.live(site), "privkey.pem"))
        if conf is None or (fullchain and key) or not os.path.isdir(layout.live(site)):
            break
        time.sleep(_SWAP_PAUSE)
    if conf is None or not fullchain or not key:
        return None
    sections = read_sections(conf.decode("utf-8", "replace"))
    try:
        certificate = read_certificate(read_pem(fullchain, "fullchain.pem").blocks[0].der, "fullchain.pem")
    except (UserError, IndexError):
        return None
    renewal = sections.get("renewalparams", {})
    has_account = is_known(layout, renewal.get("server", ""), renewal.get("account", ""))
    before = sections[""].get("renew_before_expiry", "")
    return Lineage(certificate, renewal, sections.get("webroot_map", {}), has_account, before)


def renewal_file(layout: RenewalPaths, site: str) -> str:
    """Returns the path of the file that says how a site's certificate is renewed."""
    return os.path.join(layout.certbot, "renewal", layout.lineage(site) + ".conf")


def read_sections(text: str) -> Dict[str, Dict[str, str]]:
    """Returns what a file of certbot's says, by section ('' before the first); the form is that of ConfigObj."""
    sections: Dict[str, Dict[str, str]] = {"": {}}
    section = sections[""]
    for line in text.splitlines():
        line = line.strip()
        heading = re.fullmatch(r"\[+\s*([^\[\]]+?)\s*\]+", line)
        name, equals, value = line.partition("=")
        if heading:
            section = sections.setdefault(heading.group(1), {})
        elif equals and not line.startswith("#"):
            section[name.strip()] = _unquote(value.strip())
    return sections


def find_reasons(have: Optional[Lineage], want: WantedLineage, now: int) -> Tuple[str, ...]:
    """Returns why certbot has to get a (new) certificate, empty if what it has will do; ``now`` is in seconds."""
    if have is None:
        return ("certbot has none for the site",)
    leaf = have.certificate
    reasons = []
    if set(leaf.names()) != set(want.names):
        reasons.append(f"it is for {', '.join(leaf.names())} and has to be for {', '.join(want.names)}")
    key = KEY_TYPES[want.key_type][0]
    if leaf.key.describe() != key:
        reasons.append(f"its key is {leaf.key.describe()} and has to be {key}")
    if have.server != want.server:
        reasons.append(f"it is from {have.server} and has to be from {want.server}")
    if leaf.not_after - now < (leaf.not_after - leaf.not_before) // OVERDUE:
        reasons.append(f"it expires on {show_time(leaf.not_after)} and nothing has renewed it")
    reasons += _compare_ways(have, want)
    return tuple(reasons)


def _compare_ways(have: Lineage, want: WantedLineage) -> Tuple[str, ...]:
    """A renewal has to prove the names as this run does, and to end with our installer."""
    reasons = []
    renewal = have.renewal
    if want.standalone_port is not None:
        proves = renewal.get("authenticator") == "standalone" and renewal.get("http01_port") == str(
            want.standalone_port
        )
    else:
        roots = set(have.webroots.values()) or {have.webroot}
        proves = renewal.get("authenticator") == "webroot" and roots == {want.webroot}
    if not proves:
        reasons.append("a renewal would prove its names in another way")
    if renewal.get("renew_hook") != want.hook:
        reasons.append("a renewal would not be installed")
    if want.account not in ("", have.account):
        reasons.append(f"it is renewed with the account {have.account} and has to be with {want.account}")
    elif not have.has_account:
        reasons.append(f"certbot no longer has the account {have.account}, with which it would renew it")
    if is_kept_back(have):
        reasons.append(NO_RENEWAL)
    return tuple(reasons)


def is_kept_back(have: Lineage) -> bool:
    """Tells whether certbot's timer passes a lineage by (``certbot --no-autorenew``)."""
    return have.renewal.get("autorenew", "").lower() == "false"


def find_newest(layout: RenewalPaths, site: str) -> Tuple[str, str]:
    """Returns the paths of a site's newest chain and key, two that belong together; raises HostError.

    certbot exchanges its links one after the other, so that a look in between finds two that do not.
    """
    live = layout.live(site)
    for _look in range(_SWAP_LOOKS):
        paths = [os.path.realpath(os.path.join(live, name)) for name in ("fullchain.pem", "privkey.pem")]
        numbers = [_NUMBER.search(path) for path in paths]
        is_whole = all(os.path.exists(path) for path in paths)
        if is_whole and len({number.group(1) if number else "" for number in numbers}) == 1:
            return paths[0], paths[1]
        if not os.path.isdir(live):
            break
        time.sleep(_SWAP_PAUSE)
    raise HostError(f"{live} does not lead to a certificate and its key: see 'certbot certificates'")


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value

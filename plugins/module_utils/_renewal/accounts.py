# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses among certbot's accounts with a CA, and says what would do where it cannot.

certbot/_internal/account.py: ``accounts/<server without its scheme>/<account>/``. Several come of copied folders, and
certbot then asks, which nobody answers. A CA that was set up anew knows none.
"""

from __future__ import annotations

import os
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

UNKNOWN = "accountDoesNotExist"  # RFC 8555, 6.7
_CHOICE = "Please choose an account"
_BEGIN = "certbot version:"  # the first record of each run in the log


def accounts_folder(layout: RenewalPaths, server: str) -> str:
    """Returns where certbot has its accounts with a server."""
    return os.path.join(layout.certbot, "accounts", server.partition("://")[2].rstrip("/"))


def find_accounts(host: Files, layout: RenewalPaths, server: str) -> Tuple[str, ...]:
    """Returns the accounts that certbot has with a server."""
    return host.list_folder(accounts_folder(layout, server))


def is_known(layout: RenewalPaths, server: str, account: str) -> bool:
    """Tells whether certbot has an account, or none is named, or it has never had any."""
    folder = os.path.join(accounts_folder(layout, server), account)
    return not account or os.path.isdir(folder) or not os.path.isdir(os.path.join(layout.certbot, "accounts"))


def explain(host: Files, layout: RenewalPaths, server: str, completed: Completed) -> str:
    """Returns what would do where certbot failed because of its account, empty where it failed otherwise."""
    said, folder = completed.out + completed.err, accounts_folder(layout, server)
    accounts = find_accounts(host, layout, server)
    if _CHOICE in said:
        return f"certbot has several accounts with {server}: set account to one of {', '.join(accounts)}"
    # certbot 2.1 with Python 3.11 says 'AttributeError: can't set attribute', and the reason in its log alone.
    if UNKNOWN in said or ("AttributeError" in said and UNKNOWN in _read_last_run(host, layout)):
        where = os.path.join(folder, accounts[0]) if len(accounts) == 1 else f"its folder in {folder}"
        return (
            f"{server} does not know certbot's account, as after a CA was set up anew: remove {where} and run again, "
            "then certbot makes another, or set account to one that the CA knows"
        )
    return ""


def _read_last_run(host: Files, layout: RenewalPaths) -> str:
    try:
        content = host.read(os.path.join(layout.log, "letsencrypt.log")) or b""
    except HostError:
        return ""
    return content.decode("utf-8", "replace").rpartition(_BEGIN)[2]

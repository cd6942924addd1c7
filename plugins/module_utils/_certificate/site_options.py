# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of one site among several: whether it brings a pair, and what it takes of those that hold for all."""

from __future__ import annotations

from typing import Any, Dict, Mapping

# Any of these brings a certificate with its key, or names what issues them.
SOURCES = ("certificate", "certificate_file", "bundle", "bundle_file", "own_ca")
_OTHER_SOURCES = ("key", "key_file", "certificate_path", "key_path")


def brings_pair(site: Mapping[str, Any]) -> bool:
    """Tells whether the options of a site bring a certificate with its key, or name a CA that issues one."""
    return any(site.get(source) for source in SOURCES)


def fill_in(site: Mapping[str, Any], shared: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a site's options with ``own_ca`` and ``passphrase`` of the task where it has none of its own.

    The CA issues for a site that has nothing else of a certificate; one with an empty ``own_ca`` gets none.
    """
    filled = dict(site)
    has_other = any(site.get(source) for source in (*SOURCES, *_OTHER_SOURCES)) or site.get("acme") is not None
    if site.get("own_ca") is None and not has_other:
        filled["own_ca"] = shared.get("own_ca")
    filled["own_ca"] = filled.get("own_ca") or None
    if brings_pair(filled) and site.get("passphrase") is None:
        filled["passphrase"] = shared.get("passphrase") or None
    return filled

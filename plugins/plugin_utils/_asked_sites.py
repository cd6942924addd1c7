# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Derives from sites what a look from outside asks for: names, redirects, chains, fingerprints, and whom to trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ansible.module_utils.common.validation import check_type_list
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import fill_in
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import normalise_name


@dataclass(frozen=True)
class AskedSite:
    """One site as visitors ask for it; ``own_ca`` is the folder of the CA that issues for it, empty for any other.

    One that wants a certificate of its visitors ``answers`` nobody who has none; ``is_files`` tells of a folder.
    """

    names: Tuple[str, ...]
    redirects: bool
    has_chain: bool
    answers: bool
    is_files: bool
    own_ca: str
    fingerprint: str


@dataclass(frozen=True)
class AskedSites:
    """What is asked of all sites: the options of probe, and the folder of the CA to trust, empty for the task's own."""

    options: Dict[str, Any]
    own_ca: str


def read_sites(
    sites: Sequence[Mapping[str, Any]], served: Iterable[Mapping[str, Any]], own_ca: str, redirects: bool = True
) -> Tuple[AskedSite, ...]:
    """Returns the sites as visitors ask for them.

    ``sites`` and ``served`` are options and results of the module sites, ``own_ca`` its folder for all sites,
    ``redirects`` what they do where they do not say. Raises RequestError for a site without a name.
    """
    fingerprints = {site.get("name"): str(site.get("fingerprint") or "") for site in served}
    asked = []
    for site in sites:
        if not site.get("name"):
            raise RequestError("sites: each has a name, such as www.example.com")
        filled = fill_in(site, {"own_ca": own_ca or None})
        asked.append(
            AskedSite(
                names=tuple(_list_names(site)),
                redirects=_is_set(site, "redirect", redirects),
                has_chain=not _is_set(site, "self_signed", False),
                answers=not site.get("client_ca") or site.get("client_verification") == "optional",
                is_files=bool(site.get("root")) and not site.get("proxy_pass"),
                own_ca=str(filled["own_ca"] or ""),
                fingerprint=fingerprints.get(site["name"], ""),
            )
        )
    return tuple(asked)


def ask(sites: Sequence[AskedSite], fingerprints: Mapping[str, Any], has_ca: bool) -> AskedSites:
    """Returns what is asked of the sites; ``fingerprints`` come before theirs, those of other names are left out.

    A CA of one's own is trusted in place of the system's stores, so not where other sites need those, nor where the
    task says whom to trust (``has_ca``): there, the chains of its sites are not asked for.
    """
    chained = [site for site in sites if site.has_chain]
    folders = [] if has_ca else list(dict.fromkeys(site.own_ca for site in chained if site.own_ca))
    others = chained if has_ca else [site for site in chained if not site.own_ca]
    trusted = folders[0] if folders and not others else ""
    known = {name: site.fingerprint for site in sites for name in site.names if site.fingerprint}
    known.update({normalise_name(str(name)): value for name, value in fingerprints.items()})
    names = _join(sites)
    options = {
        "names": names,
        "redirect_names": _join(site for site in sites if site.redirects),
        "chain_names": _join(others or [site for site in chained if site.own_ca == trusted]),
        "status_names": _join(site for site in sites if site.answers),
        "file_names": _join(site for site in sites if site.is_files),
        "fingerprints": {name: known[name] for name in names if name in known},
    }
    return AskedSites(options, trusted)


def _join(sites: Iterable[AskedSite]) -> List[str]:
    return list(dict.fromkeys(name for site in sites for name in site.names))


def _list_names(site: Mapping[str, Any]) -> List[str]:
    """Returns the host names as they go over the wire. Nobody can ask for a wildcard."""
    given = check_type_list(site["names"]) if site.get("names") else [site["name"]]
    names = [normalise_name(str(name).strip()) for name in given]
    return [name for name in names if not name.startswith("*")] or ["www" + name[1:] for name in names]


def _is_set(site: Mapping[str, Any], option: str, default: bool) -> bool:
    value = site.get(option)
    if value is None:
        return default
    try:
        return bool(boolean(value))
    except TypeError:
        raise RequestError(f"sites: {option} of {site['name']} is yes or no; given: {value!r}") from None

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans what of a host's files changes so that the sites are served, and what each site is expected to serve then."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import FileChange
from ansible_collections.port443.https.plugins.module_utils._certificate.prepare import PreparedPair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files, FoundFile, look_at
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address, is_covered
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.policy import UNSTAPLED
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate, read_certificate
from ansible_collections.port443.https.plugins.module_utils._sites.files import PlannedFiles
from ansible_collections.port443.https.plugins.module_utils._sites.folders import find_folders
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._sites.server import ServerState
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.unknown_names import (
    STRANGER,
    ExpectedRefusal,
    list_strangers,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.base import WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import find_places
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    ConfigFile,
    ServerSettings,
    Site,
    SiteConfiguration,
)

if TYPE_CHECKING:
    from ansible_collections.port443.https.plugins.module_utils._sites.mail import MailExpectation

EVERYWHERE = {"": ".", "::": ":"}  # an unspecified address, and what is in every address of its version


@dataclass(frozen=True)
class SitesPlan:
    """What is to change: files in order, pairs by site, sites of ours that go; and what is expected afterwards.

    ``folders`` are those to make before, outer first, ``mail`` is what mail servers are to serve. ``refusal`` is what
    is expected for clients who say no name of a site's, at no place where that is left to others.
    """

    files: Tuple[FileChange, ...]
    pairs: Mapping[str, PreparedPair]
    removed: Tuple[str, ...]
    expectations: Tuple[Expectation, ...]
    leaves: Mapping[str, Certificate]
    refusal: ExpectedRefusal = field(default_factory=ExpectedRefusal)
    folders: Tuple[str, ...] = ()
    mail: Tuple[MailExpectation, ...] = ()

    def is_empty(self) -> bool:
        """Tells whether all files, folders and pairs are as they are to be."""
        return not self.files and not self.pairs and not self.folders


def make_plan(
    host: Files,
    request: SitesRequest,
    state: ServerState,
    pairs: Mapping[str, PreparedPair],
    have: Mapping[str, store.CurrentGeneration],
    addresses: Sequence[str],
) -> SitesPlan:
    """Returns what has to change; raises HostError for what the server could not do, or another site prevents.

    ``have`` is what of ``pairs`` is installed; ``addresses`` are the host's.
    """
    sites = request.sites if request.state == "present" else ()
    refuse_impossible(request, state, sites)
    keep = set(request.names()) if request.state == "present" else set()
    gone = set(state.own) - keep if request.purge else set(state.own) & set(request.names()) - keep
    removed = tuple(sorted(gone))
    files = PlannedFiles(host)
    desired = state.language.render(sites, removed, request.settings, state.build, state.layout, state.others, files)
    changed = {site: pair for site, pair in pairs.items() if have[site].files != pair.want.files}
    leaves = {site.name: _read_leaf(host, site, pairs) for site in sites}
    _refuse_uncovered([site for site in sites if site.name not in request.awaited], leaves)
    planned = state.language.read(PlannedFiles(host, desired), state.layout)
    _refuse_unstapled(sites, leaves, planned)
    expectations = tuple(_expect(site, leaves[site.name], planned, state, addresses) for site in sites)
    return SitesPlan(
        files=_find_changes(desired),
        pairs=changed,
        removed=removed,
        expectations=expectations,
        leaves=leaves,
        folders=find_folders(sites),
        refusal=_expect_refusal(expectations, desired, planned, state, request.settings),
    )


def refuse_impossible(request: SitesRequest, state: ServerState, sites: Sequence[Site]) -> None:
    """Raises HostError with everything that this build of the server cannot do, or that other sites stand against."""
    told = [
        *state.language.limits(sites, request.settings, state.build),
        *state.language.conflicts(sites, request.settings, state.others),
    ]
    if told:
        raise HostError("; ".join(told))


def _find_changes(desired: Sequence[ConfigFile]) -> Tuple[FileChange, ...]:
    changes = []
    for file in desired:
        path = os.path.realpath(file.path) if file.text is not None else file.path
        before = look_at(path)
        if file.link:
            after = FoundFile(link=file.link)
        elif file.text is not None:
            after = FoundFile(file.text.encode("utf-8", "surrogateescape"))
        else:
            after = FoundFile()
        if not before.is_like(after):
            changes.append(FileChange(path, before, after))
    return tuple(changes)


def _read_leaf(host: Files, site: Site, pairs: Mapping[str, PreparedPair]) -> Certificate:
    if site.name in pairs:
        return pairs[site.name].pair.leaf
    content = host.read(site.certificate)
    if content is None:
        raise HostError(
            f"{site.name}: its certificate {site.certificate} is not there. Give the site a certificate with its key, "
            "install one first, or name another by certificate_path and key_path"
        )
    try:
        block = next(one for one in read_pem(content, site.certificate).blocks if "CERTIFICATE" in one.label)
        return read_certificate(block.der, site.certificate)
    except (RequestError, StopIteration) as problem:
        words = getattr(problem, "message", "it holds no certificate in PEM")
        raise HostError(f"{site.name}: {site.certificate} cannot be served: {words}") from None


def _refuse_uncovered(sites: Sequence[Site], leaves: Mapping[str, Certificate]) -> None:
    told = []
    for site in sites:
        held = set(leaves[site.name].names())
        missing = [name for name in site.names if not is_covered(name, held)]
        if missing:
            told.append(f"{site.name}: its certificate {site.certificate} does not cover {', '.join(missing)}")
    if told:
        raise HostError("; ".join(told))


def _refuse_unstapled(sites: Sequence[Site], leaves: Mapping[str, Certificate], planned: SiteConfiguration) -> None:
    told = [
        f"{site.name}: its certificate {UNSTAPLED}"
        for site in sites
        if leaves[site.name].must_staple
        and not all(server.staples for server in planned.servers if site.certificate in server.certificates)
    ]
    if told:
        raise HostError("; ".join(told))


def _expect(
    site: Site, leaf: Certificate, planned: SiteConfiguration, state: ServerState, addresses: Sequence[str]
) -> Expectation:
    showing = [server for server in planned.servers if site.certificate in server.certificates]
    if not showing:
        raise HostError(
            f"{site.name}: the configuration {state.layout.main} of {state.language.title} includes no file of "
            f"{state.layout.linked_from or state.layout.written_to or state.layout.block_in}, so that the site would "
            "not be served: name a folder that it includes by directory (serve_https_directory)"
        )
    names = tuple(name for name in site.names if not is_address(name))
    told = next((name for name in names if not name.startswith("*")), "")
    wanted = WantedPair(os.path.dirname(site.certificate), told, names)
    places = find_places(
        showing, wanted, state.language.matches, lambda address: _spread(address, addresses) or (address,)
    )
    # The server gives connections to an address to the sites that have it for their own.
    taken = {
        (one.address, one.port)
        for server in state.others.servers
        for one in server.listens
        if one.address not in EVERYWHERE
    }
    return Expectation(
        site.name,
        leaf.fingerprint(),
        leaf.key.kind,
        tuple(place for place in places if (place.address, place.port) not in taken),
        tuple(place for place in places if (place.address, place.port) in taken),
    )


def _expect_refusal(
    expectations: Sequence[Expectation],
    rendered: Sequence[ConfigFile],
    planned: SiteConfiguration,
    state: ServerState,
    settings: ServerSettings,
) -> ExpectedRefusal:
    """Where our files refuse names that no site has, but for sockets on which somebody has a site for such names."""
    sockets = state.language.refused_sockets(rendered, settings)
    taken = {
        (one.address, one.port)
        for server in planned.servers
        if any(name.startswith("~") or state.language.matches(name, STRANGER) for name in server.names)
        for one in server.listens
    }
    places = [
        place
        for one in expectations
        for place in one.places
        if ("::" if ":" in place.address else "", place.port) in sockets - taken
    ]
    return ExpectedRefusal(list_strangers(places), state.language.refusals)


def _spread(address: str, addresses: Sequence[str]) -> Tuple[str, ...]:
    """Where a socket of an address is asked: at all of the host's of its version, or at the address itself."""
    if address in EVERYWHERE:
        return tuple(one for one in addresses if EVERYWHERE[address] in one)
    return (address,)


def describe_changes(plan: SitesPlan) -> List[Dict[str, str]]:
    """Returns folders and files before and after as text, for the diff."""
    made = [{"before_header": path, "after_header": path, "before": "", "after": "a folder\n"} for path in plan.folders]
    return made + [
        {
            "before_header": change.path,
            "after_header": change.path,
            "before": _show(change.before),
            "after": _show(change.after),
        }
        for change in plan.files
    ]


def _show(found: FoundFile) -> str:
    if found.link:
        return f"link to {found.link}\n"
    return "" if found.content is None else found.content.decode("utf-8", "replace")

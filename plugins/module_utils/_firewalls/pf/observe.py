# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a host with pf: its files, what the boot does, and what the kernel holds. Nothing is changed."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.adopt import Candidate, observe_candidates
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import (
    FOLDER,
    anchor_of,
    file_of,
    notes_made_folder,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.kernel_rules import observe_rules
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.links import observe_links
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import (
    listing,
    pfctl_words,
    ruleset,
    try_rules,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import (
    DAEMON,
    PLIST,
    TOKEN_FILE,
    Boot,
    System,
    observe_boot,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.tables import observe_drifted_tables
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import Session, find_sessions
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._pf.conf import loaded_files, without_loads
from ansible_collections.port443.https.plugins.module_utils._pf.drift import named_bodies
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import Filter
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

THERE, NOT_LOADED, HIDDEN = "there", "not loaded", "hidden"
_APPLICATION_FIREWALL = "/usr/libexec/ApplicationFirewall/socketfilterfw"


@dataclass(frozen=True)
class Folder:
    """The folder of the anchor files: whether it is there, a file in it notes that it was made, how many it holds."""

    exists: bool
    made: bool
    count: int


@dataclass(frozen=True)
class Reference:
    """What holds pf on for us (macOS): the launch daemon's file, the one with the token, the tokens that count.

    ``loaded`` tells that launchd knows the daemon.
    """

    plist: Optional[bytes] = None
    said: Optional[bytes] = None
    tokens: str = ""
    loaded: bool = False


@dataclass(frozen=True)
class LoadedAnchor:
    """An anchor that pf.conf loads: its name, its rules in force, and those of its file, as pfctl prints them."""

    name: str
    live: str
    file: str


@dataclass(frozen=True)
class PfState:
    """A host as it was found.

    ``device`` tells whether pf can be spoken to; ``live`` is what the kernel holds; ``main`` is the main ruleset as
    pfctl prints it, translation and all. ``file_rules`` is what pf.conf comes to, printed likewise, None where there
    is no such file or it is broken, and then ``broken`` says how. ``loaded`` are the other anchors that it loads.
    ``links`` are where strangers arrive; ``candidates`` are the rules of others that a set may take over;
    ``drifted_tables`` are what tables hold beyond pf.conf, and what they do not hold of it; ``other_filter`` is what
    filters or may filter beside pf, with its verb.
    """

    system: System
    boot: Boot
    device: str
    live: Filter
    main: str
    conf: Optional[bytes]
    file_rules: Optional[str]
    broken: str
    loaded: Tuple[LoadedAnchor, ...]
    anchor_file: Optional[bytes]
    folder: Folder
    links: Tuple[Link, ...]
    sessions: Tuple[Session, ...] = ()
    reference: Reference = Reference()
    other_filter: str = ""
    candidates: Tuple[Candidate, ...] = ()
    drifted_tables: Tuple[Tuple[str, ...], Tuple[str, ...]] = ((), ())

    def link(self, family: int) -> Link:
        """How that IP version reaches the host."""
        return next(link for link in self.links if link.family == family)


def observe(host: FirewallHost, system: System, request: PortsRequest) -> PfState:
    """Returns the host as it is; raises HostError without rights or without pfctl."""
    if not host.is_root():
        raise HostError("only root can read and change a firewall: use become: true")
    if host.find("pfctl") is None:
        raise HostError(f"pfctl is not installed on this host, though {system.title} comes with it")
    info = host.run(("pfctl", "-s", "info"))
    device = _device(host, system, info)
    boot = observe_boot(host, system)
    links, groups = observe_links(host)
    main = ""
    live = Filter(False)
    conf = host.read(boot.conf)
    file_rules, broken, loaded = _observe_file(host, system, boot.conf, conf, anchor_of(request))
    if device == THERE:
        main = ruleset(host, system)
        always = (anchor_of(request), *named_bodies(file_rules or ""))
        live = observe_rules(host, system, request, main, always)
        live = replace(live, enabled="Status: Enabled" in info.out, groups=groups)
        loaded = tuple(replace(one, live=ruleset(host, system, one.name)) for one in loaded)
    path = file_of(anchor_of(request))
    return PfState(
        system=system,
        boot=boot,
        device=device,
        live=live,
        main=main,
        conf=conf,
        file_rules=file_rules,
        broken=broken,
        loaded=loaded,
        anchor_file=host.read(path),
        folder=_observe_folder(host),
        links=links,
        sessions=find_sessions(host) if request.enable else (),
        reference=_observe_reference(host, system) if system.counts_references and device == THERE else Reference(),
        other_filter=_observe_other_filter(host, system),
        drifted_tables=observe_drifted_tables(host, file_rules or "") if device == THERE else ((), ()),
        candidates=observe_candidates(host, system, (conf or b"").decode("latin-1")) if request.adopt else (),
    )


def _observe_file(
    host: FirewallHost, system: System, path: str, conf: Optional[bytes], anchor: str
) -> Tuple[Optional[str], str, Tuple[LoadedAnchor, ...]]:
    """What pf.conf comes to without the anchors that it loads, in what way pfctl refuses it, and those anchors."""
    if conf is None:
        return None, "", ()
    text = conf.decode("latin-1")
    found: List[LoadedAnchor] = []
    for name, loaded in loaded_files(text):
        if name == anchor:
            continue
        content = host.read(loaded)
        if content is None:
            return None, f"{loaded}: {os.strerror(errno.ENOENT)}", ()
        ended = try_rules(host, system, content.decode("latin-1"), "-a", name)
        if ended.returncode:
            return None, pfctl_words(ended).replace("stdin:", f"{loaded}:"), ()
        found.append(LoadedAnchor(name, "", ended.out))
    ended = try_rules(host, system, without_loads(text))
    if ended.returncode:
        return None, pfctl_words(ended).replace("stdin:", f"{path}:"), ()
    return ended.out, "", tuple(found)


def _observe_folder(host: FirewallHost) -> Folder:
    names = host.list_folder(FOLDER)
    made = any(notes_made_folder(host.read(f"{FOLDER}/{name}")) for name in names)
    return Folder(host.has_link(FOLDER), made, len(names))


def _observe_reference(host: FirewallHost, system: System) -> Reference:
    said, plist = host.read(TOKEN_FILE), host.read(PLIST)
    loaded = plist is not None and _is_loaded(host)
    return Reference(plist, said, listing(host, system, "References") if said is not None else "", loaded)


def _is_loaded(host: FirewallHost) -> bool:
    ended = host.run(("launchctl", "print", f"system/{DAEMON}"))
    if ended.returncode and "Could not find service" not in ended.err:
        raise HostError(f"{' '.join(ended.argv)} failed with code {ended.returncode} and said: {ended.words()}")
    return ended.returncode == 0


def _device(host: FirewallHost, system: System, info: Completed) -> str:
    if info.returncode == 0 and re.search(r"(?m)^Status: (?:En|Dis)abled", info.out):
        return THERE
    if info.returncode and "No such file" in info.err:
        return HIDDEN if system.name == "FreeBSD" and _is_jailed(host) else NOT_LOADED
    raise HostError(f"pfctl -s info failed with code {info.returncode} and said: {pfctl_words(info)}")


def _is_jailed(host: FirewallHost) -> bool:
    ended = host.run(("sysctl", "-n", "security.jail.jailed"))
    if ended.returncode or ended.out.strip() not in ("0", "1"):
        raise HostError(
            f"/dev/pf is missing, and whether this is a jail cannot be told: {' '.join(ended.argv)} ended with code "
            f"{ended.returncode} and said: {ended.words()}"
        )
    return ended.out.strip() == "1"


def _observe_other_filter(host: FirewallHost, system: System) -> str:
    """What filters or may beside pf, which overrules neither: macOS' application firewall, FreeBSD's ipfw."""
    if system.counts_references and host.find(_APPLICATION_FIREWALL):
        ended = host.run((_APPLICATION_FIREWALL, "--getglobalstate"))
        state = re.search(r"State = (\d+)", ended.out)
        return _tell_filter("the application firewall", ended, state.group(1) if state else "")
    if system.name == "FreeBSD":
        ended = host.run(("sysctl", "-n", "net.inet.ip.fw.enable"))
        missing = ended.returncode and "unknown oid" in ended.err  # the module ipfw is not loaded
        return "" if missing else _tell_filter("ipfw", ended, ended.out.strip())
    return ""


def _tell_filter(name: str, ended: Completed, state: str) -> str:
    if ended.returncode == 0 and state.isdigit():
        return f"{name} filters" if int(state) else ""
    said = f"{' '.join(ended.argv)} ended with code {ended.returncode} and said: {ended.words()}"
    return f"{name} (whose state cannot be told: {said}) may filter"

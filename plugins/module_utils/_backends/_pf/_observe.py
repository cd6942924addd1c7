# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a host with pf: its files, what the boot does, and what the kernel holds. Nothing is changed."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._pf._anchor import (
    FOLDER,
    anchor_of,
    file_of,
    notes_made_folder,
)
from ansible_collections.port443.https.plugins.module_utils._backends._pf._conf import loaded_files, without_loads
from ansible_collections.port443.https.plugins.module_utils._backends._pf._links import observe_links
from ansible_collections.port443.https.plugins.module_utils._backends._pf._parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._backends._pf._peer import parse_address
from ansible_collections.port443.https.plugins.module_utils._backends._pf._rule import (
    AUTOMATIC,
    Rules,
    Table,
    called_anchors,
    referred_tables,
)
from ansible_collections.port443.https.plugins.module_utils._backends._pf._system import (
    DAEMON,
    PLIST,
    TOKEN_FILE,
    Boot,
    System,
    observe_boot,
)
from ansible_collections.port443.https.plugins.module_utils._backends._pf._walk import (
    Filter,
    is_directly_below,
    resolve,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import Completed, Host
from ansible_collections.port443.https.plugins.module_utils._link import Link
from ansible_collections.port443.https.plugins.module_utils._port_rule import Network, Request
from ansible_collections.port443.https.plugins.module_utils._session import Session, find_sessions

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
class Have:
    """A host as it was found.

    ``device`` tells whether pf can be spoken to; ``live`` is what the kernel holds; ``main`` and ``translations`` are
    the main ruleset as pfctl prints it. ``file_rules`` is what pf.conf comes to, printed likewise, None where there is
    no such file or it is broken, and then ``broken`` says how. ``links`` are where strangers arrive.
    """

    system: System
    boot: Boot
    device: str
    live: Filter
    main: str
    translations: str
    conf: Optional[bytes]
    file_rules: Optional[str]
    broken: str
    anchor_file: Optional[bytes]
    folder: Folder
    links: Tuple[Link, ...]
    sessions: Tuple[Session, ...] = ()
    reference: Reference = Reference()
    other_filter: str = ""

    def link(self, family: int) -> Link:
        """How that IP version reaches the host."""
        return next(link for link in self.links if link.family == family)


def observe(host: Host, system: System, request: Request) -> Have:
    """Returns the host as it is; raises HostError without rights or without pfctl."""
    if not host.is_root():
        raise HostError("only root can read and change a firewall: use become: true")
    if host.find("pfctl") is None:
        raise HostError(f"pfctl is not installed on this host, though {system.title} comes with it")
    info = host.run(("pfctl", "-s", "info"))
    device = _device(host, system, info)
    boot = observe_boot(host, system)
    links, groups = observe_links(host)
    main = translations = ""
    live = Filter(False)
    if device == THERE:
        main = _listing(host, "rules")
        translations = _listing(host, "nat") if system.translates_apart else ""
        live = _observe_rules(host, request, main, translations, "Status: Enabled" in info.out, groups)
    conf = host.read(boot.conf)
    file_rules, broken = _observe_file(host, boot.conf, conf, anchor_of(request))
    path = file_of(anchor_of(request))
    return Have(
        system=system,
        boot=boot,
        device=device,
        live=live,
        main=main,
        translations=translations,
        conf=conf,
        file_rules=file_rules,
        broken=broken,
        anchor_file=host.read(path),
        folder=_observe_folder(host),
        links=links,
        sessions=find_sessions(host) if request.enable else (),
        reference=_observe_reference(host) if system.counts_references and device == THERE else Reference(),
        other_filter=_observe_other_filter(host, system),
    )


def _observe_file(host: Host, path: str, conf: Optional[bytes], anchor: str) -> Tuple[Optional[str], str]:
    """What pf.conf comes to without the anchors that it loads, or in what way pfctl refuses it."""
    if conf is None:
        return None, ""
    text = conf.decode("latin-1")
    for name, loaded in loaded_files(text):
        if name != anchor and not host.has_link(loaded):
            return None, f"{loaded}: {os.strerror(errno.ENOENT)}"
    ended = try_rules(host, without_loads(text))
    if ended.returncode:
        return None, words_of(ended).replace("stdin:", f"{path}:")
    return ended.out, ""


def try_rules(host: Host, text: str, *options: str) -> Completed:
    """Lets pfctl read rules without loading them, and print what they come to."""
    return host.run(("pfctl", *options, "-n", "-v", "-f", "-"), text)


def _observe_folder(host: Host) -> Folder:
    names = host.list_folder(FOLDER)
    made = any(notes_made_folder(host.read(f"{FOLDER}/{name}")) for name in names)
    return Folder(host.has_link(FOLDER), made, len(names))


def _observe_reference(host: Host) -> Reference:
    said, plist = host.read(TOKEN_FILE), host.read(PLIST)
    loaded = plist is not None and host.run(("launchctl", "print", f"system/{DAEMON}")).returncode == 0
    return Reference(plist, said, _listing(host, "References") if said is not None else "", loaded)


def _device(host: Host, system: System, info: Completed) -> str:
    if info.returncode == 0:
        return THERE
    if "No such file" in info.err:
        jailed = system.name == "FreeBSD" and host.run(("sysctl", "-n", "security.jail.jailed")).out.strip() == "1"
        return HIDDEN if jailed else NOT_LOADED
    raise HostError(f"pfctl -s info failed with code {info.returncode} and said: {words_of(info)}")


def words_of(ended: Completed) -> str:
    """Returns what pfctl said, without what it says on macOS at every call."""
    noise = ("No ALTQ support", "ALTQ related", "pfctl: Use of -f option", "present in the main", "See /etc/pf.conf")
    lines = [line for line in ended.err.splitlines() if line.strip() and not line.startswith(noise)]
    return "\n".join(lines) or ended.words()


def _listing(host: Host, what: str, anchor: str = "") -> str:
    """What ``pfctl -s`` prints, of an anchor or of the main ruleset; an anchor that is not there holds nothing.

    Whether it is there cannot be told from the code: FreeBSD and macOS end with 0 and OpenBSD with 1.
    """
    where = ("-a", anchor) if anchor else ()
    ended = host.run(("pfctl", *where, "-s", what))
    if ended.returncode and not anchor:
        raise HostError(f"pfctl -s {what} failed with code {ended.returncode} and said: {words_of(ended)}")
    return ended.out


def _observe_rules(
    host: Host, request: Request, main: str, translations: str, enabled: bool, groups: Mapping[str, FrozenSet[str]]
) -> Filter:
    rules, redirected = parse_rules(main), parse_rules(translations)
    anchors = _observe_anchors(host, "rules", rules, (anchor_of(request),))
    inside = _observe_anchors(host, "nat", redirected, ())
    skipped = {line.split()[0] for line in _listing_verbose(host).splitlines() if line.endswith("(skip)")}
    tables = {
        (anchor, name): _observe_table(host, anchor, name)
        for anchor, found in {"": rules + redirected, **anchors}.items()
        for name in referred_tables(found)
        if request.source or name.startswith(AUTOMATIC) or name in _destinations(found)
    }
    return Filter(
        enabled=enabled,
        rules=rules,
        anchors=anchors,
        translations=redirected,
        translation_anchors=inside,
        tables={key: table for key, table in tables.items() if table is not None},
        skipped=frozenset(skipped),
        groups=groups,
    )


def _listing_verbose(host: Host) -> str:
    return host.run(("pfctl", "-v", "-s", "Interfaces")).out


def _destinations(rules: Rules) -> FrozenSet[str]:
    return frozenset(rule.destination.name for rule in rules if rule.destination.kind == "table")


def _observe_anchors(host: Host, what: str, rules: Rules, always: Tuple[str, ...]) -> Dict[str, Rules]:
    """The rules of all anchors that rules call, directly or through others, and of those in ``always``."""
    found: Dict[str, Rules] = {}
    waiting: List[str] = [*always, *called_anchors(rules)]
    while waiting:
        path = waiting.pop(0)
        if path.endswith("*"):
            above = path[:-1]
            listed = (line.strip() for line in _listing(host, "Anchors", above.rstrip("/")).splitlines())
            waiting += [name for name in listed if is_directly_below(name, above) and name not in found]
        elif path not in found:
            found[path] = parse_rules(_listing(host, what, path))
            waiting += [resolve(called, path) for called in called_anchors(found[path])]
    return found


def _observe_table(host: Host, anchor: str, name: str) -> Optional[Table]:
    """What a table holds, None where it cannot be read."""
    where = ("-a", anchor) if anchor else ()
    ended = host.run(("pfctl", *where, "-t", name, "-T", "show"))
    if ended.returncode:
        return None
    words = ended.out.split()
    return Table(
        _networks(word for word in words if word[0] != "!"), _networks(word[1:] for word in words if word[0] == "!")
    )


def _networks(words: Iterable[str]) -> Tuple[Network, ...]:
    parsed = [parse_address(word)[1] for word in words]
    return tuple(network for network in parsed if network is not None)


def _observe_other_filter(host: Host, system: System) -> str:
    """What filters beside pf, and cannot be overruled by it: macOS' application firewall, FreeBSD's ipfw."""
    if system.counts_references and host.find(_APPLICATION_FIREWALL):
        state = host.run((_APPLICATION_FIREWALL, "--getglobalstate")).out
        return "the application firewall" if "State = " in state and "State = 0" not in state else ""
    if system.name == "FreeBSD" and host.run(("sysctl", "-n", "net.inet.ip.fw.enable")).out.strip() == "1":
        return "ipfw"
    return ""

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans our part of the rules files that are loaded at boot."""

from __future__ import annotations

import functools
from typing import Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.adopt import Adoption
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.desired import (
    Terms,
    settle,
    wanted_directions,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.files import with_ours, without_ours
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import (
    find_layout,
    strip,
    takes_nothing,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.packaged import Packaged, find_filled
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot import starts
from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind_table
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, LEGACY, NFT, Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table
from ansible_collections.port443.https.plugins.module_utils._plan.diff import cut
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BootChanges, Change, Write
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import (
    LOADERS,
    Loader,
    RulesFile,
    has_filter,
    opens_quote,
    strange_line,
)

_STRANGE = "holds a line that iptables-save would not write, so nothing was changed there: {!r}. "
# iptables-save 1.8.9 writes such a comment as it is; iptables-restore reads line by line and ends with "Bad argument".
_TORN = (
    "holds a comment of several lines, which iptables-save writes and iptables-restore cannot read: at boot none of "
    "the file would be loaded, and nothing was changed there: {!r}. "
)


def observe_files(host: FirewallHost) -> Tuple[RulesFile, ...]:
    """Returns the rules files that exist, of every layout, and whether something loads them."""
    found: List[RulesFile] = []
    for loader in LOADERS:
        for family, path in loader.paths.items():
            content = host.read(path)
            if content is not None:
                found.append(RulesFile(family, path, loader.name, content, _is_enabled(host, loader, family)))
    return tuple(found)


def _is_enabled(host: FirewallHost, loader: Loader, family: int) -> bool:
    return starts(host, loader.enabled_by[family])


def plan_files(
    files: Tuple[RulesFile, ...],
    scripts: Tuple[str, ...],
    packaged: Tuple[Packaged, ...],
    request: PortsRequest,
    kernel: Kernel,
) -> BootChanges:
    """Returns the writes that bring our part of each rules file to what the request says."""
    steps: List[Write] = []
    changes: List[Change] = []
    warnings: List[str] = []
    held: Dict[int, str] = {}
    for file in files:
        text, warning = _wanted_text(file, request, kernel, packaged)
        warnings += [warning] if warning else []
        if text != file.text:
            steps.append(Write(file.path, file.content, text.encode("utf-8", "surrogateescape")))
            changes.append(Change(file.path, *cut(file.text.split("\n"), text.split("\n"))))
        if warning or file.filters:
            held[file.family] = "written" if not warning and f":{request.chain} " in text else "no"
    persisted, told = _boot_status(request, held, scripts, packaged, kernel)
    return BootChanges(tuple(steps), tuple(changes), persisted, (*warnings, *told))


def _boot_status(
    request: PortsRequest,
    held: Dict[int, str],
    scripts: Tuple[str, ...],
    packaged: Tuple[Packaged, ...],
    kernel: Kernel,
) -> Tuple[str, Tuple[str, ...]]:
    """What to say of the next boot, the worst of both IP versions, and of rules that somebody else builds then."""
    if request.state == "absent":
        return "not needed", ()
    if not request.persistent:
        return "no", ()
    asked = [family for family in FAMILIES if kernel.link(family).exists and request.sources(family) is not None]
    now = [
        family
        for family in asked
        if any(kernel.filters(frontend, family, request.directions) for frontend in (NFT, LEGACY))
    ]
    makers = [one for one in packaged if one.whole or not set(now) <= set(held)]
    built = now if makers else [family for family in now if scripts and family not in held]
    said = {"no" if family in built else held.get(family, "not needed") for family in asked}
    persisted = next(word for word in ("no", "written", "not needed") if word in said)
    if not built:
        return persisted, ()
    versions = " and ".join(f"IPv{family}" for family in built)
    if makers:
        return persisted, tuple(_warn_of_maker(one, versions) for one in makers)
    return persisted, (
        f"the {versions} rules of this host seem to be built at boot by {', '.join(scripts)}: add the ports there, or "
        "run this again after a reboot",
    )


def _warn_of_maker(maker: Packaged, versions: str) -> str:
    makes = "fills chains of its own whenever it likes"
    if maker.whole:
        makes = "makes all of them anew whenever it starts"
    return (
        f"the {versions} rules of this host are made by {maker.name}, which {makes}, so that what is opened here may "
        f"be gone then: open the ports in {maker.settings}, or run this again afterwards"
    )


def _wanted_text(
    file: RulesFile, request: PortsRequest, kernel: Kernel, packaged: Tuple[Packaged, ...]
) -> Tuple[str, Optional[str]]:
    """The file as it should be, and a warning where it cannot be."""
    takes = Adoption(request, file.family).takes if request.adopt else takes_nothing
    stripped = without_ours(file.text, request.chain, takes, FAMILIES[file.family])
    strange = strange_line(file.text)
    if request.state == "absent" or not request.persistent:
        if stripped == file.text or strange is None:
            return stripped, None
        return file.text, _warn_of_line(file, strange, f"Take the lines with {request.chain} out yourself")
    if not has_filter(stripped) or not kernel.link(file.family).exists:
        return file.text, None
    if not file.enabled:
        return (
            file.text,
            f"{file.path} is not loaded at boot ({file.loader} is not enabled), so nothing was written there",
        )
    if strange is not None:
        return file.text, _warn_of_line(
            file, strange, "Save the rules in iptables-save's form, or add the ports yourself"
        )
    table = bind_table(_filter_table(stripped, file.family), kernel.sets)
    whole = bind_table(_filter_table(file.text, file.family), kernel.sets)
    have = find_layout(whole, request.chain, takes)
    link = kernel.link(file.family)
    # A file is there to filter what comes in, whatever it lets through yet.
    directions = wanted_directions(strip(whole, request.chain), have, request, ("in",))
    terms = Terms(directions, have.made, None, kernel.now, find_filled(packaged, table))
    want = settle(table, have, wanted_layout(table, request, link, terms), request, link, terms)
    if want == have:
        return file.text, None
    return (with_ours(stripped, request.chain, want) if want.chain_exists else stripped), None


def _warn_of_line(file: RulesFile, line: str, advice: str) -> str:
    if opens_quote(line):
        return f"{file.path} {_TORN.format(line)}Put that comment into one line, in the kernel and in the file"
    return f"{file.path} {_STRANGE.format(line)}{advice}"


# A first run asks four times for each file: with and without our lines, before and after they are written.
@functools.lru_cache(maxsize=4)
def _filter_table(text: str, family: int) -> Table:
    for table in reversed(parse_save(text, NFT, FAMILIES[family])):  # of several sections the last counts
        if table.name == "filter":
            return table
    return Table(NFT, FAMILIES[family], "filter")

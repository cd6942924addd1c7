# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tools of firewalls print when they cannot answer."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import daemon as _daemon
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import flushed
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import reload as _reload
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import is_running
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import search, transaction
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Method, Refusal
from ansible_collections.port443.https.plugins.module_utils._linux import kernel as _kernel
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelTable
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BusCall
from ansible_collections.port443.https.plugins.module_utils._rehearsal import iptables as _rehearse
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import RulesFile
from mute_host import Case, Mute

NO_BUS = "org.freedesktop.DBus.Error.NoReply"
ASKED = Method("org.fedoraproject.FirewallD1", "/", "org.fedoraproject.FirewallD1", "getDefaultZone")
RULES = RulesFile(4, "/etc/iptables/rules.v4", "netfilter-persistent", b"", True)
FILTER = NftView(tables=(KernelTable("ip", "filter"),))


def read_tables(host):
    """What is seen of a kernel with a table filter of iptables-nft, of which iptables-save says what it says."""
    _view, tables = _kernel._read_tables(host, {_kernel.NFT: "iptables-nft", _kernel.LEGACY: "iptables-legacy"})
    return [(table.frontend, table.name, table.unprintable) for table in tables]


def call(host):
    apply._carry_out(host, BusCall((ASKED,)))


def reload(host):
    _reload._call(host, (ASKED,))


class Bridged(Mute):
    """A host with the legacy ebtables."""

    def real_path(self, path):
        return path + "-legacy"


BRIDGES = ("broute", "nat", "filter")
SILENT = {name: f"ebtables -t {name} -L ended with code 0 and said: no output" for name in BRIDGES}
FAILED = {name: f"ebtables -t {name} -L ended with code 255 and said: Unable to update the kernel." for name in BRIDGES}
BUS_FAILED = HostError("the system's D-Bus does not answer")
REFUSED = Refusal(NO_BUS, "no reply")
OLD = r"firewalld runs, but does not answer .* .this needs version 0.9 or newer.: no reply"
LEGACY_NAMES = {"/proc/net/ip_tables_names": b"filter\n"}
GONE = [("nft", "filter", "they changed meanwhile")]
FIREWALLS = [
    Case("_linux.kernel:_ask_frontend", "silence", Mute(), _kernel._ask_frontend, "code 0 and said: no output"),
    Case(
        "_linux.kernel:_ask_frontend",
        "no such option, iptables 1.6",
        Mute(2, "", "iptables-save: unrecognized option '--version'"),
        _kernel._ask_frontend,
        "code 2 and said: iptables-save: unrecognized option",
    ),
    Case(
        "_linux.kernel:_ask_frontend",
        "no frontend named, 1.6",
        Mute(0, "iptables-save v1.6.1"),
        _kernel._ask_frontend,
        "",
        _kernel.LEGACY,
    ),
    Case("_linux.kernel:_read_tables", "silence and code 0", Mute(), read_tables, "", GONE),
    Case(
        "_linux.kernel:_read_tables",
        "a comment in place of the table, iptables-save 1.8.9",
        Mute(0, "# Table `filter' is incompatible, use 'nft' tool.\n"),
        read_tables,
        "",
        GONE,
    ),
    Case(
        "_linux.kernel:_read_tables",
        "it stops amid the table, 1.8.9",
        Mute(3, "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n", "Parsing nftables rule failed"),
        read_tables,
        "",
        [("iptables-nft", "filter", "")],  # nothing is missing yet: the kernel has no rules there
    ),
    Case(
        "_linux.kernel:_save",
        "legacy fails",
        Mute(1, "", "can't initialize: Permission denied", LEGACY_NAMES),
        read_tables,
        "iptables-legacy-save failed with code 1 and said: can't initialize",
    ),
    Case(
        "_linux.kernel:_save",
        "legacy says nothing",
        Mute(0, "", "", LEGACY_NAMES),
        read_tables,
        "prints no whole table filter",
    ),
    Case(
        "_linux.kernel:_save",
        "legacy stops amid the table",
        Mute(0, "*filter\n:INPUT DROP [0:0]\n", "", LEGACY_NAMES),
        read_tables,
        "prints no whole table filter",
    ),
    Case(
        "_rehearsal.iptables:_observe_sets",
        "ipset may not look",
        Mute(1, "", "ipset v7.17: Kernel error received: Operation not permitted"),
        lambda host: _rehearse._observe_sets(host, [(RULES, "-A INPUT -m set --match-set geo src -j DROP")]),
        "",
        ("", ()),  # a set that nobody has seen is not in the rehearsal
    ),
    Case(
        "_firewalls.nftables.search:_ask_version",
        "silence",
        Mute(),
        lambda host: search.observe_folders(host, "/etc/nftables.conf"),
        "code 0 and said: no output",
    ),
    Case(
        "_firewalls.nftables.search:_ask_version",
        "a library is missing",
        Mute(127, "", "nft: error while loading shared libraries: libnftables.so.1"),
        lambda host: search.observe_folders(host, "/etc/nftables.conf"),
        "code 127 and said: nft: error while loading shared libraries",
    ),
    Case(
        "_firewalls.nftables.transaction:Transaction.take_back",
        "nft fails",
        Mute(1, "", "Error: Could not process rule: Device or resource busy"),
        transaction.Transaction("", "port443-https", (), "").take_back,
        "Device or resource busy",
    ),
    Case("_firewalls.firewalld.running:is_running", "no bus", Mute(answer=BUS_FAILED), is_running, "", False),
    Case("_firewalls.firewalld.running:is_running", "a refusal", Mute(answer=REFUSED), is_running, "", False),
    Case("_firewalls.firewalld.daemon:_ask", "no reply", Mute(answer=REFUSED), _daemon.observe_daemon, OLD),
    Case(
        "_firewalls.firewalld.daemon:_ask",
        "no bus",
        Mute(answer=BUS_FAILED),
        _daemon.observe_daemon,
        "does not answer",
    ),
    Case(
        "_firewalls.firewalld.daemon:_ask_places",
        "no reply",
        Mute(answer=REFUSED),
        lambda host: _daemon._ask_places(host, [(_daemon.ZONE, "public")]),
        OLD,
    ),
    Case(
        "_firewalls.firewalld.daemon:_ask_saved",
        "no reply",
        Mute(answer=REFUSED),
        lambda host: _daemon._ask_saved(host, {}, {(_daemon.ZONE, "public"): "/zone/1"}, ()),
        OLD,
    ),
    Case(
        "_firewalls.firewalld.backend:Firewalld.rehearse",
        "no bus any more",
        Mute(answer=BUS_FAILED),
        lambda host: Firewalld().rehearse(host, SimpleNamespace(daemon=True), SimpleNamespace(risky=True), None),
        "does not answer",
    ),
    Case("_plan.apply:_call", "a refusal", Mute(answer=REFUSED), call, "failed and said: no reply"),
    Case("_firewalls.firewalld.reload:_call", "a refusal", Mute(answer=REFUSED), reload, "failed and said: no reply"),
    Case("_firewalls.firewalld.reload:_call", "no bus", Mute(answer=BUS_FAILED), reload, "does not answer"),
    Case(
        "_firewalls.firewalld.flushed:_find_bridged",
        "silence",
        Bridged(),
        flushed._find_bridged,
        "",
        [f"what ebtables {name} holds, which cannot be told: {said}" for name, said in SILENT.items()],
    ),
    Case(
        "_firewalls.firewalld.flushed:_find_bridged",
        "it may not look",
        Bridged(255, "", "Unable to update the kernel."),
        flushed._find_bridged,
        "",
        [f"what ebtables {name} holds, which cannot be told: {said}" for name, said in FAILED.items()],
    ),
    Case(
        "_firewalls.firewalld.flushed:_find_bridged",
        "the kernel has no such table, 2.0.11",
        Bridged(255, "", "The kernel doesn't support the ebtables 'broute' table."),
        flushed._find_bridged,
        "",
        [],
    ),
]

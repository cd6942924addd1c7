# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pfctl and the other tools of BSDs and macOS print when they cannot answer."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._firewalls.pf import (
    kernel_rules,
    links,
    observe,
    pfctl,
    reference,
    system,
    tables,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import SYSTEMS
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from mute_host import Case, Mute

FREEBSD, MACOS = SYSTEMS["FreeBSD"], SYSTEMS["Darwin"]
NOISE = "No ALTQ support in kernel\nALTQ related functions disabled\n"
DENIED = Mute(1, "", f"{NOISE}pfctl: /dev/pf: Permission denied\n")
NO_DEVICE = Mute(1, "", "pfctl: /dev/pf: No such file or directory\n")
BUSY = Mute(0, "", "pfctl: DIOCGETRULES: Device busy\n")  # a warning, after which FreeBSD's and macOS' ends with 0
MISSING = {
    "FreeBSD and macOS": Mute(0, "", f"{NOISE}pfctl: DIOCGETRULES: Invalid argument\n"),
    "OpenBSD": Mute(1, "", "pfctl: Anchor does not exist.\n"),
    "-s Anchors": Mute(0, "", "Anchor 'shop' not found.\n"),
}
ETHERNET = "em0: flags=8863<UP,BROADCAST,RUNNING> metric 0 mtu 1500\n\tinet 192.0.2.10 netmask 0xffffff00\n"
NO_ROUTE = {
    "FreeBSD": (1, "route: route has not been found\n"),
    "an old FreeBSD": (1, "route: writing to routing socket: No such process\n"),
    "macOS": (0, "route: writing to routing socket: not in table\n"),
}
TOKEN = {"/etc/pf.token": b"pf enabled\nToken : 123\n"}


class Talking(Mute):
    """A host whose ifconfig answers, and of which nothing else does."""

    def run(self, argv, stdin=""):
        return Completed(tuple(argv), 0, ETHERNET, "") if argv[0] == "ifconfig" else super().run(argv, stdin)


def observe_all(host):
    observe.observe(host, FREEBSD, None)


def find_device(host):
    return observe._device(host, FREEBSD, host.run(("pfctl", "-s", "info")))


def find_ipfw(host):
    return observe._observe_other_filter(host, FREEBSD)


def find_application_firewall(host):
    return observe._observe_other_filter(host, MACOS)


def list_rules(host):
    return pfctl.listing(host, FREEBSD, "rules")


def list_anchor(host):
    return pfctl.listing(host, FREEBSD, "rules", "shop")


def list_bad(host):
    return kernel_rules._observe_table(host, "", "bad")


def find_drift(host):
    return tables.observe_drifted_tables(host, "table <bad> { 192.0.2.1 }\n")


def find_interfaces(host):
    """The interface of each IP version's default route."""
    return [link.interface for link in links.observe_links(host)[0]]


def find_setting(host):
    return system._sysrc(host, "pf_rules")


def try_pass(host):
    return pfctl.try_rules(host, MACOS, "# ours\npass in all\n")


def try_comment(host):
    return pfctl.try_rules(host, MACOS, "# nothing but this\n").out


def release(host):
    reference.Hold("/etc/pf.token").take_back(host)


def switch_off(host):
    reference.TakeReference([True]).take_back(host)


def raising(reader, ask, **given):
    """The cases of a reader that raises: for each what is said, by the host that says it."""
    return [Case(f"_firewalls.pf.{reader}", title, host, ask, words) for title, (host, words) in given.items()]


def returning(reader, ask, given):
    """The cases of a reader that returns something, as what was said is an answer, or nobody's loss."""
    return [Case(f"_firewalls.pf.{reader}", title, host, ask, "", value) for title, (host, value) in given.items()]


def may_filter(name, command, said):
    return f"{name} (whose state cannot be told: {command} ended with {said}) may filter"


IPFW = "sysctl -n net.inet.ip.fw.enable"
SOCKETFILTERFW = "/usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate"
NOT_PERMITTED = "sysctl: sysctl(net.inet.ip.fw.enable): Operation not permitted"
BARRED = "Must be root to read settings."
REFUSED = Completed(("pfctl", "-P", "-n", "-v", "-f", "-"), 1, "", "stdin:2: syntax error\n")
PF = [
    *raising(
        "observe:observe",
        observe_all,
        silence=(Mute(), "pfctl -s info failed with code 0 and said: no output"),
        rights=(DENIED, "pfctl -s info failed with code 1 and said: pfctl: /dev/pf: Permission denied"),
    ),
    *raising(
        "observe:_is_jailed",
        find_device,
        sysctl=(NO_DEVICE, "whether this is a jail cannot be told: sysctl -n security.jail.jailed ended with code 1"),
    ),
    *raising(
        "observe:_is_jailed",
        observe._is_jailed,
        silence=(Mute(), "whether this is a jail cannot be told: .* ended with code 0 and said: no output"),
    ),
    *raising(
        "observe:_is_loaded",
        observe._is_loaded,
        launchctl=(Mute(1, "", "Not privileged to print service."), "code 1 and said: Not privileged"),
    ),
    *returning(
        "observe:_is_loaded",
        observe._is_loaded,
        {"no such daemon": (Mute(113, "", 'Could not find service "port443.pf" in domain for system\n'), False)},
    ),
    *returning(
        "observe:_observe_other_filter",
        find_ipfw,
        {
            "silence of sysctl": (Mute(), may_filter("ipfw", IPFW, "code 0 and said: no output")),
            "sysctl fails": (
                Mute(1, "", NOT_PERMITTED),
                may_filter("ipfw", IPFW, f"code 1 and said: {NOT_PERMITTED}"),
            ),
            "ipfw is not loaded": (Mute(1, "", "sysctl: unknown oid 'net.inet.ip.fw.enable'\n"), ""),
        },
    ),
    *returning(
        "observe:_observe_other_filter",
        find_application_firewall,
        {
            "silence of socketfilterfw": (
                Mute(),
                may_filter("the application firewall", SOCKETFILTERFW, "code 0 and said: no output"),
            ),
            "socketfilterfw fails": (
                Mute(1, BARRED),
                may_filter("the application firewall", SOCKETFILTERFW, f"code 1 and said: {BARRED}"),
            ),
        },
    ),
    *raising(
        "pfctl:listing",
        list_rules,
        busy=(Mute(1, "", "pfctl: DIOCGETRULES: Device busy"), "pfctl -s rules failed with code 1 and said: .*busy"),
        warned=(BUSY, "pfctl -s rules failed with code 0 and said: pfctl: DIOCGETRULES: Device busy"),
        missing=(MISSING["FreeBSD and macOS"], "code 0 and said: pfctl: DIOCGETRULES: Invalid argument"),
    ),
    *raising(
        "pfctl:listing",
        list_anchor,
        rights=(DENIED, "pfctl -a shop -s rules failed with code 1 and said: pfctl: /dev/pf: Permission denied"),
        warned=(BUSY, "pfctl -a shop -s rules failed with code 0 and said: pfctl: DIOCGETRULES: Device busy"),
    ),
    *returning(
        "pfctl:listing",
        list_anchor,
        {f"no such anchor, {name}": (host, "") for name, host in MISSING.items()},
    ),
    *raising("pfctl:try_rules", try_pass, silence=(Mute(), "prints none of them: no output")),
    *returning(
        "pfctl:try_rules",
        try_pass,
        {"a refusal, which those who asked tell": (Mute(1, "", REFUSED.err), REFUSED)},
    ),
    *returning("pfctl:try_rules", try_comment, {"silence on a text without rules": (Mute(), "")}),
    *raising(
        "kernel_rules:_listing_verbose",
        kernel_rules._listing_verbose,
        silence=(Mute(), "pfctl -v -s Interfaces failed with code 0 and said: no output"),
        rights=(DENIED, "pfctl -v -s Interfaces failed with code 1 and said: pfctl: /dev/pf: Permission denied"),
    ),
    *returning(
        "kernel_rules:_observe_table",
        list_bad,
        {"pfctl fails: not known": (Mute(255, "", "pfctl: Table does not exist."), None)},
    ),
    *raising(
        "tables:_list_table",
        find_drift,
        rights=(DENIED, "pfctl -t bad -T show failed with code 1 and said: pfctl: /dev/pf: Permission denied"),
    ),
    *returning(
        "tables:_list_table",
        find_drift,
        {
            "no such table yet": (Mute(255, "", "pfctl: Table does not exist.\n"), ((), ())),
            "an empty table, of which nothing is printed": (Mute(), ((), ("table <bad>: 192.0.2.1/32",))),
        },
    ),
    *raising(
        "links:_observe_interfaces",
        find_interfaces,
        silence=(Mute(), "ifconfig -a names no interface of this host: it ended with code 0 and said: no output"),
        fails=(Mute(1, ETHERNET, "ifconfig: SIOCGIFMEDIA"), "code 1 and said: ifconfig: SIOCGIFMEDIA"),
    ),
    *raising(
        "links:_observe_route",
        find_interfaces,
        silence=(Talking(), "route -n get default tells neither .* code 0 and said: no output"),
        rights=(Talking(1, "", "route: socket: Operation not permitted"), "code 1 and said: route: socket: Operation"),
    ),
    *returning(
        "links:_observe_route",
        find_interfaces,
        {
            f"no default route, {name}": (Talking(code, "", said), ["em0", None])
            for name, (code, said) in NO_ROUTE.items()
        },
    ),
    *raising(
        "system:_sysrc",
        find_setting,
        silence=(Mute(), "sysrc -n pf_rules ended with code 0 and said: no output"),
        fails=(Mute(1, "", "/etc/rc.conf: Permission denied"), "code 1 and said: /etc/rc.conf: Permission denied"),
    ),
    *returning(
        "system:_sysrc",
        find_setting,
        {
            "no such setting": (Mute(1, "", "sysrc: unknown variable 'pf_rules'\n"), ""),
            "an empty one": (Mute(0, "\n"), ""),
        },
    ),
    *raising(
        "reference:Hold.carry_out",
        reference.Hold("/etc/pf.token").carry_out,
        tokenless=(Mute(0, "", "pf enabled"), "pf enabled"),
    ),
    *raising(
        "reference:Hold.take_back",
        release,
        silence=(Mute(files=TOKEN), "pfctl -X 123 failed with code 0 and said: no output"),
        invalid=(Mute(1, "", "pfctl: pf: token invalid", TOKEN), "code 1 and said: pfctl: pf: token invalid"),
    ),
    *raising(
        "reference:TakeReference.carry_out",
        reference.TakeReference().carry_out,
        silence=(Mute(), "pfctl -e failed with code 0 and said: no output"),
    ),
    *raising(
        "reference:TakeReference.take_back",
        switch_off,
        silence=(Mute(), "pfctl -d failed with code 0 and said: no output"),
    ),
]

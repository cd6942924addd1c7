# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The other commands of these systems: settings for the boot, kernel modules, launchd, addresses and routes."""

from __future__ import annotations

import plistlib
import re
from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from fake_pf import web

if TYPE_CHECKING:
    from fake_pf.machine import Machine

Answer = Tuple[int, str, str]
DEFAULTS = {"pf_enable": "NO", "pf_rules": "/etc/pf.conf", "pf_flags": "", "firewall_enable": "NO"}
IFCONFIG = {
    "FreeBSD": """\
em0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
\tether 08:00:27:00:00:10
\tinet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 fe80::a00:27ff:fe00:10%em0 prefixlen 64 scopeid 0x1
\tinet6 2001:db8::10 prefixlen 64
\tmedia: Ethernet autoselect (1000baseT <full-duplex>)
\tstatus: active
lo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384
\tinet6 ::1 prefixlen 128
\tinet6 fe80::1%lo0 prefixlen 64 scopeid 0x2
\tinet 127.0.0.1 netmask 0xff000000
\tgroups: lo
""",
    "OpenBSD": """\
lo0: flags=2008049<UP,LOOPBACK,RUNNING,MULTICAST,LRO> mtu 32768
\tindex 3 priority 0 llprio 3
\tgroups: lo
\tinet6 ::1 prefixlen 128
\tinet6 fe80::1%lo0 prefixlen 64 scopeid 0x3
\tinet 127.0.0.1 netmask 0xff000000
vio0: flags=808843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,AUTOCONF4> mtu 1500
\tlladdr 08:00:27:00:00:10
\tindex 1 priority 0 llprio 3
\tgroups: egress
\tmedia: Ethernet autoselect
\tstatus: active
\tinet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 fe80::a00:27ff:fe00:10%vio0 prefixlen 64 scopeid 0x1
\tinet6 2001:db8::10 prefixlen 64
""",
    "Darwin": """\
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
\toptions=1203<RXCSUM,TXCSUM,TXSTATUS,SW_TIMESTAMP>
\tinet 127.0.0.1 netmask 0xff000000
\tinet6 ::1 prefixlen 128
\tinet6 fe80::1%lo0 prefixlen 64 scopeid 0x1
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tether 08:00:27:00:00:10
\tinet6 fe80::a00:27ff:fe00:10%en0 prefixlen 64 secured scopeid 0xb
\tinet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 2001:db8::10 prefixlen 64 autoconf secured
\tmedia: autoselect
\tstatus: active
""",
}
INTERFACES = {"FreeBSD": "em0", "OpenBSD": "vio0", "Darwin": "en0"}
# What each system has, by where it has it.
COMMANDS = {
    "FreeBSD": ("sysrc", "service", "kldload", "kldunload", "sysctl", "ifconfig", "route", "mkdir", "rmdir", "pkg"),
    "OpenBSD": ("rcctl", "sysctl", "ifconfig", "route", "mkdir", "rmdir", "pkg_add"),
    "Darwin": (
        "launchctl",
        "/usr/libexec/ApplicationFirewall/socketfilterfw",
        "sysctl",
        "ifconfig",
        "route",
        "mkdir",
        "rmdir",
        "sudo",
        "/usr/bin/sw_vers",
        "/opt/homebrew/bin/brew",
    ),
}


def sysrc(machine: Machine, arguments: List[str]) -> Answer:
    """sysrc(8): -n NAME prints a value, NAME=VALUE sets one in /etc/rc.conf, -x NAME takes it out."""
    text = machine.read_text("/etc/rc.conf") or ""
    if arguments[0] == "-x":
        machine.write_text("/etc/rc.conf", re.sub(rf"(?m)^{arguments[1]}=.*\n", "", text))
        return 0, "", ""
    if arguments[0] == "-n":
        found = re.findall(rf'(?m)^{arguments[1]}="?([^"\n]*)"?', text)
        if not found and arguments[1] not in DEFAULTS:
            return 1, "", f"sysrc: unknown variable '{arguments[1]}'\n"
        return 0, (found[-1] if found else DEFAULTS[arguments[1]]) + "\n", ""
    name, _equals, value = arguments[0].partition("=")
    before = sysrc(machine, ["-n", name])[1].strip()
    line = f'{name}="{value}"\n'
    there = re.search(rf"(?m)^{name}=.*\n", text)
    text = text.replace(there.group(), line) if there else text + line
    machine.write_text("/etc/rc.conf", text)
    return 0, f"{name}: {before} -> {value}\n", ""


def rcctl(machine: Machine, arguments: List[str]) -> Answer:
    """rcctl(8): pf is a special variable, which can be enabled and disabled but not started."""
    if arguments[1:] != ["pf"]:
        return web.rcctl(machine, arguments)
    if arguments[0] in ("start", "stop", "restart", "reload"):
        return 1, "", 'rcctl: "pf" is a special variable, no rc.d(8) script\n'
    if arguments[0] not in ("enable", "disable"):
        raise AssertionError(f"rcctl {arguments} is not played")
    lines = (machine.read_text("/etc/rc.conf.local") or "").splitlines(keepends=True)
    lines = [line for line in lines if not line.startswith("pf=")]
    lines += ["pf=NO\n"] if arguments[0] == "disable" else []
    machine.write_text("/etc/rc.conf.local", "".join(sorted(lines)) or None)
    return 0, "", ""


def kldload(machine: Machine, arguments: List[str]) -> Answer:
    """kldload(8) of pf, which makes /dev/pf appear; in a jail it may not."""
    if machine.kernel.settings.get("security.jail.jailed") == "1":
        return 1, "", "kldload: can't load pf: Operation not permitted\n"
    if arguments[-1] != "pf":
        raise AssertionError(f"kldload {arguments}")
    machine.kernel.device = "there"
    return 0, "", ""


def kldunload(machine: Machine, _arguments: List[str]) -> Answer:
    """kldunload(8) of pf."""
    machine.kernel.device = "missing"
    return 0, "", ""


def sysctl(machine: Machine, arguments: List[str]) -> Answer:
    """sysctl(8) -n NAME."""
    if arguments[0] != "-n":
        raise AssertionError(f"sysctl {arguments} is not played")
    value = machine.kernel.settings.get(arguments[1])
    if value is None:
        return 1, "", f"sysctl: unknown oid '{arguments[1]}'\n"
    return 0, value + "\n", ""


def launchctl(machine: Machine, arguments: List[str]) -> Answer:
    """launchctl(1) bootstrap and bootout of the system domain; what RunAtLoad says runs at once."""
    if arguments[:2] == ["bootstrap", "system"]:
        plist = plistlib.loads(machine.read_bytes(arguments[2]) or b"")
        if plist["Label"] in machine.kernel.daemons:
            return 5, "", "Bootstrap failed: 5: Input/output error\n"
        machine.kernel.daemons.append(plist["Label"])
        start(machine, plist)
        return 0, "", ""
    label = arguments[1].partition("/")[2]
    if arguments[0] == "print":
        found = label in machine.kernel.daemons
        return (0, f"system/{label} = {{\n}}\n", "") if found else (113, "", "Could not find service\n")
    if arguments[0] != "bootout" or not arguments[1].startswith("system/"):
        raise AssertionError(f"launchctl {arguments} is not played")
    if label not in machine.kernel.daemons:
        return 3, "", "Boot-out failed: 3: No such process\n"
    machine.kernel.daemons.remove(label)
    return 0, "", ""


def start(machine: Machine, plist: Dict[str, object]) -> None:
    """Runs a daemon as launchd does, with what it says on stderr in its StandardErrorPath."""
    arguments = list(plist["ProgramArguments"])  # type: ignore[call-overload]
    if plist["Label"] == web.LABEL:
        if not web.running(machine):
            web.nginx(machine)
        return
    if not plist.get("RunAtLoad") or plist.get("KeepAlive"):
        raise AssertionError("this daemon is to run once")
    _code, _out, err = machine.run([arguments[0].rpartition("/")[2], *arguments[1:]], "")
    if "StandardErrorPath" in plist:
        machine.write_text(str(plist["StandardErrorPath"]), err)


def socketfilterfw(machine: Machine, arguments: List[str]) -> Answer:
    """The application firewall's own tool."""
    state = machine.kernel.settings.get("application firewall", "0")
    if arguments == ["--getglobalstate"]:
        return 0, f"Firewall is {'disabled' if state == '0' else 'enabled'}. (State = {state})\n", ""
    raise AssertionError(f"socketfilterfw {arguments} is not played")


def ifconfig(machine: Machine, arguments: List[str]) -> Answer:
    """ifconfig(8) of all interfaces."""
    if arguments != ["-a"]:
        raise AssertionError(f"ifconfig {arguments} is not played")
    return 0, IFCONFIG[machine.kernel.system], ""


def route(machine: Machine, arguments: List[str]) -> Answer:
    """route(8) -n get [-inet6] default."""
    if arguments not in (["-n", "get", "default"], ["-n", "get", "-inet6", "default"]):
        raise AssertionError(f"route {arguments} is not played")
    gateway = "fe80::1%" if "-inet6" in arguments else "192.0.2.1"
    return 0, f"   route to: default\n    gateway: {gateway}\n  interface: {INTERFACES[machine.kernel.system]}\n", ""


def mkdir(machine: Machine, arguments: List[str]) -> Answer:
    """mkdir(1) -m MODE FOLDER."""
    folder = machine.path(arguments[-1])
    if folder.exists():
        return 1, "", f"mkdir: {arguments[-1]}: File exists\n"
    folder.mkdir(mode=int(arguments[1], 8))
    return 0, "", ""


def rmdir(machine: Machine, arguments: List[str]) -> Answer:
    """rmdir(1)."""
    try:
        machine.path(arguments[0]).rmdir()
    except OSError as problem:
        return 1, "", f"rmdir: {arguments[0]}: {problem.strerror}\n"
    return 0, "", ""


PLAYED: Dict[str, Callable[[Machine, List[str]], Answer]] = {
    "sysrc": sysrc,
    "rcctl": rcctl,
    "kldload": kldload,
    "kldunload": kldunload,
    "sysctl": sysctl,
    "launchctl": launchctl,
    "socketfilterfw": socketfilterfw,
    "ifconfig": ifconfig,
    "route": route,
    "mkdir": mkdir,
    "rmdir": rmdir,
    "service": web.service,
    "pkg": web.pkg,
    "pkg_add": web.pkg_add,
    "sudo": web.sudo,
    "brew": web.brew,
    "sw_vers": web.sw_vers,
}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Table of the differences of FreeBSD, OpenBSD and macOS: listings of pfctl, loads, start of pf at boot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

CONF = "/etc/pf.conf"
DAEMON = "port443.pf"
PLIST = f"/Library/LaunchDaemons/{DAEMON}.plist"
TOKEN_FILE = "/var/run/port443.pf.token"  # noqa: S105  a reference count of pf, nothing secret
_RC_CONF_LOCAL = "/etc/rc.conf.local"
_YES = frozenset(("yes", "true", "on", "1"))  # checkyesno in rc.subr(8)


@dataclass(frozen=True)
class System:
    """``listings`` are what ``pfctl -s`` prints rules by: translation is a ruleset of its own, and dummynet on macOS.

    ``numeric`` makes pfctl print ports as numbers: pfctl(8) of FreeBSD and macOS has ``-P`` for that, and OpenBSD,
    where it means the opposite, prints numbers anyway. ``loads_parts`` tells that ``pfctl -R`` loads the filter rules
    of a file alone; ``counts_references`` that pf stays on while somebody holds a token (macOS). ``guesses`` tells
    that ``pfctl -n -v`` prints the last part of an anchor's path alone and knows no operating system of a client
    (pfctl.c before FreeBSD 15: neither the kernel nor pf.os is asked).
    """

    name: str
    title: str
    listings: Tuple[str, ...]
    numeric: Tuple[str, ...]
    loads_parts: bool
    counts_references: bool
    guesses: bool


SYSTEMS: Dict[str, System] = {
    "FreeBSD": System("FreeBSD", "FreeBSD", ("rules", "nat"), ("-P",), True, False, True),
    "OpenBSD": System("OpenBSD", "OpenBSD", ("rules",), (), False, False, False),
    "Darwin": System("Darwin", "macOS", ("rules", "nat", "dummynet"), ("-P",), True, True, True),
}


@dataclass(frozen=True)
class Boot:
    """What the boot does: whether it switches pf on, the file that it loads, and the setting in rc.conf itself."""

    enables: bool
    conf: str = CONF
    rc_value: Optional[str] = None


def observe_boot(host: FirewallHost, system: System) -> Boot:
    """Reads what starts pf at boot: rc.conf (FreeBSD), rc.conf.local (OpenBSD), a launch daemon of ours (macOS)."""
    if system.name == "FreeBSD":
        enable = _sysrc(host, "pf_enable")
        mentioned = b"pf_enable" in (host.read("/etc/rc.conf") or b"")
        conf = _sysrc(host, "pf_rules") or CONF
        return Boot(enable.lower() in _YES, conf, enable if mentioned else None)
    if system.name == "OpenBSD":
        return parse_rc_conf_local((host.read(_RC_CONF_LOCAL) or b"").decode("latin-1"))
    return Boot(host.read(PLIST) is not None)


def _sysrc(host: FirewallHost, name: str) -> str:
    """A setting as the boot will see it, defaults included, empty where there is none; sysrc(8).

    Raises HostError where that is not told: a value that is empty is a line all the same.
    """
    ended = host.run(("sysrc", "-n", name))
    if ended.returncode == 0 and ended.out:
        return ended.out.strip()
    if ended.returncode and "unknown variable" in ended.err:
        return ""
    raise HostError(f"sysrc -n {name} ended with code {ended.returncode} and said: {ended.words()}")


def parse_rc_conf_local(text: str) -> Boot:
    """Returns what OpenBSD's boot does; rc.conf(8) has pf=YES, and only this file may say otherwise."""
    given = re.findall(r"(?m)^\s*pf=[\"']?([^\"'\s#]*)", text)
    return Boot(not given or given[-1].upper() != "NO")


def plist() -> bytes:
    """Returns the launch daemon that switches pf on at boot and keeps the token of that in a file (launchd.plist(5)).

    com.apple.pfctl, which comes with macOS, loads pf.conf at boot, but switches nothing on.
    """
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        '<plist version="1.0">\n<dict>\n'
        f"\t<key>Label</key>\n\t<string>{DAEMON}</string>\n"
        "\t<key>ProgramArguments</key>\n\t<array>\n"
        f"\t\t<string>/sbin/pfctl</string>\n\t\t<string>-E</string>\n\t\t<string>-f</string>\n\t\t<string>{CONF}</string>\n"
        "\t</array>\n\t<key>RunAtLoad</key>\n\t<true/>\n"
        f"\t<key>StandardErrorPath</key>\n\t<string>{TOKEN_FILE}</string>\n"
        "</dict>\n</plist>\n"
    ).encode("ascii")


def find_token(said: str) -> Optional[str]:
    """Returns the token in what ``pfctl -E`` said, or None."""
    found = re.search(r"(?m)^Token : ([0-9]+)$", said)
    return found.group(1) if found else None

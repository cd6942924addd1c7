# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine of one of the three systems under a folder: its files there, its kernel in a file among them."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

from fake_pf import pfctl
from fake_pf.companions import COMMANDS, PLAYED
from fake_pf.kernel import Kernel

FINGERPRINTS = "/etc/pf.os"
FINGERPRINTS_TEXT = """\
# passive OS fingerprints
65535:64:1:60:M*,N,W6,N,N,T,S,E:\tFreeBSD:9.0-9.1::FreeBSD 9.0-9.1
S20:64:1:60:M*,S,T,N,W7:\tLinux:3.0-3.9::Linux 3.0 - 3.9
16384:64:1:64:M*,N,N,S,N,W3,N,N,T:\tOpenBSD:6.1-6.9::OpenBSD 6.1 - 6.9
8192:128:1:52:M*,N,W8,N,N,S:\tWindows:7::Windows 7
"""
STOCK_DARWIN = """\
#
# Default PF configuration file.
#
scrub-anchor "com.apple/*"
nat-anchor "com.apple/*"
rdr-anchor "com.apple/*"
dummynet-anchor "com.apple/*"
anchor "com.apple/*"
load anchor "com.apple" from "/etc/pf.anchors/com.apple"
"""
STOCK_APPLE = """\
#
# com.apple ruleset, referred to by the default /etc/pf.conf file.
#
anchor "200.AirDrop/*"
anchor "250.ApplicationFirewall/*"
"""
STOCK_OPENBSD = """\
#	$OpenBSD: pf.conf,v 1.55 2017/12/03 20:40:04 sthen Exp $
#
# See pf.conf(5) and /etc/examples/pf.conf

set skip on lo

block return	# block stateless traffic
pass		# establish keep-state

# By default, do not permit remote connections to X11
block return in on ! lo0 proto tcp to port 6000:6010

# Port build user does not need network
block return out log proto {tcp udp} user _pbuild
"""


class Machine:
    """Runs commands; every call is kept in the kernel's ``calls``."""

    def __init__(self, root: Path, system: str) -> None:
        self.root = root
        self.interfaces: Optional[Dict[str, Tuple[str, ...]]] = None  # those of the system where none are given
        self.kernel = Kernel.load(root, system)
        (root / "etc").mkdir(exist_ok=True, parents=True)
        if system != "OpenBSD" and not self.path(FINGERPRINTS).exists():
            self.write_text(FINGERPRINTS, FINGERPRINTS_TEXT)

    def path(self, path: str) -> Path:
        """Where a file of the machine really is."""
        return self.root / path.lstrip("/")

    def read_bytes(self, path: str) -> Optional[bytes]:
        """A file's bytes, or None."""
        real = self.path(path)
        return real.read_bytes() if real.is_file() else None

    def read_text(self, path: str) -> Optional[str]:
        """A file as text that keeps every byte."""
        content = self.read_bytes(path)
        return None if content is None else content.decode("latin-1")

    def write_text(self, path: str, text: Optional[str]) -> None:
        """Writes a file, or removes it."""
        real = self.path(path)
        real.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            real.unlink(missing_ok=True)
        else:
            real.write_bytes(text.encode("latin-1"))

    def stock(self) -> Machine:
        """Makes it what its installer leaves: FreeBSD without pf.conf, OpenBSD with pf on, macOS with it off."""
        if self.kernel.system == "OpenBSD":
            self.write_text("/etc/pf.conf", STOCK_OPENBSD)
            self.run(["pfctl", "-f", "/etc/pf.conf"])
            self.run(["pfctl", "-e"])
        elif self.kernel.system == "Darwin":
            self.write_text("/etc/pf.conf", STOCK_DARWIN)
            self.write_text("/etc/pf.anchors/com.apple", STOCK_APPLE)
            self.run(["pfctl", "-f", "/etc/pf.conf"])
        else:
            self.kernel.device = "missing"
            self.kernel.settings["security.jail.jailed"] = "0"
        self.kernel.calls.clear()
        self.kernel.save(self.root)
        return self

    def filtering(self, conf: str) -> Machine:
        """Makes the machine one whose administrator wrote that pf.conf, and has pf on now and at boot."""
        self.write_text("/etc/pf.conf", conf)
        if self.kernel.system == "FreeBSD":
            self.kernel.settings["security.jail.jailed"] = "0"
            self.write_text("/etc/rc.conf", 'hostname="web"\npf_enable="YES"\n')
        if self.kernel.system == "Darwin" and "pf.anchors/com.apple" in conf:
            self.write_text("/etc/pf.anchors/com.apple", STOCK_APPLE)
        assert self.run(["pfctl", "-f", "/etc/pf.conf"])[0] == 0, self.run(["pfctl", "-nf", "/etc/pf.conf"])
        self.run(["pfctl", "-E"] if self.kernel.system == "Darwin" else ["pfctl", "-e"])
        self.kernel.calls.clear()
        self.kernel.save(self.root)
        return self

    def has(self, name: str) -> bool:
        """Whether the system has that command."""
        return name == "pfctl" or name in COMMANDS[self.kernel.system]

    def run(self, argv: List[str], stdin: str = "") -> Tuple[int, str, str]:
        """Runs a command; returns its code and what it said on stdout and stderr."""
        assert self.has(argv[0]), f"{self.kernel.system} has no {argv[0]}"
        self.kernel.calls.append(list(argv))
        failed = self._failing(argv)
        if failed:
            return failed
        name = argv[0].rpartition("/")[2]
        answer = pfctl.call(self, argv[1:], stdin) if name == "pfctl" else PLAYED[name](self, argv[1:])
        self.kernel.save(self.root)
        return answer

    def _failing(self, argv: List[str]) -> Optional[Tuple[int, str, str]]:
        for failure in self.kernel.failing:
            if failure["times"] and failure["command"] in " ".join(argv):
                failure["times"] -= 1
                self.kernel.save(self.root)
                return 1, "", failure["words"] + "\n"
        return None

    def boot(self) -> None:
        """Starts the machine anew: the kernel forgets, and what is set up for the boot loads and starts."""
        old = self.kernel
        self.kernel = Kernel(old.system, device=old.device, settings=old.settings)
        if old.system == "FreeBSD":
            if PLAYED["sysrc"](self, ["-n", "pf_enable"])[1].strip() == "YES":
                self.kernel.device = "there"
                self.run(["pfctl", "-f", PLAYED["sysrc"](self, ["-n", "pf_rules"])[1].strip()])
                self.run(["pfctl", "-e"])
        elif old.system == "OpenBSD":
            if "pf=NO" not in (self.read_text("/etc/rc.conf.local") or ""):
                self.run(["pfctl", "-f", "/etc/pf.conf"])
                self.run(["pfctl", "-e"])
        else:
            self._boot_darwin()
        self.kernel.save(self.root)

    def _boot_darwin(self) -> None:
        """/var/run is emptied (of ours); com.apple.pfctl loads pf.conf and enables nothing; then other daemons run."""
        for path in sorted((self.root / "var/run").glob("port443.*")) if (self.root / "var/run").is_dir() else ():
            path.unlink()
        self.run(["pfctl", "-f", "/etc/pf.conf"])
        for plist in sorted(self.path("/Library/LaunchDaemons").glob("*.plist")):
            self.run(["launchctl", "bootstrap", "system", f"/Library/LaunchDaemons/{plist.name}"])

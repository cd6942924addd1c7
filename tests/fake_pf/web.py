# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx as each system packages it: its paths, its files as installed, and the commands around it.

The program itself is Debian's, moved to PROGRAM. Facts are from the ports www/nginx of FreeBSD and OpenBSD, Homebrew's
formula, rc.subr(8) and rcctl(8).
"""

from __future__ import annotations

import os
import plistlib
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional, Tuple

if TYPE_CHECKING:
    from fake_pf.machine import Machine

Answer = Tuple[int, str, str]
PROGRAM = "/usr/local/lib/played/nginx"
LABEL = "homebrew.mxcl.nginx"
BREW_OWNER = "casey"
ROOT_REFUSED = "Error: Running Homebrew as root is extremely dangerous and no longer supported.\n"


@dataclass(frozen=True)
class Layout:
    """Where a system has nginx; ``port`` is that of its own server, ``include`` its line for the files of others."""

    program: str
    prefix: str
    folder: str
    pid: str
    root: str
    port: int = 80
    include: str = ""


LAYOUTS = {
    "FreeBSD": Layout(
        "/usr/local/sbin/nginx",
        "/usr/local/etc/nginx",
        "/usr/local/etc/nginx",
        "/var/run/nginx.pid",
        "/usr/local/www/nginx",
    ),
    "OpenBSD": Layout("/usr/local/sbin/nginx", "/var/www", "/etc/nginx", "/var/run/nginx.pid", "/var/www/htdocs"),
    "Darwin": Layout(
        "/opt/homebrew/bin/nginx",
        "/opt/homebrew/Cellar/nginx/1.29.3",
        "/opt/homebrew/etc/nginx",
        "/opt/homebrew/var/run/nginx.pid",
        "/opt/homebrew/var/www",
        8080,
        "    include servers/*;\n",
    ),
}
WRAPPER = """\
#!/bin/sh
# What this one is built with, in place of what the other is.
given="--prefix={prefix} --conf-path={folder}/nginx.conf --pid-path={pid}"
if [ "$1" = -V ]; then
    {program} -V 2>&1 | sed "s#--[a-z-]*\\(path\\|prefix\\)=[^ ]*##g; s#^configure arguments:#& $given#" >&2
    exit
fi
exec {program} -p {prefix} -c {folder}/nginx.conf -g 'pid {pid};' "$@"
"""
CONF = """\
worker_processes  1;

events {{
    worker_connections  800;
}}


http {{
    include       mime.types;
    default_type  application/octet-stream;

    server {{
        listen       {port};
        server_name  localhost;

        location / {{
            root   {root};
            index  index.html index.htm;
        }}
    }}
{include}
}}
"""


def install(machine: Machine) -> Answer:
    """What pkg, pkg_add and brew do for nginx; FreeBSD's port is the one that has nginx.conf-dist."""
    layout = LAYOUTS[machine.kernel.system]
    values = {**layout.__dict__, "program": PROGRAM}
    machine.write_text(layout.program, WRAPPER.format(**values))
    machine.path(layout.program).chmod(0o755)
    for name in ("nginx.conf", "nginx.conf-dist"):
        machine.write_text(f"{layout.folder}/{name}", CONF.format(**values))
    machine.write_text(f"{layout.folder}/mime.types", "types {\n    text/html html;\n}\n")
    machine.write_text(f"{layout.root}/index.html", "It works\n")
    for folder in (layout.prefix, f"{layout.prefix}/logs", os.path.dirname(layout.pid), f"{layout.folder}/servers"):
        machine.path(folder).mkdir(parents=True, exist_ok=True)
    return 0, "installed nginx\n", ""


def running(machine: Machine) -> Optional[int]:
    """The number of the process that the pid file names, None where there is none."""
    text = (machine.read_text(LAYOUTS[machine.kernel.system].pid) or "").strip()
    try:
        os.kill(int(text), 0)
    except (ValueError, ProcessLookupError):
        return None
    return int(text)


def nginx(machine: Machine, *arguments: str) -> Answer:
    """Runs the program; the daemon it may leave keeps nothing of ours open."""
    argv = [LAYOUTS[machine.kernel.system].program, *arguments]
    nowhere = subprocess.DEVNULL
    ended = subprocess.run(argv, check=False, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    return ended.returncode, "", ""


def pkg(machine: Machine, arguments: List[str]) -> Answer:
    """pkg(8) of FreeBSD, which asks nothing where ASSUME_ALWAYS_YES is set."""
    if arguments != ["install", "nginx"] or os.environ.get("ASSUME_ALWAYS_YES") != "yes":
        raise AssertionError(f"pkg {arguments} is not played")
    return install(machine)


def pkg_add(machine: Machine, arguments: List[str]) -> Answer:
    """pkg_add(1) of OpenBSD; without the dashes more than one package is meant."""
    if arguments == ["-I", "nginx"]:
        return 1, "", "Ambiguous: nginx could be nginx-1.28.0p0 nginx-1.28.0p0-passenger\n"
    if arguments != ["-I", "nginx--"]:
        raise AssertionError(f"pkg_add {arguments} is not played")
    return install(machine)


def service(machine: Machine, arguments: List[str]) -> Answer:
    """service(8) of FreeBSD for the rc.d script of nginx, as rc.subr(8) answers."""
    name, verb = arguments
    if name != "nginx":
        raise AssertionError(f"service {arguments}: pf must not be started by it, as that drops every state")
    enabled = 'nginx_enable="YES"' in (machine.read_text("/etc/rc.conf") or "")
    pid = running(machine)
    if verb == "rcvar":
        return 0, f'# nginx\n#\nnginx_enable="{"YES" if enabled else "NO"}"\n#   (default: "")\n', ""
    if verb == "enabled":
        return (0 if enabled else 1), "", ""
    if verb == "onestatus":
        return (0, f"nginx is running as pid {pid}.\n", "") if pid else (1, "nginx is not running.\n", "")
    if verb == "onestart":
        return nginx(machine)
    if verb == "onestop":
        return nginx(machine, "-s", "quit")
    if verb == "onereload":
        return nginx(machine, "-s", "reload") if nginx(machine, "-t")[0] == 0 else (1, "", "")
    raise AssertionError(f"service {arguments} is not played")


def rcctl(machine: Machine, arguments: List[str]) -> Answer:
    """rcctl(8) of OpenBSD for the rc.d script of nginx."""
    text = machine.read_text("/etc/rc.conf.local") or ""
    if arguments == ["check", "nginx"]:
        return (0, "nginx(ok)\n", "") if running(machine) else (1, "nginx(failed)\n", "")
    if arguments == ["get", "nginx", "status"]:
        return (0, "on\n", "") if "pkg_scripts=nginx\n" in text else (1, "off\n", "")
    if arguments == ["set", "nginx", "status", "on"]:
        machine.write_text("/etc/rc.conf.local", text + "pkg_scripts=nginx\n")
        return 0, "", ""
    if arguments == ["set", "nginx", "status", "off"]:
        machine.write_text("/etc/rc.conf.local", text.replace("pkg_scripts=nginx\n", ""))
        return 0, "", ""
    if arguments == ["-f", "stop", "nginx"]:
        return nginx(machine, "-s", "quit")
    if arguments == ["-f", "start", "nginx"]:
        return nginx(machine)
    if arguments == ["-f", "reload", "nginx"]:
        return nginx(machine, "-s", "reload")
    raise AssertionError(f"rcctl {arguments} is not played")


def sudo(machine: Machine, arguments: List[str]) -> Answer:
    """sudo(8) of macOS: -u USER -H and brew; whoever Homebrew belongs to may install."""
    if arguments[:3] != ["-u", BREW_OWNER, "-H"] or not arguments[3].endswith("/bin/brew"):
        raise AssertionError(f"sudo {arguments} is not played")
    if arguments[4:] != ["install", "nginx"]:
        raise AssertionError(f"brew {arguments[4:]} is not played")
    return install(machine)


def brew(machine: Machine, arguments: List[str]) -> Answer:
    """brew(1) as root: its services alone, which are then those of the system (docs.brew.sh/Manpage)."""
    if arguments[0] != "services":
        return 1, "", ROOT_REFUSED
    if arguments != ["services", "start", "nginx"]:
        raise AssertionError(f"brew {arguments} is not played")
    plist = {"Label": LABEL, "ProgramArguments": [LAYOUTS["Darwin"].program, "-g", "daemon off;"], "RunAtLoad": True}
    machine.write_text(f"/Library/LaunchDaemons/{LABEL}.plist", plistlib.dumps(plist).decode("ascii"))
    machine.kernel.daemons.append(LABEL)
    nginx(machine)
    told = "Warning: nginx must be run as non-root to start at user login!\n"
    return 0, f"==> Successfully started `nginx` (label: {LABEL})\n", told


def sw_vers(_machine: Machine, arguments: List[str]) -> Answer:
    """sw_vers(1) -productVersion."""
    if arguments != ["-productVersion"]:
        raise AssertionError(f"sw_vers {arguments} is not played")
    return 0, "15.6\n", ""

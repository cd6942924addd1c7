# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that installs renewed certificates on a host: run by certbot's deploy hook, and by a timer.

It is a zipapp of this collection's own modules, needs nothing but Python's standard library, and says nothing as long
as everything is installed and served as it should be. certbot takes no notice of how a deploy hook ends, so what
fails is tried again by the timer, which asks for every site whether what is served is certbot's newest. The timer
also says what certbot says where nobody looks: that a renewal fails, or will.
"""

from __future__ import annotations

import os
import sys
import time
from typing import List, MutableMapping, Optional, TextIO, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import install
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import SEARCH_PATH, Runner
from ansible_collections.port443.https.plugins.module_utils._printable import printable
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import find_newest
from ansible_collections.port443.https.plugins.module_utils._renewal.outlook import find_problems
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import (
    RenewalPaths,
    SiteSettings,
    list_sites,
    load,
)

LINEAGE = "RENEWED_LINEAGE"
JOURNAL = "JOURNAL_STREAM"
KEPT = frozenset({LINEAGE, JOURNAL})
PATIENCE = 600.0  # seconds: others may install several sites one after the other, each with a reload and its proof
_ERROR = "<3>"  # sd-daemon(3), SD_ERR: journald takes it off, and shows the line where it shows errors


def main(
    environ: Optional[MutableMapping[str, str]] = None,
    layout: Optional[RenewalPaths] = None,
    out: Optional[TextIO] = None,
    err: Optional[TextIO] = None,
) -> int:
    """Installs what is new, tells what it did and what failed, and returns 1 if anything did, else 0."""
    environ = os.environ if environ is None else environ
    layout, out, err = layout or RenewalPaths(), out or sys.stdout, err or sys.stderr
    lineage, is_journal = environ.get(LINEAGE), _leads_to(environ.get(JOURNAL, ""), err)
    # Nothing that somebody else set may choose a program, a library's configuration or a trust store.
    environ.clear()
    environ.update(PATH=SEARCH_PATH, LC_ALL="C")
    os.umask(0o077)
    try:
        sites = choose_sites(layout, lineage)
        problems = [problem for site in sites for problem in _look_after(layout, site, lineage is None, out)]
    except (UserError, OSError) as problem:
        problems = [str(problem)]
    for told in problems:
        _say(err, told, _ERROR if is_journal else "")
    return 1 if problems else 0


def choose_sites(layout: RenewalPaths, lineage: Optional[str]) -> Tuple[str, ...]:
    """Returns the sites to look at: all of them, or the one of the lineage that certbot says it has renewed.

    Of what is in the environment only that is used, and only to be compared: names of domains are those that the
    settings ask for and the certificate holds. Raises HostError for a lineage that is none of ours.
    """
    sites = list_sites(layout)
    if lineage is None:
        return sites
    chosen = tuple(site for site in sites if layout.live(site) == lineage)
    if not chosen:
        raise HostError(f"{LINEAGE} {lineage!r} is not the folder of a certificate that is installed here")
    return chosen


def _look_after(layout: RenewalPaths, site: str, ahead: bool, out: TextIO) -> List[str]:
    """Installs a site's newest certificate where it is not, and returns what is wrong, ``ahead`` also what will be."""
    host = Host()
    problems: List[str] = []
    for work in (_install_newest, _look_ahead) if ahead else (_install_newest,):
        try:
            problems += work(host, layout, site, out)
        except (UserError, OSError) as problem:
            problems.append(str(problem))
        except Exception as problem:  # pylint: disable=broad-except
            # A site whose files nobody foresaw must not keep the others from being renewed.
            problems.append(f"unexpected {problem!r}")
    return [f"{site}: {problem}" for problem in problems]


def _install_newest(host: Host, layout: RenewalPaths, site: str, out: TextIO) -> Tuple[str, ...]:
    """Returns nothing if a site's newest certificate is installed, and served where anything serves the site."""
    with hold_lock(layout.settings, make=False, patience=PATIENCE):
        result, warnings = install_newest(host, layout, load(layout, site), False, relabel_with(host))
    if result["changed"]:
        _say(out, f"{site}: installed sha256:{result['fingerprint']}, served: {result['served']}")
    return (warnings or ("another certificate is served",)) if result["served"] == "other" else ()


def install_newest(
    host: Host,
    layout: RenewalPaths,
    settings: SiteSettings,
    check_mode: bool,
    relabel: install.Relabel,
    folder: Optional[str] = None,
) -> install.Result:
    """Installs a site's newest certificate, and returns the result of the module certificate and its warnings.

    Whoever calls it holds the lock of the settings: certbot's hook, the timer and a controller's run may come at once,
    and one that was overtaken between its look and its turn would put the older pair back. Raises as that module does.
    """
    return install.run(settings.params(*find_newest(layout, settings.site)), host, check_mode, relabel, folder)


def _look_ahead(host: Host, layout: RenewalPaths, site: str, _out: TextIO) -> Tuple[str, ...]:
    return find_problems(host, layout, site, int(time.time()))


def relabel_with(host: Runner) -> install.Relabel:
    """Returns what gives a path the label that the host's SELinux policy has for it, if the host has SELinux."""
    if not os.path.isdir("/sys/fs/selinux") or host.find("restorecon") is None:
        return lambda path: None

    def relabel(path: str) -> None:
        host.run(("restorecon", path))

    return relabel


def _leads_to(journal: str, stream: TextIO) -> bool:
    """Tells whether a stream is the one that systemd connected with the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return journal == f"{status.st_dev}:{status.st_ino}"


def _say(stream: TextIO, text: str, level: str = "") -> None:
    stream.write(level + f"\n{level}    ".join(map(printable, text.split("\n"))) + "\n")
    stream.flush()

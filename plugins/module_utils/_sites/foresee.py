# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Foresees what the web server says of planned files: its own test, run over them before a byte of the host changes."""

from __future__ import annotations

import os
from typing import Dict, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.prepare import PreparedPair
from ansible_collections.port443.https.plugins.module_utils._host.private_files import Planned, run_over
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
from ansible_collections.port443.https.plugins.module_utils._sites.plan import SitesPlan
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._sites.server import ServerState
from ansible_collections.port443.https.plugins.module_utils._webservers.base import tell_failure

REHEARSED, NOT_TESTED = "rehearsed", "no"


def foresee(
    host: Runner, state: ServerState, plan: SitesPlan, request: SitesRequest, pairs: Mapping[str, PreparedPair]
) -> Tuple[str, str]:
    """Returns how the plan was tested, and what the server has against it, empty if nothing; raises HostError."""
    if not state.build.release:
        return NOT_TESTED, ""
    ended = run_over(host, _lay_out(plan, request), state.control.test_command)
    if ended is None:
        return NOT_TESTED, ""
    return REHEARSED, tell_failure(ended) if ended.returncode != 0 else ""


def _lay_out(plan: SitesPlan, request: SitesRequest) -> Dict[str, Planned]:
    """The planned files by their paths, the pairs among them."""
    laid = {one.path: Planned(one.after.content, one.after.link or None) for one in plan.files}
    for site, pair in plan.pairs.items():
        home = os.path.join(request.certificate_directory, site)
        laid[os.path.join(home, store.CURRENT)] = Planned(None, pair.want.name)
        for name, file in pair.want.files.items():
            laid[os.path.join(home, pair.want.name, name)] = Planned(file.content, None, file.access.mode)
    return laid

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a web server's language on the controller what of the sites it could not do or hold on any host."""

from __future__ import annotations

import importlib

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest

_PACKAGE = "ansible_collections.port443.https.plugins.module_utils._webservers"


def refuse_unheld(request: SitesRequest) -> None:
    """Raises RequestError with everything that no server of the request's kind can do, or its language cannot hold."""
    module = importlib.import_module(f"{_PACKAGE}.{request.server}.language")
    language = getattr(module, f"{request.server.capitalize()}Language")()
    told = language.complaints(request.sites, request.settings)
    if told:
        raise RequestError("; ".join(told))

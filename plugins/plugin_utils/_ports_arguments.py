# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks options of the modules about ports on the controller, and gives ports and sources the form hosts read."""

from __future__ import annotations

import socket
from typing import Any, Dict, Mapping, Optional

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import arguments_of
from ansible_collections.port443.https.plugins.module_utils._spec.request import (
    CONFIRM_NOT,
    parse_confirm,
    parse_request,
)
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments


def check_ports_arguments(module: str, given: Dict[str, Any], told: Optional[str] = None) -> Dict[str, Any]:
    """Returns the arguments with every port and source in the form that the host reads without a service list.

    ``module`` is the short name of the module whose options they are; messages begin with ``told``, by default with
    that name. Raises AnsibleActionFail with all that is wrong.
    """
    return check_arguments(told or module, arguments_of(module), given, _read)


def check_sites_firewall(module: str, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of ports for the ports of sites, of validated parameters; messages begin with ``module``.

    The set is there, or goes, as the sites are or do. Raises RequestError, or AnsibleActionFail with all that is wrong.
    """
    given = {name: value for name, value in params["firewall"].items() if value not in (None, "")}
    if "state" in given:
        raise RequestError("firewall: state is that of the sites: leave it out")
    if parse_confirm(given.get("confirm")) is not None:
        raise RequestError("firewall: confirm is for a task of the module ports alone: open the ports with one")
    ports = [f"{params['http_port']}/tcp", f"{params['port']}/tcp"]
    ports += [f"{params['port']}/udp"] if params["http3"] else []
    return check_ports_arguments("ports", {"ports": ports, **given, "state": params["state"]}, f"{module}: firewall")


def _read(options: Dict[str, Any]) -> Dict[str, Any]:
    request = parse_request(options, socket.getservbyname)
    if request.ports:
        options["ports"] = [str(port) for port in request.ports]
    if options.get("confirm") in CONFIRM_NOT:
        options["confirm"] = CONFIRM_NOT[0]
    elif request.confirm is not None:
        options["confirm"] = str(request.confirm)
    options["source"] = [str(network) for network in request.source]
    return options

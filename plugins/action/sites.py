# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses sites that cannot be meant before any host is touched, reads their pairs, installs a missing server."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Tuple

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import brings_pair, fill_in
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._secrets import mask
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import (
    ARGUMENTS,
    PAIR_ARGUMENTS,
    PAIRS,
)
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._sites.request import keep_lines, parse
from ansible_collections.port443.https.plugins.plugin_utils._complaints import complaints
from ansible_collections.port443.https.plugins.plugin_utils._misplaced import refuse_misplaced
from ansible_collections.port443.https.plugins.plugin_utils._packages import install_packages
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import SECRET_OPTIONS, PairReader

MODULE = "port443.https.sites"
CONTENTS = ("certificate", "key", "chain", "bundle", "passphrase", "ca", "ca_file")


class ActionModule(ActionBase):
    """Runs the module sites in one execution on the host, in two where the web server was missing."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for what will not do: sites, certificates, a server."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(f"{MODULE} manages POSIX hosts; this connection leads to Windows")
        params = self._check(dict(self._task.args))
        reader = PairReader(self, MODULE)
        arguments, pairs, mended = self._read_pairs(params, reader)
        arguments["install"] = params["install"] and not self._task.async_val  # then nobody would be there to do it
        ended = self._execute(arguments, pairs, task_vars)
        if "missing" in ended and not self._task.check_mode:
            self._install(ended["missing"], task_vars)
            ended = self._execute(arguments, pairs, task_vars)
            ended["changed"] = True
        if "missing" in ended:
            ended = self._tell_missing(ended, params)
        if reader.new_ca and ended.get("exchanged"):
            self._display.warning(
                f"own_ca: {reader.new_ca} had no CA, and {', '.join(ended['exchanged'])} had a certificate already: "
                "whoever trusts the CA behind that one does not trust the new CA. If this was not meant, put the "
                "folder back"
            )
        for site, told in mended.items():
            ended.setdefault("mended", {})[site] = [*told, *ended["mended"].get(site, [])]
        result.update(ended)
        return result

    def _check(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """Returns validated parameters, with the CA and the passphrase for all sites in those that need them.

        Raises AnsibleActionFail with all that is wrong, and shows no secret.
        """
        try:
            refuse_misplaced(given)
        except RequestError as problem:
            raise AnsibleActionFail(f"{MODULE}: {problem.message}") from None
        secrets = list(_secrets_of(given))
        validated = ArgumentSpecValidator(ARGUMENTS).validate(keep_lines(given))
        wrong = complaints(validated)
        if wrong:
            raise AnsibleActionFail(mask(f"{MODULE}: {wrong}", secrets))
        params: Dict[str, Any] = dict(validated.validated_parameters)
        shared = {name: params.pop(name) for name in ("own_ca", "passphrase")}
        params["sites"] = [fill_in(site, shared) for site in params["sites"]]
        try:
            request = parse(params)
            if request.state == "present":
                told = LANGUAGES[request.server].complaints(request.sites, request.settings)
                if told:
                    raise RequestError("; ".join(told))
        except RequestError as problem:
            raise AnsibleActionFail(mask(f"{MODULE}: {problem.message}", secrets)) from None
        return params

    def _read_pairs(
        self, params: Dict[str, Any], reader: PairReader
    ) -> Tuple[Dict[str, Any], Dict[str, Dict[str, str]], Dict[str, List[str]]]:
        """Returns the module's arguments without pairs, the content of the pairs by site, and what was mended."""
        pairs: Dict[str, Dict[str, str]] = {}
        mended: Dict[str, List[str]] = {}
        sites = []
        problems = []
        for site in params["sites"]:
            kept = {name: value for name, value in site.items() if value is not None}
            if brings_pair(site) and params["state"] == "present":
                try:
                    fetched, told = reader.fetch(_pair_options(site, params))
                except AnsibleError as problem:  # of a file that is not there, the loader's own
                    problems.append(f"{site['name']}: {str(problem).removeprefix(f'{MODULE}: ')}")
                    continue
                pairs[site["name"]] = {name: fetched[name] for name in CONTENTS if fetched.get(name) is not None}
                if told:
                    mended[site["name"]] = list(told)
            gone = (*CONTENTS, "own_ca") if params["state"] == "present" else tuple(PAIR_ARGUMENTS)
            kept = {name: value for name, value in kept.items() if name not in gone}
            if not site["remote_src"]:
                kept = {name: value for name, value in kept.items() if not _is_file_of_pair(name)}
            sites.append(kept)
        if problems:
            raise AnsibleActionFail(f"{MODULE}: {'; '.join(problems)}")
        rest = {name: value for name, value in params.items() if value is not None and name not in ("ca", "ca_file")}
        return {**rest, "sites": sites}, pairs, mended

    def _execute(
        self, arguments: Dict[str, Any], pairs: Dict[str, Dict[str, str]], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        secret = {PAIRS: json.dumps(pairs)} if pairs else {}
        ended = execute_packed(self, MODULE, {**arguments, **secret}, tuple(secret), task_vars)
        hidden = [pair[name] for pair in pairs.values() for name in SECRET_OPTIONS if name in pair]
        return dict(mask(ended, hidden))

    def _install(self, missing: Dict[str, Any], task_vars: Optional[Dict[str, Any]]) -> None:
        """Installs the packages of a server with Ansible's own module, or the command that the system needs."""
        try:
            install_packages(self, missing["packages"], missing["command"], task_vars)
        except HostError as problem:
            wanted = _tell_wanted(missing)
            raise AnsibleActionFail(f"{MODULE}: {wanted}, and cannot be installed: {problem.message}") from None

    def _tell_missing(self, ended: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
        """The result of a check of a host without the server: what a real run would begin with."""
        missing = ended.pop("missing")
        if not self._task.check_mode:
            raise AnsibleActionFail(f"{MODULE}: {_tell_wanted(missing)}")
        names = [site["name"] for site in params["sites"]]
        told = f"{', '.join(missing['packages'])} would be installed, and serve {', '.join(names)}"
        return {
            **ended,
            "changed": True,
            "msg": told,
            "sites": [],
            "removed": [],
            "exchanged": [],
            "tested": "no",
            "commands": [],
            "diff": [{"before": "", "after": told + "\n", "before_header": "packages", "after_header": "packages"}],
        }


def _tell_wanted(missing: Dict[str, Any]) -> str:
    return f"{missing['server']} is not installed on this host (packages: {', '.join(missing['packages'])})"


def _pair_options(site: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
    """The options of the module certificate for one site."""
    options = {name: site[name] for name in ("name", "names", *PAIR_ARGUMENTS) if site.get(name) is not None}
    shared = ["trust", "minimum_days"] + ([] if site.get("own_ca") else ["ca", "ca_file"])
    options.update({name: params[name] for name in shared if params.get(name)})
    return {**options, "directory": params["certificate_directory"], "service": params["server"]}


def _is_file_of_pair(name: str) -> bool:
    return name.endswith("_file") and name in PAIR_ARGUMENTS


def _secrets_of(given: Dict[str, Any]) -> List[str]:
    sites = given.get("sites")
    return [
        str(site[name])
        for site in [given, *(sites if isinstance(sites, list) else [])]
        if isinstance(site, dict)
        for name in ("key", "bundle", "passphrase")
        if site.get(name)
    ]

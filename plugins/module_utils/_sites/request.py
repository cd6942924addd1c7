# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module sites, alike on the controller and on the host; tells all that is wrong at once."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass, replace
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    brings_pair,
    pair_options,
    tell_doubles,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address, normalise_name, normalise_site
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ANSWERS, LINES
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import OF_ONE_FILE
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from ansible_collections.port443.https.plugins.module_utils._webservers.values import find_doubles

_SITE_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,199}")
_NETWORK_SETTINGS = ("port", "http_port", "ipv6", "http2", "http3", "profile", "acme_root", "acme_port")
_OTHER_SETTINGS = ("unknown_names", "proxy_protocol")


@dataclass(frozen=True)
class SitesRequest:
    """A checked request. ``pairs`` are the options of the module certificate for the sites that bring a pair, by name.

    ``awaited`` are the names of sites whose certificates come afterwards, from a CA that asks the web server first.
    ``certificate_directory`` is an absolute path; ``directory`` and ``config`` are where the layout is not to decide.
    """

    server: str
    state: str
    sites: Tuple[Site, ...]
    settings: ServerSettings
    pairs: Mapping[str, Mapping[str, Any]]
    purge: bool
    remove_certificates: bool
    awaited: FrozenSet[str]
    certificate_directory: str
    directory: str
    config: str
    install: bool
    packages: Tuple[str, ...]
    service: str
    keep: int
    prove_timeout: int

    def names(self) -> Tuple[str, ...]:
        """Returns the names of the sites."""
        return tuple(site.name for site in self.sites)


def parse(params: Mapping[str, Any]) -> SitesRequest:
    """Returns the request that validated parameters make; raises RequestError with everything that cannot be meant."""
    wrong: List[str] = list(_complain_of_all(params))
    sites: List[Site] = []
    for number, given in enumerate(params["sites"]):
        try:
            sites.append(_read_site(given, params))
        except RequestError as problem:
            wrong.append(f"sites[{number}] ({given['name']}): {problem.message}")
    wrong += _complain_of_doubles(sites, params["state"])
    sites = _answer_addresses(sites)
    if wrong:
        raise RequestError("; ".join(wrong))
    shared = shared_options(params)
    return SitesRequest(
        server=params["server"],
        state=params["state"],
        sites=tuple(sites),
        settings=_read_settings(params),
        pairs={site["name"]: pair_options(site, shared) for site in params["sites"] if brings_pair(site)},
        purge=params["purge"],
        remove_certificates=params["remove_certificates"],
        awaited=frozenset(site["name"] for site in params["sites"] if _awaits_pair(site, params)),
        certificate_directory=posixpath.normpath(params["certificate_directory"]),
        directory=params["directory"] or "",
        config=params["config"] or "",
        install=params["install"],
        packages=tuple(params["package"]),
        service=params["service"] or "",
        keep=params["keep"],
        prove_timeout=params["prove_timeout"],
    )


def _awaits_pair(site: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Tells whether a certificate comes afterwards: never for a site that goes, or that has one from elsewhere."""
    if params["state"] != "present" or brings_pair(site) or site.get("certificate_path"):
        return False
    return site.get("acme") is not None or bool(params["certificates_follow"])


def shared_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of the module certificate that hold for the pairs of all sites."""
    same = {name: params[name] for name in ("trust", "ca", "ca_file", "minimum_days", "keep", "prove_timeout")}
    return {**same, "directory": params["certificate_directory"], "service": params["server"]}


def _read_site(given: Mapping[str, Any], params: Mapping[str, Any]) -> Site:
    name = given["name"]
    if not _SITE_NAME.fullmatch(name) or normalise_site(name) != name:
        raise RequestError(
            "the name of a site is the name of its file: small letters, digits, dot, dash and underscore, such as "
            "www.example.com; other names go into names"
        )
    if params["state"] == "absent":
        return Site(name, (), "", "")
    if bool(given.get("certificate_path")) != bool(given.get("key_path")):
        raise RequestError("certificate_path and key_path go together: give both, or neither")
    if given.get("certificate_path") and brings_pair(given):
        raise RequestError("it has certificate_path and a certificate that is to be installed: leave one of them out")
    if not brings_pair(given) and any(given.get(half) for half in ("key", "key_file")):
        raise RequestError("it has a key and no certificate: give certificate or certificate_file as well")
    own = brings_pair(given) or given.get("certificate_path") or given.get("self_signed")
    if given.get("acme") is not None and own:
        raise RequestError("it has acme, which has a certificate issued, and a certificate of yours: leave one out")
    if given["also_reload"] and _awaits_pair(given, params):
        raise RequestError(
            "also_reload does not go with a certificate that is issued: certbot renews it without these servers. Leave "
            "also_reload out, and have certbot reload them by a hook of its own (--deploy-hook)"
        )
    names = _read_names(given)
    current = posixpath.join(posixpath.normpath(params["certificate_directory"]), name, "current")
    combined = params["server"] in OF_ONE_FILE
    return Site(
        name=name,
        names=names,
        certificate=given.get("certificate_path") or f"{current}/{'haproxy.pem' if combined else 'fullchain.pem'}",
        key=given.get("key_path") or f"{current}/{'haproxy.pem' if combined else 'privkey.pem'}",
        **_read_content(given),
    )


def _read_names(given: Mapping[str, Any]) -> Tuple[str, ...]:
    names = given["names"] if given.get("names") is not None else [given["name"]]
    if not names:
        raise RequestError("names is empty: leave it out for the site's own name, or list its host names")
    return tuple(dict.fromkeys(normalise_name(name) for name in names))


def _read_content(given: Mapping[str, Any]) -> Dict[str, Any]:
    if given.get("root") and given.get("proxy_pass"):
        raise RequestError(
            "it has both root, whose files are served, and proxy_pass, where requests go: leave one of them out"
        )
    if given["make_root"] and not any(one.get("root") for one in (given, *given["locations"])):
        raise RequestError("it has make_root, and no root that could be made: name the folder by root")
    if given["hsts_max_age"] < 0:
        raise RequestError(f"hsts_max_age {given['hsts_max_age']} is less than 0, which sends nothing")
    if bool(given.get("client_ca")) != (given.get("client_verification") not in (None, "none")):
        raise RequestError(
            "client_ca and client_verification go together: the one says who issues the certificates of clients, the "
            "other whether they are optional or required"
        )
    paths = [location["path"] for location in given["locations"]]
    if len(set(paths)) != len(paths):
        raise RequestError(f"two locations have one path: {', '.join(find_doubles(paths))}")
    return {
        "root": given.get("root") or "",
        "make_root": given["make_root"],
        "backends": _read_backends(given.get("proxy_pass") or ()),
        "health_path": given["health_path"],
        "verify_backend": given["verify_backend"],
        "backend_ca": given.get("backend_ca") or "",
        "locations": tuple(_read_location(location) for location in given["locations"]),
        "redirect": given["redirect"],
        "hsts_max_age": given["hsts_max_age"],
        "default_server": given["default_server"],
        "directives": _read_lines(given["directives"]),
        "client_ca": given.get("client_ca") or "",
        "client_verification": given.get("client_verification") or "none",
        "users_file": given.get("users_file") or "",
        "security_headers": given["security_headers"],
        "also_reload": tuple(dict.fromkeys(given["also_reload"])),
    }


def _read_location(given: Mapping[str, Any]) -> Location:
    path, answers = given["path"], [name for name in ANSWERS if given.get(name)]
    if not path.startswith("/"):
        raise RequestError(f"the path of a location begins with a slash, such as /api/; given: {path!r}")
    if len(answers) != 1:
        raise RequestError(
            f"the location {path} needs exactly one of {', '.join(ANSWERS)}; given: {', '.join(answers) or 'none'}"
        )
    return Location(
        path=path,
        backends=_read_backends(given.get("proxy_pass") or ()),
        root=given.get("root") or "",
        php=given.get("php") or "",
        redirect_to=given.get("redirect_to") or "",
        redirect_code=given["redirect_code"],
        directives=_read_lines(given["directives"]),
    )


def _read_backends(given: Sequence[str]) -> Tuple[str, ...]:
    if len({url.partition("://")[0] for url in given}) > 1:
        raise RequestError(f"proxy_pass has backends of http and of https: all have to be of one; given: {given!r}")
    for url in given:
        if not re.match(r"https?://[^/\s]", url):
            raise RequestError(
                f"proxy_pass is the address of an application, such as http://127.0.0.1:8080; given: {url!r}"
            )
    return tuple(given)


def _read_lines(given: Sequence[str]) -> Tuple[str, ...]:
    """A text in place of a list may hold several lines."""
    return tuple(line for text in given for line in text.splitlines())


def keep_lines(given: Any) -> Any:
    """Returns options as given, with a text in place of a list of lines made the only one of the list.

    Of such a text Ansible would make a list at its commas, which lines of a configuration have too.
    """
    if isinstance(given, Mapping):
        return {
            name: [value] if name in LINES and isinstance(value, str) else keep_lines(value)
            for name, value in given.items()
        }
    return [keep_lines(one) for one in given] if isinstance(given, (list, tuple)) else given


def _read_settings(params: Mapping[str, Any]) -> ServerSettings:
    return ServerSettings(
        trusted_proxies=tuple(str(ipaddress.ip_network(text, strict=False)) for text in params["trusted_proxies"]),
        http_directives=_read_lines(params["http_directives"]),
        **{name: params[name] for name in (*_NETWORK_SETTINGS, *_OTHER_SETTINGS)},
    )


def _answer_addresses(sites: Sequence[Site]) -> List[Site]:
    """TLS sends no server name for an address: the first site with one among its names is the default server."""
    first = next((site for site in sites if any(map(is_address, site.names))), None)
    if first is None or any(site.default_server for site in sites):
        return list(sites)
    return [replace(site, default_server=site is first) for site in sites]


def _complain_of_all(params: Mapping[str, Any]) -> Iterator[str]:
    for option, least, most in (
        ("port", 1, 65535),
        ("http_port", 1, 65535),
        ("acme_port", 0, 65535),
        ("keep", 1, 100),
        ("minimum_days", 0, 3650),
        ("prove_timeout", 1, 600),
    ):
        if not least <= params[option] <= most:
            yield f"{option} {params[option]} is not between {least} and {most}"
    if params["port"] == params["http_port"]:
        yield f"port and http_port are both {params['port']}: HTTPS and plain HTTP need a port each"
    for text in params["trusted_proxies"]:
        if _read_network(text) is None:
            yield f"trusted_proxies takes addresses and networks such as 192.0.2.0/24; given: {text!r}"
    if params["proxy_protocol"] and not params["trusted_proxies"]:
        yield "proxy_protocol takes a balancer's word on who the visitor is: say which balancers by trusted_proxies"
    if params["server"] in OF_ONE_FILE and params.get("directory"):
        yield (
            f"directory is for servers that have a file for each site: those of {params['server']} are in a block of "
            "one file, which config names"
        )
    for option in ("certificate_directory", "acme_root", "directory", "config"):
        path = params.get(option)
        if path and (not path.startswith("/") or ".." in path.split("/") or not path.strip("/")):
            yield f"{option} {path!r} is not an absolute path without '..'"
    if params["state"] == "present" and params["remove_certificates"]:
        yield "remove_certificates goes with state: absent"
    if not params["sites"] and not params["purge"]:
        yield "sites is empty: list the sites, or set purge to take away all that were made before"


def _read_network(text: str) -> Optional[object]:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _complain_of_doubles(sites: Sequence[Site], state: str) -> Iterator[str]:
    twice = tell_doubles(site.name for site in sites)
    yield from twice
    claimed = find_doubles([name for site in sites for name in site.names])
    if claimed and not twice:
        yield f"a host name leads to one site alone; more than one site has: {', '.join(claimed)}"
    if state == "present" and sum(site.default_server for site in sites) > 1:
        yield "one site alone can be the default_server"

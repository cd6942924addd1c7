# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts on which firewalld runs, as recorded: its files and what each of its versions answers over D-Bus."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    render_service,
)
from ansible_collections.port443.https.plugins.module_utils._host.dbus import BUS_SOCKET, Refusal
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

RECORDINGS = Path(__file__).parent / "unit" / "firewalls" / "firewalld"
VERSIONS = ("0.9.3", "1.3.3", "2.3.1")
PUBLIC = ("zone", "public")
ENABLED = "/etc/systemd/system/multi-user.target.wants/firewalld.service"
SERVICE = "/etc/firewalld/services/port443-https.xml"
ZONE_FILE = "/etc/firewalld/zones/public.xml"


@lru_cache(maxsize=None)
def recording(version):
    """What was recorded of a version."""
    return json.loads((RECORDINGS / f"firewalld-{version}.json").read_text(encoding="utf-8"))


class RecordedHost:
    """A host that has recorded files and gives recorded answers; what was not asked then may not be asked now."""

    def __init__(self, version, runs=True):
        self.files = {path: text.encode("utf-8") for path, text in recording(version)["files"].items()}
        self.files[ENABLED] = b""
        self.answers = {asked: self._answer(said) for asked, said in recording(version)["answers"]}
        if runs:
            self.files[BUS_SOCKET] = b""

    @staticmethod
    def _answer(said):
        return Refusal(*said["refused"]) if isinstance(said, dict) else tuple(said)

    def ask(self, methods):
        return tuple(self.answers[str(method)] for method in methods)

    def read(self, path):
        return self.files.get(path)

    def has_link(self, path):
        return path in self.files

    def list_folder(self, path):
        inside = {name[len(path) + 1 :].split("/")[0] for name in self.files if name.startswith(path + "/")}
        return tuple(sorted(inside))

    def find(self, name):
        return {"firewalld": "/usr/sbin/firewalld"}.get(name)

    def real_path(self, path):
        return "/dev/null" if self.files.get(path) == b"masked" else path


def links(interface4="eth0", interface6="eth0"):
    """How strangers reach the host."""
    return Link(4, True, interface4, ()), Link(6, True, interface6, ())


def kernel(ruleset=None, reached=None, nft=None):
    """A kernel with the chains that firewalld makes for a zone; only their names matter here."""
    chains = tuple(Chain(f"filter_IN_public_{part}") for part in ("deny", "allow", "post"))
    own = (Table("nft", "inet", "firewalld", chains),)
    return Kernel(own if ruleset is None else ruleset, reached or links(), {}, None, nft)


def observed(version="1.3.3", host=None, **changes):
    """The host of a recording as the backend observes it; ``changes`` are made to the running firewalld."""
    have = Firewalld().observe(host or RecordedHost(version), kernel())
    return replace(have, daemon=replace(have.daemon, **changes)) if changes else have


def with_runtime(have, place=PUBLIC, **settings):
    """The same host with other settings of a zone or policy at runtime."""
    runtime = {**have.daemon.runtime, place: {**have.daemon.runtime.get(place, {}), **settings}}
    return replace(have, daemon=replace(have.daemon, runtime=runtime))


def with_saved(have, place=PUBLIC, **settings):
    """The same host where firewalld has read other settings of a zone or policy from its files."""
    saved = {**have.daemon.saved, place: {**have.daemon.saved.get(place, {}), **settings}}
    return replace(have, daemon=replace(have.daemon, saved=saved))


def with_file(have, place, content):
    """The same host with that content in the zone's or policy's own file."""
    file = replace(have.files[place], content=content)
    return replace(have, files={**have.files, place: file})


def request(**options):
    """A request for 80/tcp and 443/tcp with these options."""
    return parse_request({"ports": ["80/tcp", "443/tcp"], "backend": "firewalld", **options})


def plan(have, **options):
    """What the backend plans for a request."""
    return Firewalld().plan(have, request(**options))


def calls(plan):
    """What is called over D-Bus, without the words that are always the same."""
    methods = [method for step in plan.steps for method in getattr(step, "methods", ())]
    return [
        " ".join([method.interface[len("org.fedoraproject.FirewallD1") :] + "." + method.member, *_words(method)])
        for method in methods
    ]


def _words(method):
    return [str(word) for word in method.arguments]


def writes(plan):
    """The content that each file gets, by path."""
    files = [file for step in plan.steps for file in getattr(step, "files", (step,))]
    return {file.path: file.after for file in files if hasattr(file, "after") and file.before != file.after}


PORTS = (PortRule("tcp", 80, 80), PortRule("tcp", 443, 443))
DEFINED = render_service("https", "port443-https", PORTS, ("zones/public.xml",))
LOADED = ServiceDefinition(PORTS)
BASE = ["ssh", "dhcpv6-client"]
RICH = [f'rule priority="21540" port port="{number}" protocol="tcp" accept' for number in (80, 443)]
TIMED = [rule.replace("21540", "21541") for rule in RICH]
CHECK, RELOAD = ".checkPermanentConfig", ".reload"
LINE = b'  <service name="port443-https"/>\n'


def with_line(content):
    return content.replace(b"</zone>", LINE + b"</zone>")


def stock(have):
    return have.files[PUBLIC].stock


def pinned(version="1.3.3"):
    """A host on which somebody opened a port at runtime alone."""
    return with_runtime(observed(version), ports=[("9999", "tcp")])


def opened(have, by_service=True):
    """The same host with the set: in the files, and at runtime by its service or by rich rules."""
    have = with_file(have, PUBLIC, with_line(stock(have)))
    have = with_saved(have, services=[*BASE, "port443-https"])
    daemon = replace(have.daemon, saved_services=have.daemon.saved_services | {"port443-https"})
    if by_service:
        daemon = replace(daemon, services={**daemon.services, "port443-https": LOADED})
    have = replace(have, services={"port443-https": DEFINED}, daemon=daemon)
    return with_runtime(have, **({"services": [*BASE, "port443-https"]} if by_service else {"rules_str": RICH}))

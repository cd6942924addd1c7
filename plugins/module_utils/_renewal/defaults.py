# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses certbot's cli.ini and the command of its timer, and finds the settings that would override a lineage.

At a renewal certbot takes from a lineage what neither its arguments nor cli.ini say (as read in certbot 2.1, 4.0 and
5.1, _internal/renewal.py, restore_required_config_elements: ``set_by_cli``, later ``set_by_user``), and no argument
has it leave cli.ini alone: ``--config`` names one more file. So a line that is there for other certificates beats what
this one was issued with, though the issue itself, whose arguments beat cli.ini, went well. An argument in the unit of
certbot's timer, or a file that it adds to that, beats cli.ini too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Callable, Dict, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import WantedLineage
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths
from ansible_collections.port443.https.plugins.module_utils._renewal.timer import find_commands

STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
# ConfigArgParse, DefaultConfigFileParser.parse: what stands after white space and # or ; is a comment.
_LINE = re.compile(r"^(?P<key>[^:=;#\s]+)\s*(?:(?P<equal>[:=\s])\s*(['\"]?)(?P<value>.+?)?\3)?\s*(?:\s[;#]\s*.*)?$")
_TRUE = ("true", "yes", "1")
_VERBS = ("renew", "certbot")
_SHORT = {"a": "authenticator", "d": "domain", "w": "webroot-path"}
_WAYS = ("apache", "manual", "nginx", "standalone", "webroot")
_PROOF = "its names would be proved in another way"
_AUTHORITY = "it would come from another CA"
_KEY = "it would have another kind of key"
_HOOK = "it would not be installed (a hook for all certificates goes into {certbot}/renewal-hooks/deploy)"
_NEVER = "it would not be renewed"
_AGAIN = "it would be issued again at every look"
# What becomes of a certificate where a flag is set. ``domains`` is missing: certbot does not heed it for renewals.
_FLAGS: Mapping[str, str] = {
    "allow-subset-of-names": "it could be for fewer names",
    "dry-run": _NEVER,
    "duplicate": "certbot would keep it under another name",
    "force-interactive": _NEVER,
    "force-renewal": _AGAIN,
    "must-staple": "clients would refuse it where a server does not staple",
    "no-autorenew": _NEVER,
    "renew-by-default": _AGAIN,
}
# ... and where an option has any value.
_OPTIONS: Mapping[str, str] = {
    "configurator": _PROOF,
    "csr": _NEVER,
    "domain": _NEVER,
    "webroot-map": "it would be for other names",
}


@dataclass(frozen=True)
class Default:
    """A line of cli.ini, or an argument (line 0): where it is, the option without dashes, its value.

    The value of a flag is 'true'.
    """

    path: str
    line: int
    option: str
    value: str

    def is_true(self) -> bool:
        """Tells whether it sets a flag."""
        return self.value.lower() in _TRUE

    def __str__(self) -> str:
        if not self.line:
            return f"{self.path}: --{self.option} {self.value}"
        return f"{self.path}, line {self.line}: {self.option} = {self.value}"


def refuse_beaten(defaults: Tuple[Default, ...], layout: RenewalPaths, want: WantedLineage) -> None:
    """Raises HostError where certbot's own configuration would make something else of a renewal."""
    beaten = find_beaten(defaults, layout, want)
    if beaten:
        raise HostError(
            "certbot's own configuration beats what a certificate was issued with, whenever it is renewed:\n"
            + "".join(f"{problem}\n" for problem in beaten)
            + "Remove these settings, or ask for the same here. The certificates that certbot has keep what they were "
            f"issued with in {layout.certbot}/renewal."
        )


def find_beaten(defaults: Tuple[Default, ...], layout: RenewalPaths, want: WantedLineage) -> Tuple[str, ...]:
    """Returns the lines that would beat what is wanted, each with what would become of a renewal."""
    verdicts = ((default, _judge(default, layout, want)) for default in defaults)
    return tuple(f"{default}: {problem.format(certbot=layout.certbot)}" for default, problem in verdicts if problem)


def read_all(host: Host, layout: RenewalPaths) -> Tuple[Default, ...]:
    """Returns what certbot's files and the command of its timer say, the last word on each option; raises HostError.

    certbot/_internal/constants.py, config_files: the host's, and root's own, which beats it.
    """
    found: Dict[str, Default] = {}
    for path in (os.path.join(layout.certbot, "cli.ini"), os.path.join(layout.home, ".config/letsencrypt/cli.ini")):
        for default in parse(path, (host.read(path) or b"").decode("utf-8", "replace")):
            found[default.option] = default
    for where, words in find_commands(host):
        for default in parse_command(where, words):
            found[default.option] = default
    return tuple(found.values())


def parse(path: str, text: str) -> Tuple[Default, ...]:
    """Returns what a file says; what is no setting is certbot's to refuse, which it does at every run."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        match = _LINE.match(line)
        if match is None or line[0] in "#;[" or line.startswith("---"):
            continue
        is_flag = match.group("value") is None and match.group("equal") in (None, " ")
        value = "true" if is_flag else match.group("value") or ""
        found.append(Default(path, number, match.group("key").lstrip("-"), value))
    return tuple(found)


def parse_command(where: str, words: Sequence[str]) -> Tuple[Default, ...]:
    """Returns what the arguments of a renewal say; short options are read as what they stand for."""
    found = []
    for word, following in zip(words, (*words[1:], "-")):
        if not word.startswith("-") or word.strip("-") == "":
            continue
        option, equal, value = word.lstrip("-").partition("=")
        if not equal:
            value = "true" if following.startswith("-") or following in _VERBS else following
        found.append(Default(where, 0, _SHORT.get(option, option), value))
    return tuple(found)


def _judge(default: Default, layout: RenewalPaths, want: WantedLineage) -> str:
    """Returns what would become of a renewal because of one line, empty if it would be as wanted."""
    option, value = default.option, default.value
    way = "webroot" if want.standalone_port is None else "standalone"
    if option in _WAYS or (option.startswith("dns-") and option.count("-") == 1):
        return _PROOF if default.is_true() and option != way else ""
    if option in ("staging", "test-cert"):
        return _AUTHORITY if default.is_true() and want.server != STAGING else ""
    if option in _FLAGS:
        return _FLAGS[option] if default.is_true() else ""
    if option in _OPTIONS:
        return _OPTIONS[option]
    problem, is_wanted = _values(layout, want, way).get(option, ("", _anything))
    return "" if is_wanted(value) else problem


def _values(layout: RenewalPaths, want: WantedLineage, way: str) -> Dict[str, Tuple[str, Callable[[str], bool]]]:
    """Returns the options that may have the wanted value alone: what becomes of it else, and whether it is that."""
    kind, _dash, size = want.key_type.partition("-")
    values: Dict[str, Tuple[str, Callable[[str], bool]]] = {
        "authenticator": (_PROOF, way.__eq__),
        "preferred-challenges": (
            _PROOF,
            lambda value: bool({"http", "http-01"} & set(re.split(r"[\s,\[\]\"]+", value))),
        ),
        "server": (_AUTHORITY, want.server.__eq__),
        "key-type": (_KEY, kind.__eq__),
        "deploy-hook": (_HOOK, want.hook.__eq__),
        "renew-hook": (_HOOK, want.hook.__eq__),
        "cert-name": (_NEVER, want.name.__eq__),
        "config-dir": ("certbot would keep it elsewhere", lambda value: os.path.normpath(value) == layout.certbot),
    }
    if want.account:
        values["account"] = ("it would be renewed with another account", want.account.__eq__)
    if kind == "rsa":
        values["rsa-key-size"] = (_KEY, size.__eq__)
    if kind == "ecdsa":
        values["elliptic-curve"] = (_KEY, f"secp{size[1:]}r1".__eq__)
    if way == "webroot":
        values["webroot-path"] = (_PROOF, lambda value: os.path.normpath(value) == os.path.normpath(want.webroot))
    else:
        values["http-01-port"] = (_PROOF, str(want.standalone_port).__eq__)
        values["http-01-address"] = (_PROOF, "127.0.0.1".__eq__)
    return values


def _anything(_value: str) -> bool:
    return True

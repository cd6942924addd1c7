# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the sites from a block that the role serve_https of release 0.1.0 wrote, to take them over."""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import (
    UnclosedQuoteError,
    split_line,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

# What that release wrote between the names of a site and those of the next one, beside the user's lines.
_HSTS = re.compile(
    r"    http-response set-header Strict-Transport-Security max-age=([0-9]+)"
    r" if \{ var\(txn\.port443\) -m str (\S+) \}\Z"
)
_SET_VAR = re.compile(r"    http-request set-var\(txn\.port443\) str\((\S+)\) if port443-is-(\S+)\Z")
_ACL = re.compile(r"    acl port443-is-(\S+) req\.hdr\(host\),field\(1,:\),lower -m (str|end) --(.*)\Z")
_SECTION = re.compile(r"(frontend|backend) port443-(\S+)\Z")


def read_block_of_role(block: str) -> Tuple[Site, ...]:
    """Returns the sites of that block, in its order; raises HostError where it is not one."""
    sections = _divide(block)
    try:
        https, http = sections["frontend", "https"], sections["frontend", "http"]
        names = _read_names(http)
        certificates = _read_certificates(https)
        if len(certificates) != len(names):
            raise ValueError(f"{len(names)} sites with {len(certificates)} certificates")
        return tuple(
            _read_site(name, named, certificate, sections)
            for (name, named), certificate in zip(names.items(), certificates)
        )
    except (KeyError, IndexError, ValueError, UnclosedQuoteError) as error:
        raise HostError(
            f"the block of sites in HAProxy's configuration is not as release 0.1.0 of port443.https wrote it "
            f"({error!r}): put it back, or take the whole block out and list all sites"
        ) from error


def _divide(block: str) -> Dict[Tuple[str, str], List[str]]:
    """Returns the lines of each section; what users gave is indented, so that no section begins in it."""
    sections: Dict[Tuple[str, str], List[str]] = {}
    current: List[str] = []
    for line in block.split("\n"):
        found = _SECTION.match(line)
        if found:
            # A site may have the name of a section of the role's own; the later one is that.
            current = sections.setdefault((found.group(1), found.group(2)), [])
        else:
            current.append(line)
    return sections


def _read_names(lines: List[str]) -> Dict[str, List[str]]:
    """Returns the names of each site; in the frontend of plain HTTP no user has lines."""
    names: Dict[str, List[str]] = {}
    for line in lines:
        found = _ACL.match(line)
        if found:
            wild = "*" if found.group(2) == "end" else ""
            names.setdefault(found.group(1), []).extend(wild + name for name in found.group(3).split())
    return names


def _read_certificates(lines: List[str]) -> List[str]:
    for line in lines:
        words = split_line(line)
        if words[:1] == ["bind"] and "ssl" in words:
            return [value for word, value in zip(words, words[1:]) if word == "crt"]
    raise ValueError("no bind line with certificates")


def _read_site(name: str, names: List[str], certificate: str, sections: Dict[Tuple[str, str], List[str]]) -> Site:
    https, http = sections["frontend", "https"], sections["frontend", "http"]
    server = next(split_line(line) for line in sections["backend", name] if line.startswith("    server application "))
    stated = [_HSTS.match(line) for line in https]
    hsts = [int(found.group(1)) for found in stated if found and found.group(2) == name]
    return Site(
        name=name,
        names=tuple(names),
        certificate=certificate,
        key=certificate,
        backends=(f"http://{server[2]}",),
        redirect=any("http-request redirect" in line and f" if port443-is-{name} " in line for line in http),
        hsts_max_age=hsts[0] if hsts else 0,
        default_server=f"    default_backend port443-{name}" in https,
        directives=_read_directives(name, https),
    )


def _read_directives(name: str, lines: List[str]) -> Tuple[str, ...]:
    """Returns a site's own lines: those from its names to the next site's, or to where backends are chosen."""
    found: List[str] = []
    here = False
    for line in lines:
        acl = _ACL.match(line)
        if acl:
            here = acl.group(1) == name
        elif re.match(r"    use_backend port443-(\S+) if port443-is-\1\Z", line):
            break
        elif here and not _HSTS.match(line) and not _SET_VAR.match(line):
            found.append(line[4:])
    return tuple(found)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the sites back from a block that render wrote, so that those that a run is not told of stay."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.block_of_role import read_block_of_role
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import (
    BEGIN_LINES,
    END_LINES,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_backends import SYSTEM_CA
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import Line, read_format, walk
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, Site

_FORM = re.compile(r"# Sites, form ([0-9]+)\.")
_NAME_OF_LIST = re.compile(r"# (\S+)\Z")
_Certificate = Tuple[str, str, str]
Sections = Dict[Tuple[str, str], List[Line]]


def find_crt_list(block: str) -> str:
    """Returns the path of the certificate list that a block names, empty where it names none (release 0.1.0)."""
    for line in walk([block]):
        if line.words[0] == "bind" and "crt-list" in line.words[:-1]:
            return line.words[line.words.index("crt-list") + 1]
    return ""


def read_sites(block: str, crt_list: str) -> Tuple[Site, ...]:
    """Returns the sites of a block, in its order; ``crt_list`` is the text of the list that it names.

    A site's names that are wildcards come after the others, ``key`` is the certificate's file, which has both. Raises
    HostError where it is not what this release or 0.1.0 wrote.
    """
    if not block.strip():
        return ()
    form = _FORM.match(block)
    if form is None:
        return read_block_of_role(block)
    if form.group(1) != "2":
        raise HostError(
            f"the block of sites in HAProxy's configuration has the form {form.group(1)}, of a newer release of "
            "port443.https; this one knows form 2: use the release that wrote it, or a newer one"
        )
    own, rest = _take_own_lines(block)
    sections: Sections = {}
    for line in walk([rest]):
        sections.setdefault((line.section, line.name), []).append(line)
    try:
        certificates = _read_crt_list(crt_list)
        names = [name[len("port443-") :] for kind, name in sections if kind == "backend" and _is_of_site(name)]
        return tuple(_read_site(name, sections, own, certificates[name]) for name in names)
    except (KeyError, IndexError, ValueError) as error:
        raise HostError(
            f"the block of sites in HAProxy's configuration is not as port443.https wrote it ({error!r} is missing or "
            "not understood): put it back, or take the whole block out and list all sites"
        ) from error


def _is_of_site(name: str) -> bool:
    return name.startswith("port443-") and ":" not in name


def _take_own_lines(block: str) -> Tuple[Dict[Tuple[str, str], Tuple[str, ...]], str]:
    """Returns the users' lines by (section's name, site's name), and the block without them."""
    own: Dict[Tuple[str, str], Tuple[str, ...]] = {}
    rest: List[str] = []
    section, site = "", ""
    begun: Optional[List[str]] = None
    for line in block.split("\n"):
        if begun is not None:
            if line == END_LINES + site:
                own[section, site], begun = tuple(begun), None
            else:
                begun.append(line[4:])
        elif line.startswith(BEGIN_LINES):
            site, begun = line[len(BEGIN_LINES) :], []
        else:
            rest.append(line)
            words = line.split()
            section = words[1] if not line.startswith((" ", "#")) and len(words) > 1 else section
    if begun is not None:
        raise HostError(f"the block of sites in HAProxy's configuration has no line '{(END_LINES + site).strip()}'")
    return own, "\n".join(rest)


def _read_crt_list(text: str) -> Dict[str, _Certificate]:
    """Returns (certificate, client CA, verification) by the sites' names."""
    found: Dict[str, _Certificate] = {}
    name = ""
    for line in text.splitlines():
        comment = _NAME_OF_LIST.match(line)
        if comment:
            name = comment.group(1)
        elif name and line:
            options = re.search(r" \[ca-file (\S+) verify (\S+)\]", line)
            found[name] = (line.split()[0], *(options.groups() if options else ("", "none")))  # type: ignore[assignment]
    return found


def _read_site(
    name: str, sections: Sections, own: Dict[Tuple[str, str], Tuple[str, ...]], certificate: _Certificate
) -> Site:
    https, backend = sections["frontend", "port443-https"], sections["backend", f"port443-{name}"]
    lines = [line.words for line in https]
    sets = [words for words in lines if words[1:3] == ("set-var(txn.port443)", f"str({name})")]
    names = [word for words in sets if "str" in words for word in words[words.index("--") + 1 : -1]]
    wild = [f"*{words[words.index('--') + 1]}" for words in sets if "end" in words]
    path, client_ca, verification = certificate
    site = Site(
        name=name,
        names=(*(word.strip("[]") for word in names), *sorted(wild)),
        certificate=path,
        key=path,
        locations=_read_locations(name, lines, sections, own),
        redirect=any(
            line.words[1:2] == ("redirect",) and f"port443-is-{name}" in line.words
            for line in sections["frontend", "port443-http"]
        ),
        hsts_max_age=_read_hsts(backend),
        default_server=any(words[3:5] == ("if", "!{") for words in sets),
        directives=own.get(("port443-https", name), ()),
        client_ca=client_ca,
        client_verification=verification,  # type: ignore[arg-type]
        security_headers=any("X-Content-Type-Options" in line.words for line in backend),
    )
    answering = [line.words for (kind, title), found in sections.items() for line in found if _is_below(title, name)]
    return _with_backends(replace(site, backends=_read_backends(backend)), answering)


def _is_below(title: str, name: str) -> bool:
    return title == f"port443-{name}" or title.startswith(f"port443-{name}:")


def _with_backends(site: Site, lines: Sequence[Tuple[str, ...]]) -> Site:
    """Returns the site with what is said of its backends, in any of its sections."""
    for words in lines:
        if words[:2] == ("http-check", "send"):
            site = replace(site, health_path=words[words.index("uri") + 1])
        if words[0] == "server" and "ssl" in words:
            ca = words[words.index("ca-file") + 1] if "ca-file" in words else ""
            verified = words[words.index("verify") + 1] == "required"
            site = replace(site, verify_backend=verified, backend_ca="" if ca == SYSTEM_CA else ca)
    return site


def _read_hsts(lines: Sequence[Line]) -> int:
    for line in lines:
        if "Strict-Transport-Security" in line.words:
            return int(line.words[3][len("max-age=") :])
    return 0


def _read_backends(lines: Sequence[Line]) -> Tuple[str, ...]:
    servers = [line.words for line in lines if line.words[0] == "server"]
    return tuple(f"{'https' if 'ssl' in words else 'http'}://{words[2]}" for words in servers)


def _read_locations(
    name: str,
    lines: Sequence[Tuple[str, ...]],
    sections: Sections,
    own: Dict[Tuple[str, str], Tuple[str, ...]],
) -> Tuple[Location, ...]:
    found: Dict[int, Location] = {}
    for words in lines:
        if words[0] != "use_backend" or not words[1].startswith(f"port443-{name}:"):
            continue
        section = sections["backend", words[1]]
        redirects = [line.words for line in section if line.words[1:2] == ("redirect",)]
        path = words[words.index("--") + 1]
        if redirects:
            target = read_format(redirects[0][5])
            location = Location(path, redirect_to=target, redirect_code=int(redirects[0][3]))
        elif (words[1], name) in own:
            location = Location(path, directives=own[words[1], name])
        else:
            location = Location(path, backends=_read_backends(section))
        found[int(words[1].rpartition(":")[2])] = location
    return tuple(found[number] for number in sorted(found))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a site that a renewal needs, as a JSON file on the host."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import request
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_folder, read_file
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import INSTALLATION

_PREFIX = "port443-"
_ENDING = ".json"
_SHARED = 0o022  # who is neither root nor this user may not write


@dataclass(frozen=True)
class RenewalPaths:
    """Where things are on a host: what certbot has there and is told, our program, and the folder of the settings."""

    certbot: str = "/etc/letsencrypt"
    home: str = "/root"
    log: str = "/var/log/letsencrypt"
    program: str = "/var/lib/port443/renewal.pyz"
    settings: str = "/var/lib/port443/renewal"
    webroot: str = "/var/lib/port443/acme"

    @property
    def own(self) -> str:
        """The folder below which everything is ours, and nothing of ours that has no place of its own is elsewhere."""
        return os.path.dirname(self.program)

    def lineage(self, site: str) -> str:
        """Returns the name that a site's certificates have with certbot: others' names never begin like this."""
        return _PREFIX + site

    def live(self, site: str) -> str:
        """Returns the folder in which certbot links a site's newest files; it is RENEWED_LINEAGE of a deploy hook."""
        return os.path.join(self.certbot, "live", self.lineage(site))

    def enabled_timer(self) -> str:
        """Returns the path of the file that names a timer of certbot's which we have enabled."""
        return os.path.join(self.settings, "certbot-timer")

    def settings_of(self, site: str) -> str:
        """Returns the path of a site's settings."""
        return os.path.join(self.settings, site + _ENDING)


@dataclass(frozen=True)
class SiteSettings:
    """A site and the options (INSTALLATION) to install its certificate with: none is a secret."""

    site: str
    options: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Returns the content of the file."""
        return (json.dumps(dict(self.options), indent=1, sort_keys=True) + "\n").encode("ascii")

    def params(self, certificate: str, key: str) -> Dict[str, Any]:
        """Returns all options of the module certificate, for a pair in files of the host given by their paths."""
        params = {name: option.get("default") for name, option in request.ARGUMENT_SPEC.items()}
        params.update(self.options, name=self.site, remote_src=True, certificate_file=certificate, key_file=key)
        return params


def list_sites(layout: RenewalPaths) -> Tuple[str, ...]:
    """Returns the sites that have settings, sorted; raises HostError where others could have put them there."""
    with open_folder(layout.settings) as folder:
        names = [] if folder is None else os.listdir(folder)
    return tuple(sorted(name[: -len(_ENDING)] for name in names if name.endswith(_ENDING) and name[0] != "."))


def load(layout: RenewalPaths, site: str) -> SiteSettings:
    """Returns a site's settings; raises HostError for a file that was not written here."""
    path = layout.settings_of(site)
    with open_folder(layout.settings) as folder:
        file = None if folder is None else read_file(folder, site + _ENDING)
    if file is None:
        raise HostError(f"{path} is not there, or no regular file")
    if file.access.uid not in (0, os.geteuid()) or file.access.mode & _SHARED:
        raise HostError(f"{path} can be written by others than root: nothing is done by it")
    try:
        options = json.loads(file.content.decode("utf-8"))
    except ValueError:
        options = None
    if not isinstance(options, dict) or not set(options) <= set(INSTALLATION):
        raise HostError(f"{path} is damaged, or of a later release: run the role that issued the certificate again")
    return SiteSettings(site, options)  # what an earlier release did not know has its default

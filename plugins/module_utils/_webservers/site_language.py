# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The protocol of a web server's configuration language: reads it, and renders sites in it, from data alone."""

from __future__ import annotations

from typing import Dict, FrozenSet, Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ConfigFile,
    HostSystem,
    ServerSettings,
    Site,
    SiteConfiguration,
    SiteLayout,
)


class ConfigurationFiles(Protocol):
    """The files of a host, as they are or as a plan will have them."""

    def find(self, pattern: str) -> Sequence[Tuple[str, str]]:
        """Returns path and text of each file that an absolute path or pattern stands for, sorted; a folder has none."""

    def texts(self, pattern: str) -> Sequence[str]:
        """Returns the texts alone."""

    def list_folder(self, path: str) -> Sequence[str]:
        """Returns the names in a folder, sorted; empty where there is no such folder."""


class SiteLanguage(Protocol):
    """One web server's language; nothing in it touches a machine, so that a controller may run it."""

    name: str
    """As the option ``server`` names it."""
    title: str
    """As its makers write it, for messages."""
    processes: Tuple[str, ...]
    """What its processes are called, as /proc/PID/comm has it."""

    refusals: Tuple[int, ...]
    """The statuses of HTTP by which it refuses names that no site has, empty where it ends the connection."""

    looked_at: Tuple[str, ...]
    """The paths by whose existence it tells systems apart."""

    def find_layout(self, system: HostSystem) -> Optional[SiteLayout]:
        """Returns where a system has it; None where it is not managed on that system."""

    def look_commands(self, layout: SiteLayout) -> Tuple[Tuple[str, ...], ...]:
        """Returns the commands that tell version and build; all of their output goes to read_build."""

    def read_build(self, said: str) -> Optional[Build]:
        """Returns what those commands said, None if that is no server of this kind."""

    def complaints(self, sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
        """Returns what no server of this kind can do or hold, one sentence each, with what would work."""

    def limits(self, sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
        """Returns what this very build cannot do, one sentence each, with what would work."""

    def read(self, files: ConfigurationFiles, layout: SiteLayout) -> SiteConfiguration:
        """Returns what the whole configuration says; raises HostError where it cannot be understood."""

    def own_files(self, files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
        """Returns the sites of ours that are there: by their names, their files (a block's file is not among them)."""

    def matches(self, server_name: str, name: str) -> bool:
        """Tells whether a name as the configuration writes it, wildcard or not, stands for a host name."""

    def conflicts(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns which names, addresses or ports of the sites another site has, and would win, one sentence each."""

    def refused_sockets(self, rendered: Sequence[ConfigFile], settings: ServerSettings) -> FrozenSet[Tuple[str, int]]:
        """Returns the sockets of HTTPS on which these files of ours refuse names that no site has, as (address, port).

        The address is empty for all of IPv4 and ``::`` for all of IPv6. ``rendered`` is what ``render`` returned.
        """

    def overruled(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns what others have said for all sites that takes from these what they are for, one sentence each.

        That may be what an administrator wants, so it is no reason to refuse them; it has file and line.
        """

    def render(
        self,
        sites: Sequence[Site],
        removed: Sequence[str],
        settings: ServerSettings,
        build: Build,
        layout: SiteLayout,
        others: SiteConfiguration,
        files: ConfigurationFiles,
    ) -> Tuple[ConfigFile, ...]:
        """Returns every file that is to be or to go, in an order of which each prefix is a configuration that loads.

        ``sites`` are those to serve, ``removed`` the names of sites of ours to take away; other sites of ours stay as
        they are. ``others`` is the configuration without ours, ``files`` the host's.
        """

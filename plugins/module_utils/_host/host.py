# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host as web servers and certificates need it: its programs and its files."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner


class Host(Runner, Files):
    """The machine this runs on. Tests hand in an object with the same methods over another root or none.

    Who needs programs alone, or files alone, takes a Runner or Files.
    """

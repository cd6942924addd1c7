# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that is nothing but files."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._host.run import Completed


class FilesHost:
    """Answers about files from a dictionary of texts; runs nothing, but has an nft that tells its version."""

    def __init__(self, files, nft="1.0.6"):
        self.files = files
        self.nft = nft

    def find(self, name):
        return "/usr/sbin/nft" if name == "nft" and self.nft else None

    def run(self, argv):
        assert argv == ("nft", "--version")
        return Completed(argv, 0, f"nftables v{self.nft} (Some Name #4)\n", "")

    def read(self, path):
        text = self.files.get(path)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def is_file(self, path):
        return path in self.files

    def has_link(self, path):
        return path in self.files or bool(self.list_folder(path))

    def real_path(self, path):
        return path

    def list_folder(self, path):
        within = path.rstrip("/") + "/"
        names = {name[len(within) :].split("/")[0] for name in self.files if name.startswith(within)}
        return tuple(sorted(names))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that is nothing but files."""

from __future__ import annotations


class FilesHost:
    """Answers about files from a dictionary of texts; runs nothing."""

    def __init__(self, files):
        self.files = files

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

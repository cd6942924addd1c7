# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a host in memory, for languages that render from what is there."""

from __future__ import annotations

import fnmatch


class MemoryFiles:
    """Files by their paths; a link has the text of what it leads to."""

    def __init__(self, texts):
        self.all = dict(texts)

    def find(self, pattern):
        return [(path, text) for path, text in sorted(self.all.items()) if self._fits(path, pattern)]

    def texts(self, pattern):
        return [text for _path, text in self.find(pattern)]

    def list_folder(self, path):
        below = [file[len(path) + 1 :] for file in self.all if file.startswith(path.rstrip("/") + "/")]
        return sorted({file.partition("/")[0] for file in below})

    def take(self, file):
        """Does what a ConfigFile says."""
        if file.link:
            self.all[file.path] = self.all[file.link]
        elif file.text is not None:
            self.all.update(dict.fromkeys(self._same(file.path), file.text))
        else:
            del self.all[file.path]

    def _same(self, path):
        name = path.rpartition("/")[2].replace("--", "-")
        links = [one for one in self.all if "-enabled/" in one and one.rpartition("/")[2].replace("--", "-") == name]
        return [path, *links]

    def _fits(self, path, pattern):
        return fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host whose programs do not answer, and what a reader of one is expected to make of that."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed


class Mute(FirewallHost):
    """A host on which every program is there, and says this and no more."""

    lock_path = "/nonexistent/lock"

    def __init__(self, code=0, out="", err="", files=None, answer=None):
        self.ended, self.files, self.answer = (code, out, err), files or {}, answer

    def run(self, argv, stdin=""):
        return Completed(tuple(argv), *self.ended)

    def ask(self, methods):
        if isinstance(self.answer, HostError):
            raise self.answer
        return tuple(self.answer for _method in methods)

    def find(self, name):
        return "/usr/sbin/" + name

    def read(self, path):
        return self.files.get(path)

    def has_link(self, path):
        return True

    def list_folder(self, path):
        return ()

    def real_path(self, path):
        return path

    def is_root(self):
        return True


@dataclass(frozen=True)
class Case:
    """A reader, the host that it asks, and what comes of that: the words of what is raised, or a value."""

    reader: str
    title: str
    host: Mute
    ask: Callable[[Mute], Any]
    words: str = ""
    value: Any = None


def spoken(code, out="", err=""):
    """What ``execute`` returns for a program that says this."""
    return lambda *_arguments, **_options: subprocess.CompletedProcess((), code, out.encode(), err.encode())

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks, over and over, at every process of the machine and every file of some folders for words that are secret."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path


class Watch:
    """What was seen while the block ran; ``secrets`` are bytes by what to call them.

    ``processes`` are (secret, where, what) of arguments and environments. ``files`` maps the paths of files that held a
    secret to the secrets and to what others might do with them: mode bits, 0 is nothing, by the file or its folder.
    ``paths`` are all that were there at some time, ``programs`` the names of what ran.
    """

    def __init__(self, secrets, folders, leave_out=()):
        self.secrets = secrets
        self.folders = folders
        self.leave_out = leave_out
        self.processes = set()
        self.files = {}
        self.paths = set()
        self.programs = set()
        self.rounds = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_problem):
        self._over.set()
        self._thread.join()

    def find(self, content):
        return {name for name, secret in self.secrets.items() if secret in content}

    def _look_on(self):
        while not self._over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                self._look_at_process(process)
            for folder in self.folders:
                self._look_into(folder)
            self.rounds += 1

    def _look_at_process(self, process):
        for where in ("cmdline", "environ"):
            try:
                content = (process / where).read_bytes()
            except OSError:  # it has ended
                continue
            self.processes |= {(name, where, content) for name in self.find(content)}
            if where == "cmdline":
                # A script's name comes after that of its interpreter.
                self.programs |= {
                    word.rpartition(b"/")[2].decode("utf-8", "replace") for word in content.split(b"\0")[:2]
                }

    def _look_into(self, folder):
        for top, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if str(Path(top, name)) not in self.leave_out]
            try:
                around = os.stat(top).st_mode
            except FileNotFoundError:
                continue
            for name in names:
                self._look_at_file(Path(top, name), closed=not around & 0o011)

    def _look_at_file(self, path, closed):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # it is gone, or a link to what is looked at elsewhere
            return
        with os.fdopen(descriptor, "rb") as stream:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                return
            content = stream.read()
        self.paths.add(str(path))
        found = self.find(content)
        if found:
            names, others = self.files.get(str(path), (set(), 0))
            self.files[str(path)] = (names | found, others | (0 if closed else mode & 0o077))

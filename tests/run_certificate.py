# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module certificate, or the one that is named, with JSON on stdin, and lets a step of it fail if asked to.

RECORD in the environment is a file to write down what it tells others: commands with their environment, and the log.
FAULT in the environment is ``kill N``, or an error's number and N: at the Nth step that changes something the process
is killed, or the step fails with that error.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys

from ansible.module_utils import basic

MODULES = "ansible_collections.port443.https.plugins.modules."
CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.chmod", "os.chown")


class Fault:
    """An audit hook (docs.python.org/3/library/audit_events.html) that strikes once."""

    def __init__(self, what: str, number: int) -> None:
        self.what = what
        self.number = number
        self.steps = 0

    def __call__(self, event, given):
        if not is_change(event, given):
            return
        self.steps += 1
        if self.steps == self.number:
            if self.what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(int(self.what), os.strerror(int(self.what)))


class Record:
    """An audit hook that writes down commands, however short they live, and what the system's log gets."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, event, given):
        if event == "subprocess.Popen":
            _executable, argv, _folder, environment = given
            self._write(f"{argv} {dict(environment or os.environ)}")
        elif event == "syslog.syslog":
            self._write(f"logged {given[1]}")

    def _write(self, line: str) -> None:
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")


def is_change(event, given):
    """The module works below open directories, so its paths are relative; those of Python's own caches are not."""
    if event == "os.kill":
        return given[1] != 0
    made = event == "open" and bool(given[2] & os.O_CREAT)
    return (made or event in CHANGES) and not (isinstance(given[0], str) and os.path.isabs(given[0]))


if __name__ == "__main__":
    fault = os.environ.get("FAULT")
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    module = importlib.import_module(MODULES + (sys.argv[1] if len(sys.argv) > 1 else "certificate"))
    if "RECORD" in os.environ:
        sys.addaudithook(Record(os.environ["RECORD"]))
    if fault:
        sys.addaudithook(Fault(fault.split()[0], int(fault.split()[1])))
    module.main()

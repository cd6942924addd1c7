# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command over planned files as foresee does, and says what came of it and what changed on the machine.

Reads JSON: ``files`` by path, ``argv``, ``watched`` folders, ``refused`` (see below), ``timeout`` in seconds.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import host, mounts, namespaces, run
from ansible_collections.port443.https.plugins.module_utils._host.private_files import Planned, run_over

SMALL = 1 << 20


def main():
    given = json.load(sys.stdin)
    refuse(given.get("refused"))
    run.COMMAND_TIMEOUT = given.get("timeout", run.COMMAND_TIMEOUT)
    files = {path: planned(**one) for path, one in given["files"].items()}
    before = snapshot(given["watched"])
    said = {}
    try:
        ended = run_over(host.Host(), files, given["argv"])
        said["ended"] = ended and {"returncode": ended.returncode, "out": ended.out, "err": ended.err}
    except HostError as problem:
        said["problem"] = problem.message
    after = snapshot(given["watched"])
    changed = {path for path in {**before, **after} if before.get(path) != after.get(path)}
    json.dump(dict(said, changed=sorted(changed), watched=len(before)), sys.stdout)


def planned(content=None, target=None, mode=None):
    return Planned(content if content is None else content.encode(), target, mode)


def refuse(what):
    """A kernel without overlays, a security module that lets nobody mount or enter a namespace; and two that no kernel
    has: overlays that change the host, and mounts that are not read-only though it said so."""

    def fail(*_arguments):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if what == "overlay":
        mounts.mount_overlay = fail
    elif what == "mount":
        mounts._mount = fail
    elif what == "unshare":
        namespaces.ctypes.CDLL = lambda *_names, **_options: NoUnshare()
    elif what == "privacy":
        mounts.mount_overlay = lambda lower, _changes, path: mounts.show(lower, path, read_only=False)
    elif what == "protection":
        show = mounts.show
        mounts.mount_overlay = fail
        mounts.show = lambda source, path, read_only: show(source, path, False)
    elif what:
        raise ValueError(what)


class NoUnshare:
    def unshare(self, _flags):
        return -1


def snapshot(folders):
    """What every path is, who has it, when it was last changed, and what is in it."""
    with open(mounts.MOUNTS) as stream:
        found = {mounts.MOUNTS: stream.read()}
    for top in folders:
        for folder, folders_in, names in os.walk(top):
            for path in [folder, *(os.path.join(folder, name) for name in (*names, *folders_in))]:
                found[path] = describe(path)
    return found


def describe(path):
    status = os.lstat(path)
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode) and status.st_size < SMALL:
        with open(path, "rb") as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
    return (
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        content,
    )


if __name__ == "__main__":
    main()

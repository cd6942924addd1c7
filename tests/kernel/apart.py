# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces of this process: a network to move into and back, and a /run of its own, where iptables keeps its lock."""

from __future__ import annotations

import contextlib
import ctypes
import os

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
LOCK = "/run/xtables.lock"
_libc = ctypes.CDLL(None, use_errno=True)
_with_own_run = set()


@contextlib.contextmanager
def own_network():
    """Moves this process into a new network namespace, and back. Raises PermissionError without the right."""
    have_own_run()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        _check(_libc.unshare(CLONE_NEWNET), "make a network namespace")
        yield
    finally:
        _libc.setns(home, CLONE_NEWNET)
        os.close(home)


def have_own_run():
    """Gives this process, from now on, an empty /run that no other process but its children sees.

    A network namespace has rules of its own, but legacy iptables locks one file for all. Where another laboratory
    holds it, iptables-legacy-restore without --wait waits without end (1.8.9) or gives up (1.8.13).
    """
    if os.getpid() in _with_own_run:
        return
    _check(_libc.unshare(CLONE_NEWNS), "make a mount namespace")
    # Where mounts are shared, as systemd has them, ours would otherwise come to be on the machine.
    _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "keep mounts to this process")
    _check(_libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755"), "mount a /run")
    _with_own_run.add(os.getpid())


def _check(code, doing):
    if code != 0:
        raise PermissionError(ctypes.get_errno(), f"no right to {doing}: {os.strerror(ctypes.get_errno())}")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host as firewalls need it: with locks, network namespaces, D-Bus, and files replaced while nobody looks.

What installs certificates needs none of these, and the program that renews them on a host comes without.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host import dbus, locks
from ansible_collections.port443.https.plugins.module_utils._host.files import refuse_shared_folder, replace
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import CLONE_NEWNET, answer_in_child
from ansible_collections.port443.https.plugins.module_utils._host.nft_prune import delete_if_empty
from ansible_collections.port443.https.plugins.module_utils._host.writable import find_obstacle


class FirewallHost(Host):
    """The machine this runs on, with what its firewalls are changed by."""

    lock_path = "/var/run/port443.lock"  # which is /run on Linux

    def is_root(self) -> bool:
        """Tells whether this process has the rights of root."""
        return os.geteuid() == 0

    def now(self) -> float:
        """Returns the time of the host's clock, in seconds of the epoch."""
        return time.time()

    def refuse_unwritable(self, path: str) -> None:
        """Raises HostError where ``write`` could not replace that file; changes nothing."""
        real = os.path.realpath(path)
        folder = os.path.dirname(real)
        refuse_shared_folder(folder, os.stat(folder))
        obstacle = find_obstacle(real)
        if obstacle:
            raise HostError(obstacle)

    def write(self, path: str, before: Optional[bytes], after: Optional[bytes]) -> None:
        """Replaces a file by rename, or removes it (``after`` None), keeping its mode, owner and security label.

        Raises HostError if the file no longer holds ``before``, or its folder is not root's alone.
        """
        try:
            replace(os.path.realpath(path), before, after)
        except OSError as problem:
            raise HostError(f"{path} cannot be written: {describe_os_error(problem)}") from None

    @contextlib.contextmanager
    def keep(self, path: str) -> Iterator[None]:
        """Sees to it that what is at a path is there afterwards as it was, or nothing if nothing was."""
        aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.port443-{os.urandom(4).hex()}")
        there = os.path.lexists(path)
        if there:
            os.rename(path, aside)
        try:
            yield
        finally:
            if there:
                os.rename(aside, path)
            elif os.path.lexists(path):
                os.unlink(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the collection's own lock on this host; raises HostError if another run holds it for too long."""
        descriptor = locks.take_own(self.lock_path)
        try:
            yield
        finally:
            # Unlinked while still held, so that no second file of that name is ever locked beside this one.
            with contextlib.suppress(OSError):
                os.unlink(self.lock_path)
            os.close(descriptor)

    @contextlib.contextmanager
    def hold(self, path: str) -> Iterator[None]:
        """Holds the lock file of a firewall's own tool, none if ``path`` is empty; raises HostError after a while."""
        if not path:
            yield
            return
        descriptor = locks.take_of_tool(path)
        try:
            yield
        finally:
            os.close(descriptor)

    def in_private_network(self, work: Callable[[], Dict[str, Any]]) -> Optional[Dict[str, Any]]:
        """Runs ``work`` in a child in a new network namespace and returns its answer; None where that is not allowed.

        A HostError that ``work`` raises is raised here.
        """
        return answer_in_child(CLONE_NEWNET, work)

    def prune(self, family: str, table: str, chain: str) -> None:
        """Deletes an empty chain of nf_tables, and its table if that was all; raises HostError."""
        delete_if_empty(family, table, chain)

    def ask(self, methods: Sequence[dbus.Method]) -> Tuple[dbus.Answer, ...]:
        """Calls methods of programs on the system's D-Bus, in order; raises HostError where there is no bus."""
        return dbus.ask(methods)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No half state: whatever goes wrong at whichever step, each part of a host is as it was or as it is to be.

The next run makes the whole of it so, and nothing that was in the making stays.
"""

from __future__ import annotations

import os

import pytest
from faults import KILLED, faults_of, run_with_fault
from nft_host import listed, saved
from rooted import SAVED, V4, V6, WANTS, RootedHost, load, private_network, rules


class Iptables:
    """A host with rules of iptables, and the files of both IP versions that its boot loads."""

    def __init__(self, frontend):
        self.frontend = frontend

    def make(self, folder):
        host = RootedHost(folder)
        load(SAVED, self.frontend)
        host.put(V4, SAVED)
        host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
        host.enable(WANTS)
        return host

    def parts(self, host):
        """What is changed in one step or not at all: the rules of each IP version, and each file."""
        lines = rules(self.frontend)
        middle = lines.index("COMMIT") + 1
        while middle < len(lines) and lines[middle] != "*filter":
            middle += 1
        return {"IPv4": lines[:middle], "IPv6": lines[middle:], **without_lock(host)}


class Nftables:
    def make(self, folder):
        host = RootedHost(folder)
        saved(host)
        return host

    def parts(self, host):
        return {"rules": [line.split(" # handle")[0] for line in listed().splitlines()], **without_lock(host)}


BACKENDS = {
    "iptables-nft": Iptables("iptables-nft"),
    "nftables": Nftables(),
}


def without_lock(host):
    """The files; who was killed leaves the file of the lock, which the next run takes."""
    return {path: one for path, one in host.files().items() if not path.endswith(".lock")}


@pytest.fixture(params=BACKENDS)
def place(request, tmp_path):
    """A host of each kind: what it is, its parts before, and those once the ports are open."""
    with private_network():
        backend = BACKENDS[request.param]
        yield Place(backend, backend.make(tmp_path))


class Place:
    def __init__(self, backend, host):
        self.host, self._backend = host, backend
        self.old = self.parts()
        self.steps = host.ensure(check=True).steps
        host.ensure()
        self.new = self.parts()
        self.close()

    def parts(self):
        return self._backend.parts(self.host)

    def close(self):
        """Takes the set away; all is as before."""
        self.host.ensure(state="absent")
        assert self.parts() == self.old

    def assert_whole(self, *told):
        """Each part is the old or the new one; a temporary file is none of either."""
        for name, part in self.parts().items():
            known = [one[name] for one in (self.old, self.new) if name in one]
            assert part in known or is_in_the_making(name), (*told, name, part)

    def assert_converges(self, *told):
        self.host.ensure()
        assert self.parts() == self.new, told
        assert self.host.ensure().steps == (), told
        assert not [path for path in self.host.files() if path.endswith(".lock")], told


def is_in_the_making(path):
    return ".port443-" in os.path.basename(path)


def test_a_fault_at_any_step_leaves_old_or_new_and_the_next_run_converges(place):
    faults = faults_of(place.steps)
    assert len({number for number, _kind in faults}) == len(place.steps) > 0
    for number, kind in faults:
        told = (number, kind, str(place.steps[number]))
        came = run_with_fault(place.host, place.steps, number, kind)
        place.assert_whole(*told)
        if kind not in KILLED:
            assert isinstance(came, str), told
            assert place.parts() == place.old, (*told, came)
        place.assert_converges(*told)
        place.close()


def test_a_fault_at_any_step_of_a_removal_leaves_old_or_new_and_the_next_run_converges(place):
    place.host.ensure()
    for number, kind in faults_of(place.host.ensure(state="absent", check=True).steps):
        steps = place.host.ensure(state="absent", check=True).steps
        told = (number, kind, str(steps[number]))
        came = run_with_fault(place.host, steps, number, kind, state="absent")
        place.assert_whole(*told)
        if kind not in KILLED:
            assert isinstance(came, str), told
            assert place.parts() == place.new, (*told, came)
        place.close()
        place.assert_converges(*told)

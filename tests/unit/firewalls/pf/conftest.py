# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines of the three systems that have pf, played; a test that takes ``system`` runs once on each."""

from __future__ import annotations

import socket

import pytest
from fake_pf.host import PlayedHost
from fake_pf.machine import Machine
from fake_pf.names import SERVICES

SYSTEMS = ("FreeBSD", "OpenBSD", "Darwin")


@pytest.fixture(autouse=True)
def _names_of_services(monkeypatch):
    """A host of pf has /etc/services; the machine that runs the tests may have none."""

    def look_up(name, protocol):
        if (name, protocol) not in SERVICES:
            raise OSError("service/proto not found")
        return SERVICES[name, protocol]

    monkeypatch.setattr(socket, "getservbyname", look_up)


@pytest.fixture(params=SYSTEMS)
def system(request):
    return request.param


@pytest.fixture
def played(tmp_path):
    """Makes a host of a system: as its installer leaves it, or with pf on and that pf.conf, and files beside it."""

    def make(system, conf=None, files=None):
        machine = Machine(tmp_path, system)
        for path, text in (files or {}).items():
            machine.write_text(path, text)
        machine.stock() if conf is None else machine.filtering(conf)
        return PlayedHost(machine)

    return make

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes packets before the rules do is told rightly on a real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab import HOSTS, tool
from witness_early import dropping_early, fill_connections
from witness_lab import filtering


def test_a_program_of_xdp_is_named_and_nothing_said_of_what_lies_before_it(witness):
    witness.look(HOSTS[4])
    try:
        with dropping_early("eth0"):
            found = witness.locate(HOSTS[4])
    except OSError as refused:
        reason = f"the kernel lets nobody load an XDP program here: {refused}"
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(reason)
        pytest.skip(reason)
    assert found[0] == "not known"
    assert "nothing is seen to arrive, but eth0 has an XDP program" in found[1]
    assert witness.locate(HOSTS[4])[0] == "reached"


def test_a_table_of_connections_that_is_full_is_told(witness):
    """Its size is the machine's, and no namespace can set one of its own: so it is filled."""
    most = int(Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text(encoding="ascii"))
    if most > 600_000:
        pytest.skip(f"{most} connections are more than a test may have the kernel track")
    witness.lab.load({"nft": filtering("input", "ct state new accept")})
    fill_connections(most + 1000)
    count = int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text(encoding="ascii"))
    assert count >= most
    try:
        found = witness.locate(HOSTS[4])
    finally:
        tool("conntrack", "--flush")
    assert found[0] == "in the host"
    assert f"the table of connections is full ({count} of {most}): raise net.netfilter.nf_conntrack_max" in found[1]

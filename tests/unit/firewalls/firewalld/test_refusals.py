# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cannot be had from firewalld as it is, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Refusal
from recorded_firewalld import (
    PUBLIC,
    RICH,
    ZONE_FILE,
    RecordedHost,
    calls,
    kernel,
    observed,
    opened,
    plan,
    request,
    with_file,
    writes,
)


def test_a_zone_that_does_not_exist_is_told_with_those_that_do():
    with pytest.raises(HostError, match="firewalld has no zone 'nope'; there are block, dmz, drop, external, home"):
        plan(observed(), zone="nope")
    have = observed()
    have = replace(have, files={**have.files, ("zone", "new"): have.files[PUBLIC]})
    with pytest.raises(HostError, match="firewalld has not loaded the zone new yet: run firewall-cmd --reload"):
        plan(have, zone="new")


def test_a_broken_file_is_not_touched_and_told_if_it_is_needed():
    have = with_file(observed(), PUBLIC, b"<zone>")
    with pytest.raises(HostError, match=r"zones/public.xml is broken, .*no element found.*mend it first"):
        plan(have)
    assert plan(have, state="absent").steps == ()
    assert ZONE_FILE not in writes(plan(have, zone="work"))


class Broken:
    """A host whose saved configuration firewalld cannot load."""

    def ask(self, methods):
        (method,) = methods
        assert method.member == "checkPermanentConfig"
        return (Refusal("org.fedoraproject.FirewallD1.Exception", "INVALID_SERVICE: gone"),)


def test_a_configuration_that_is_broken_already_is_not_loaded():
    have = observed()
    made = Firewalld().rehearse(Broken(), have, plan(have), request())
    assert calls(made)[2:] == [f".zone.addRichRule public {rule} 0" for rule in RICH]
    assert made.warnings == ("what firewalld has saved is broken: INVALID_SERVICE: gone",)
    unchanged = plan(opened(observed()))
    assert Firewalld().rehearse(Broken(), have, unchanged, request()) is unchanged


def test_panic_mode_takes_no_change():
    with pytest.raises(HostError, match="firewalld is in panic mode"):
        plan(observed(panic=True))
    have = opened(observed())
    made = plan(replace(have, daemon=replace(have.daemon, panic=True)))
    assert made.steps == ()
    assert made.warnings == (
        "firewalld is in panic mode, in which it drops every packet: firewall-cmd --panic-off ends that",
    )


@pytest.mark.parametrize(
    ("boot", "words"), [("missing", "firewalld is not installed"), ("masked", "run systemctl unmask firewalld first")]
)
def test_without_a_firewalld_to_come_the_answer_is_clear(boot, words):
    have = replace(Firewalld().observe(RecordedHost("1.3.3", runs=False), kernel()), boot=boot)
    with pytest.raises(HostError, match=words):
        plan(have)
    assert plan(have, state="absent").steps == ()


def test_a_firewalld_that_does_not_start_at_boot_is_told():
    made = plan(replace(observed(), boot="disabled"))
    assert made.persisted == "no"
    assert made.warnings == ("firewalld does not start at boot, so the set is gone then: systemctl enable firewalld",)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A task of probe tells where a connection ends, with the executions that it needs and no more, and leaves nothing."""

from __future__ import annotations

import pytest
from located_network import WEB


def filtering(hook, rule):
    return f"table inet t {{\nchain c {{\ntype filter hook {hook} priority 0\n{rule}\n}}\n}}\n"


BETWEEN = filtering("output", "tcp dport 443 drop")
BLOCKED = filtering("input", "tcp dport 443 counter drop")


def test_where_all_is_well_the_host_is_not_asked(network):
    found, calls = network.probe()
    assert (found["ok"], calls, "ends" in found) == (True, 0, False)


def test_what_does_not_arrive_ends_before_the_host(network):
    network.rules_between(BETWEEN)
    found, calls = network.probe(host=list(WEB.values()))
    assert (found["failed"], found["changed"], calls) == (True, False, 2)
    assert [(one["address"], one["ends"]) for one in found["ends"]] == [
        (address, "before the host") for address in WEB.values()
    ]
    assert found["msg"].endswith(f"[{WEB['ipv6']}]:443 ends before the host: {found['ends'][1]['because']}")
    assert found["table"][0].split() == ["check", "name", "where", "outcome", "ends", "detail"]
    assert "timed out  before the host  no answer" in found["table"][1]
    assert "_attempts" not in found


@pytest.mark.parametrize("flags", [(), ("--check",)])
@pytest.mark.parametrize("delegated", [True, False])
def test_what_the_host_drops_ends_there_with_the_rule_and_its_counter(network, flags, delegated):
    network.rules_of_host(BLOCKED)
    found, calls = network.probe(*flags, delegated=delegated)
    (told,) = found["ends"]
    assert (told["ends"], calls, found["changed"]) == ("in the host", 2, False)
    assert (
        "the host drops it: nft inet t c handle 2: tcp dport 443 counter drop, its counter went from "
        in (told["because"])
    )


def test_always_tells_of_what_is_well_too_in_three_executions(network):
    found, calls = network.probe(locate="always")
    assert [(one["ends"], one["because"]) for one in found["ends"]] == [("reached", "it arrives and is answered")]
    assert (found["ok"], calls) == (True, 2)


def test_never_looks_from_the_host_itself(network):
    found, calls = network.probe(locate="never", delegated=False)
    assert (found["ok"], calls, "ends" in found) == (True, 1, False)


def test_a_host_that_cannot_be_asked_is_told(network):
    network.rules_between(BETWEEN)
    found, _calls = network.probe(variables={"ansible_python_interpreter": "/nonexistent/python"})
    (told,) = found["ends"]
    assert told["ends"] == "not known"
    assert "by rules and sockets alone (the host could not be asked: " in told["because"]
    assert "/nonexistent/python" in told["because"]


def test_an_option_that_does_not_go_with_a_background_job_is_refused(network):
    task = {"port443.https.probe": {"locate": "always"}, "register": "found", "ignore_errors": True, "async": 30}
    found, calls = network.play([task])
    assert "locate does not go with async" in found["msg"]
    assert calls == 0

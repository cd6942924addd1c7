# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What win_certificate does where the host will not: old state or new, whole, and never a binding that is lost.

Proves the guard, the way back and the refusals of the script that ships, in real PowerShell over a played host.
"""

from __future__ import annotations

import pytest
from played_certificates import FOREIGN, OURS, at, certificates, ours, thumbprint, values

ONE, TWO, *_OTHERS = certificates().values()
ALL = [{"port": 8443}, {"port": 8444, "sni": "www.example.com"}]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"DefaultFlags": ["DWord", 0x2002]}, "DefaultFlags 0x2000"),
        ({"DefaultFlags": ["DWord", 0x80000000]}, "DefaultFlags 0x80000000"),
        ({"DefaultFlags": ["DWord", 4]}, "DefaultFlags 0x4"),
        ({"DefaultSslSomethingNew": ["DWord", 1]}, "DefaultSslSomethingNew"),
        ({"DefaultSslCtlIdentifier": ["MultiString", ["a", "b"]]}, "DefaultSslCtlIdentifier"),
        ({"Keys": ["DWord", 1]}, "Keys"),
        ({"Count": ["String", "x"]}, "Count"),
    ],
)
def test_a_setting_that_cannot_be_written_again_is_refused_before_anything_is_done(host, more, told):
    host.windows.reset({"0.0.0.0:8443": values(ONE, OURS), "[::]:8443": values(ONE, **more)})
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    for check in (True, False):
        done = host.run(TWO, check=check)
        assert (done.get("failed"), host.executions, host.whole()) == (True, 1, before)
        assert told in done["msg"]
    assert host.windows.state()["netsh_log"] == []


def test_a_setting_that_this_netsh_has_no_word_for_is_refused_in_check_mode_too(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, DefaultFlags=["DWord", 0x800])}, windows="2016")
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    done = host.run(TWO, check=True)
    assert (done.get("failed"), host.executions, host.whole()) == (True, 1, before)
    assert "netsh of this host does not know enablesessionticket=enable" in done["msg"]


@pytest.mark.parametrize("windows", ["2025", "2016"])
@pytest.mark.parametrize("how", ["lie", "error", "half"])
def test_netsh_that_fails_at_the_second_binding_leaves_all_as_it_was(host, how, windows):
    host.windows.reset(
        {"0.0.0.0:8443": values(ONE), "[::]:8443": values(ONE, DefaultFlags=["DWord", 2])},
        windows=windows,
        netsh_fails={"ipport=[::]:8443": {"certhash": thumbprint(TWO), "how": how}},
        update_keeps=False,
    )
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    done = host.run(TWO, keep=1)
    assert done.get("failed"), done
    assert "All that was done was taken back" in done["msg"]
    assert host.whole() == before
    assert host.windows.state()["keys_deleted"] == [thumbprint(TWO)]


def test_netsh_that_says_it_has_made_a_binding_and_has_not_is_found_out(host):
    host.windows.reset(netsh_fails={"ipport=0.0.0.0:8443": {"certhash": thumbprint(ONE), "how": "lie"}})
    before = host.whole()
    done = host.run(ONE, bindings=ALL)
    assert done.get("failed")
    assert "ipport=0.0.0.0:8443" in done["msg"]
    assert "successfully added" in done["msg"]
    assert host.whole() == before


def test_http_sys_that_refuses_for_a_moment_is_asked_again(host):
    host.windows.reset(netsh_fails={"ipport=127.0.0.1:8443": {"certhash": thumbprint(ONE), "how": "once"}})
    host.run(ONE, bindings=[{"port": 8443, "address": "127.0.0.1"}])
    assert host.windows.bound() == {"127.0.0.1:8443": thumbprint(ONE)}


def test_a_failure_after_a_key_was_imported_again_leaves_the_certificate_without_one(host):
    host.windows.reset(netsh_fails={"ipport=[::]:8443": {"certhash": thumbprint(ONE), "how": "error"}})
    host.put(ONE, key=False, name="theirs")
    before = host.whole()
    done = host.run(ONE, bindings=[{"port": 8443, "address": "::"}])
    assert done.get("failed")
    assert host.whole() == before


def test_a_binding_that_somebody_changes_meanwhile_is_seen_and_stays_his(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, OURS), "[::]:8443": values(ONE, OURS)})
    host.put(ONE, name=ours(ONE))
    host.put(FOREIGN)
    host.windows.change(race=[{"SslBindingInfo": {"[::]:8443": values(FOREIGN)}}])
    done = host.run(TWO, keep=1)
    assert (done["changed"], host.executions) == (True, 3)
    assert host.windows.bound() == {"0.0.0.0:8443": thumbprint(TWO), "[::]:8443": thumbprint(FOREIGN)}


def test_a_binding_made_meanwhile_that_carries_what_is_to_go_is_rebound_too(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, OURS)})
    host.put(ONE, name=ours(ONE))
    host.windows.change(race=[{"SslBindingInfo": {"127.0.0.1:8444": values(ONE)}}])
    done = host.run(TWO, keep=1)
    assert (done["changed"], host.executions) == (True, 3)
    assert set(host.windows.bound().values()) == {thumbprint(TWO)}


def test_somebody_who_changes_bindings_again_and_again_is_told_and_nothing_is_done(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, OURS)})
    host.put(ONE, name=ours(ONE))
    race = [{"SslBindingInfo": {"0.0.0.0:8443": values(ONE, DefaultFlags=["DWord", flag])}} for flag in (1, 2, 3)]
    host.windows.change(race=race)
    done = host.run(TWO)
    assert (done.get("failed"), host.executions) == (True, 4)
    assert "changed certificates or bindings 3 times" in done["msg"]
    assert at(TWO) not in host.stored()


def test_what_cannot_be_read_for_want_of_rights_says_which_rights(host):
    host.windows.change(denied=True)
    done = host.run(ONE)
    assert (done.get("failed"), host.executions) == (True, 1)
    assert "administrator's token" in done["msg"]
    host.windows.change(denied=False)


def test_a_script_of_another_version_is_told(host):
    answer = host.execute({"format": 1})
    assert "the collection was changed while it ran" in answer["msg"]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What win_certificate makes of a host: the script that ships in real PowerShell, planned for by the controller's code.

Proves routing of operations, stores, keys, netsh's words and what is read back. Stores are those of .NET on this
system; registry, netsh and friendly names are played.
"""

from __future__ import annotations

import pki
import pytest
from played_certificates import (
    FOREIGN,
    NAME,
    OURS,
    THEIRS,
    at,
    certificates,
    digest,
    ours,
    thumbprint,
    values,
)

ONE, TWO, THREE, EC, EC2 = certificates().values()
INTERMEDIATE = f"CA\\{thumbprint(pki.intermediate())}"
OTHER = pki.issue("other.example.com", ["other.example.com"], number=8, key="rsa2048")
ALL = [{"port": 8443}, {"port": 8444, "sni": "WWW.example.com"}]
PLACES = ("0.0.0.0:8443", "[::]:8443", "www.example.com:8444")


def test_a_first_run_imports_and_binds_and_a_second_changes_nothing(host):
    empty = host.whole()
    foretold = host.run(ONE, check=True, bindings=ALL)
    assert (foretold["changed"], host.executions, host.whole()) == (True, 1, empty)
    assert host.windows.state()["netsh_log"] == []
    done = host.run(ONE, bindings=ALL)
    assert (done["changed"], host.executions) == (True, 2)
    assert host.stored() == {at(ONE): True, INTERMEDIATE: False}
    assert host.windows.bound() == dict.fromkeys(PLACES, thumbprint(ONE))
    assert host.windows.state()["names"][thumbprint(ONE)] == ours(ONE)
    assert {told: foretold[told] for told in done} == done
    again = host.run(ONE, bindings=ALL)
    assert (again["changed"], host.executions, again["commands"]) == (False, 1, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_absent_leaves_the_host_as_it_was(host):
    host.put(OTHER)
    host.windows.change(registry={"SslBindingInfo": {"[::]:9443": values(OTHER)}})
    before = host.whole()
    host.run(ONE, bindings=ALL)
    foretold = host.run(check=True)
    done = host.run()
    assert (done["changed"], host.executions) == (True, 2)
    assert {told: foretold[told] for told in done} == done
    assert done["removed"] == [thumbprint(ONE)]
    assert host.whole() == before
    assert thumbprint(ONE) in host.windows.state()["keys_deleted"]
    again = host.run()
    assert (again["changed"], host.executions) == (False, 1)


SETTINGS = {
    "DefaultFlags": ["DWord", 0x3],
    "DefaultSslCertCheckMode": ["DWord", 0x10004],
    "DefaultSslRevocationFreshnessTime": ["DWord", 3600],
}
LISTS = {"DefaultSslCtlIdentifier": ["String", "A List"], "DefaultSslCtlStoreName": ["String", "CA"]}


@pytest.mark.parametrize(
    ("windows", "language", "update_keeps"),
    [("2025", "en", True), ("2025", "de", False), ("2019", "de", True), ("2016", "en", True)],
)
def test_a_renewal_exchanges_the_certificate_in_every_binding_and_keeps_all_settings(
    host, windows, language, update_keeps
):
    host.windows.reset(
        {
            "0.0.0.0:8443": values(ONE, **SETTINGS),
            "[::]:8443": values(ONE, OURS, "My"),
            "0.0.0.0:9443": values(FOREIGN),
            "10.0.0.1:8443": values("0" * 40),
        },
        {"www.example.com:8444": values(ONE, **LISTS), "x.example.com:8444": values(FOREIGN)},
        windows=windows,
        language=language,
        update_keeps=update_keeps,
    )
    host.put(ONE, name=ours(ONE))
    host.put(FOREIGN)
    was = host.windows.bindings()
    done = host.run(TWO, keep=1)
    assert (done["changed"], host.executions, done["removed"]) == (True, 2, [thumbprint(ONE)])
    assert folded(host.windows.bindings()) == folded(
        {
            place: {**one, "SslCertHash": digest(TWO) if one["SslCertHash"] == digest(ONE) else one["SslCertHash"]}
            for place, one in was.items()
        }
    )
    assert host.stored() == {at(TWO): True, at(FOREIGN): True, INTERMEDIATE: False}
    assert host.windows.state()["keys_deleted"] == [thumbprint(ONE)]
    log = host.windows.state()["netsh_log"]
    assert any(" update " in line for line in log)
    assert any(" delete " in line for line in log) == (windows == "2016")
    again = host.run(TWO, keep=1)
    assert (again["changed"], host.executions) == (False, 1)


def folded(bindings):
    """Bindings without the case of the store's name, which http.sys does not tell apart."""
    return {
        place: {name: value[1].upper() if name == "SslCertStoreName" else value for name, value in one.items()}
        for place, one in bindings.items()
    }


def test_as_many_certificates_stay_as_are_kept_those_that_expire_last(host):
    for issued in (ONE, TWO, THREE):
        host.run(issued, bindings=ALL)
    assert host.stored() == {at(TWO): True, at(THREE): True, INTERMEDIATE: False}
    back = host.run(TWO)
    assert (back["changed"], back["removed"]) == (True, [])
    assert set(host.windows.bound().values()) == {thumbprint(TWO)}


def test_a_store_of_its_own_is_written_into_its_bindings(host):
    host.windows.change(web_hosting=True)
    host.run(ONE, store="WebHosting", bindings=ALL)
    assert host.stored()[f"WebHosting\\{thumbprint(ONE)}"] is True
    host.run(TWO, store="WebHosting", keep=1)
    assert {one["SslCertStoreName"][1] for one in host.windows.bindings().values()} == {"WebHosting"}
    assert set(host.windows.bound().values()) == {thumbprint(TWO)}
    assert host.stored() == {f"WebHosting\\{thumbprint(TWO)}": True, INTERMEDIATE: False}


def test_a_store_that_the_host_has_not_is_told_and_nothing_is_changed(host):
    before = host.whole()
    done = host.run(ONE, store="WebHosting", bindings=ALL)
    assert done["failed"]
    assert done["msg"].endswith("this host has no store WebHosting. All that was done was taken back")
    assert host.windows.state()["keys_deleted"] == [thumbprint(ONE)]
    assert host.whole() == before


def test_a_binding_that_looks_into_another_store_is_refused(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, OURS, "WebHosting")}, web_hosting=True)
    host.put(ONE, "WebHosting")
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    done = host.run(TWO)
    assert (done["failed"], host.executions, host.whole()) == (True, 1, before)
    assert "set store: WebHosting" in done["msg"]


def test_a_place_of_somebody_else_is_rebound_and_his_certificate_stays(host):
    host.windows.reset({"127.0.0.1:8443": values(FOREIGN)})
    host.put(FOREIGN, name="theirs")
    host.run(TWO, bindings=[{"port": 8443, "address": "127.0.0.1"}])
    (binding,) = host.windows.bindings().values()
    assert (binding["SslCertHash"], binding["AppId"]) == (digest(TWO), ["Binary", values(ONE, THEIRS)["AppId"][1]])
    assert host.stored()[at(FOREIGN)] is True
    host.run(TWO, bindings=[{"port": 8443, "address": "127.0.0.1", "appid": f"{{{OURS}}}"}])
    (binding,) = host.windows.bindings().values()
    assert binding["AppId"][1] == values(ONE, OURS)["AppId"][1]


def test_a_certificate_that_somebody_else_put_there_is_used_and_stays_his(host):
    host.put(ONE, name="by hand")
    done = host.run(ONE, bindings=ALL)
    assert (done["changed"], host.windows.state()["names"][thumbprint(ONE)]) == (True, "by hand")
    host.run(TWO, bindings=ALL, keep=1)
    assert host.stored()[at(ONE)] is True


def test_a_certificate_without_its_key_is_imported_again(host):
    host.put(ONE, key=False)
    done = host.run(ONE, bindings=ALL)
    assert (done["changed"], host.executions) == (True, 2)
    assert host.stored()[at(ONE)] is True
    assert host.windows.state()["names"][thumbprint(ONE)] == ours(ONE)


def test_keys_of_both_kinds_take_turns(host):
    for issued in (EC, EC2, TWO, EC):
        done = host.run(issued, bindings=ALL, keep=1)
        assert done["changed"]
        assert set(host.windows.bound().values()) == {thumbprint(issued)}
        assert host.run(issued, bindings=ALL, keep=1)["changed"] is False
    assert host.stored() == {at(EC): True, INTERMEDIATE: False}


def test_the_key_of_a_copy_in_another_store_stays_and_is_told(host):
    host.windows.change(web_hosting=True)
    host.put(ONE, "WebHosting")
    host.run(ONE, bindings=ALL)
    done = host.run(TWO, bindings=ALL, keep=1)
    assert host.windows.state()["keys_deleted"] == []
    assert any("its key stays" in told for told in done["warnings"])


@pytest.mark.parametrize(
    ("table", "key", "value", "told"),
    [
        ("WinStations", "RDP-Tcp", {"SSLCertificateSHA1Hash": ["Binary", thumbprint(ONE)]}, "remote desktop (RDP-Tcp)"),
        ("Listener", "*+HTTPS", {"certThumbprint": ["String", thumbprint(ONE).lower()]}, "WinRM (*+HTTPS)"),
    ],
)
def test_what_remote_desktop_or_winrm_uses_stays_and_is_told(host, table, key, value, told):
    host.run(ONE, bindings=ALL)
    registry = host.windows.state()["registry"]
    host.windows.change(registry={**registry, table: {key: value}})
    done = host.run(TWO, bindings=ALL, keep=1)
    assert (done["removed"], host.stored()[at(ONE)]) == ([], True)
    assert any(told in warning for warning in done["warnings"])


def test_absent_leaves_a_binding_of_another_application_and_what_it_carries(host):
    host.windows.reset({"0.0.0.0:8443": values(ONE, THEIRS)})
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    done = host.run()
    assert (done["changed"], host.whole()) == (False, before)
    assert any("another application" in told for told in done["warnings"])


def test_another_site_keeps_its_certificate_and_the_intermediate_of_both(host):
    host.run(ONE, bindings=[{"port": 8443}])
    host.run(TWO, name="other.example.com", names=[NAME], bindings=[{"port": 8444}])
    host.run()
    assert host.stored() == {at(TWO): True, INTERMEDIATE: False}
    host.run(name="other.example.com")
    assert host.stored() == {}


def test_windows_itself_says_whether_it_trusts_the_chain(host):
    assert host.run(ONE, trust="system")["changed"]
    stranger = pki.issue(NAME, [NAME], issuer=pki.issue("Nobody", ca=True, number=77), number=78)
    before = host.whole()
    done = host.run(stranger, trust="system", certificate=stranger.pem().decode())
    assert (done["failed"], host.executions, host.whole()) == (True, 1, before)
    assert "Windows does not trust the chain (PartialChain)" in done["msg"]

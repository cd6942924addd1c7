# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that the configuration of IIS names are exchanged there too, before the old one leaves.

Proves the order of what is done and the way back; microsoft.iis is played, and the file of IIS as well.
"""

from __future__ import annotations

import pytest
from played_certificates import FOREIGN, IIS, at, certificates, ours, thumbprint, values

ONE, TWO, *_OTHERS = certificates().values()
SITE = {"site": "It's a site", "information": "*:8443:", "flags": "0", "thumbprint": thumbprint(ONE), "store": "My"}


@pytest.fixture
def iis(host):
    """A host with a site of IIS whose configuration names the certificate that is to be superseded."""
    host.windows.reset({"0.0.0.0:8443": values(ONE, IIS)}, iis=[SITE])
    host.put(ONE, name=ours(ONE))
    return host


def test_the_site_names_the_new_certificate_before_the_old_one_leaves(iis):
    before = iis.whole()
    foretold = iis.run(TWO, check=True, keep=1)
    assert (iis.executions, iis.whole(), iis.iis.asked) == (1, before, [])
    done = iis.run(TWO, keep=1)
    assert {told: foretold[told] for told in done} == done
    assert (done["changed"], done["removed"], iis.executions) == (True, [thumbprint(ONE)], 4)
    assert iis.iis.asked == [
        (
            "It's a site",
            {
                "ip": "*",
                "port": 8443,
                "hostname": "",
                "protocol": "https",
                "use_sni": False,
                "certificate_hash": thumbprint(TWO),
                "certificate_store_name": "My",
            },
        )
    ]
    assert done["commands"][-2:] == [
        "(Get-WebBinding -Name 'It''s a site' -IPAddress '*' -Port 8443 -HostHeader '')."
        f"AddSslCertificate('{thumbprint(TWO)}', 'My')",
        f"Remove-Item -LiteralPath Cert:\\LocalMachine\\{at(ONE)} -DeleteKey",
    ]
    (binding,) = iis.windows.bindings().values()
    assert binding["AppId"][1] == values(ONE, IIS)["AppId"][1]
    again = iis.run(TWO, keep=1)
    assert (again["changed"], iis.executions) == (False, 1)


def test_where_the_site_cannot_be_changed_the_old_certificate_stays_and_the_next_run_ends_it(iis):
    iis.iis.fails = "access denied"
    done = iis.run(TWO, keep=1)
    assert done["failed"]
    assert iis.stored()[at(ONE)] is True
    assert iis.windows.bound() == {"0.0.0.0:8443": thumbprint(TWO)}
    iis.iis.fails = ""
    done = iis.run(TWO, keep=1)
    assert (done["changed"], done["removed"]) == (True, [thumbprint(ONE)])
    assert iis.windows.state()["iis"][0]["thumbprint"] == thumbprint(TWO)


def test_without_microsoft_iis_nothing_is_changed_in_check_mode_neither(iis):
    iis.iis.missing = True
    before = iis.whole()
    for check in (True, False):
        done = iis.run(TWO, check=check)
        assert (done["failed"], iis.executions, iis.whole()) == (True, 1, before)
        assert "microsoft.iis" in done["msg"]


def test_flags_that_microsoft_iis_would_lose_are_refused(iis):
    iis.windows.change(iis=[{**SITE, "flags": "4"}])
    before = iis.whole()
    done = iis.run(TWO)
    assert (done["failed"], iis.whole()) == (True, before)
    assert "has sslFlags 4" in done["msg"]


@pytest.mark.parametrize(
    ("flags", "information", "binding"),
    [
        ("1", "*:8444:shop.example", {"port": 8444, "sni": "shop.example"}),
        ("0", "[::1]:8444:", {"port": 8444, "address": "::1"}),
    ],
)
def test_a_site_at_a_place_that_is_asked_for_names_it_too(iis, flags, information, binding):
    iis.windows.change(iis=[{**SITE, "information": information, "flags": flags, "thumbprint": thumbprint(FOREIGN)}])
    done = iis.run(TWO, bindings=[binding])
    assert done["changed"]
    assert iis.windows.state()["iis"][0]["thumbprint"] == thumbprint(TWO)


def test_a_site_that_leaves_its_certificate_to_http_sys_needs_no_microsoft_iis(iis):
    iis.windows.change(iis=[{**SITE, "thumbprint": ""}])
    iis.iis.missing = True
    done = iis.run(TWO, keep=1)
    assert (done["changed"], iis.executions, done["removed"]) == (True, 2, [thumbprint(ONE)])


def test_absent_leaves_what_a_site_names(iis):
    iis.windows.reset(iis=[SITE], friendly=[(ONE, ours(ONE))])
    iis.put(ONE, name=ours(ONE))
    done = iis.run()
    assert (done["changed"], iis.stored()) == (False, {at(ONE): True})
    assert done["warnings"] == [f"{thumbprint(ONE)} stays, as it is used by the IIS site It's a site"]

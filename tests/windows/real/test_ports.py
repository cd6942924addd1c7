# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks with the real plugin and the real script, in real PowerShell, over a played Windows.

Shown is what the script does and how the plugin uses it; that Windows answers as the played one does is not.
"""

from __future__ import annotations

import pytest
from stock import STOCK

ID = "port443-https-in-tcp"
HAND = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=443|Name=HTTPS|"
RULE = (
    "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=80|LPort=443|"
    "Name=port443 https (TCP in)|EmbedCtxt=port443|"
)


def verdicts(result):
    return [line["verdict"] for line in result["effective"]]


def test_a_set_is_foretold_made_left_alone_and_taken_away(host):
    windows = host(local=STOCK)
    foretold = windows.run(check=True)
    assert (foretold["changed"], foretold["runs"], windows.local) == (True, 1, STOCK)
    made = windows.run()
    assert (made["changed"], made["runs"], windows.local) == (True, 2, {**STOCK, ID: RULE})
    assert (made["commands"], made["diff"]) == (foretold["commands"], foretold["diff"])
    assert made["effective"] == foretold["effective"]
    assert verdicts(made) == ["open"] * 4
    assert made["backend"] == "windows"
    assert made["persisted"] == "written"
    assert made["windows"] == {"active_profiles": ["domain"], "rules_total": {"local": 13, "gpo": 0, "mdm": 0}}
    again = windows.run(ports=["443/tcp", "80/tcp"])
    assert (again["changed"], again["runs"], again["commands"], again["diff"]) == (False, 1, [], [])
    gone = windows.run(state="absent")
    assert (gone["changed"], gone["runs"], windows.local) == (True, 2, STOCK)
    last = windows.run(state="absent")
    assert (last["changed"], last["runs"]) == (False, 1)


CHANGES = [
    ("fewer ports", {"ports": ["443/tcp"]}, {}, "Set-NetFirewallRule"),
    ("more profiles", {"profiles": ["domain", "private", "public"]}, {}, "Set-NetFirewallRule"),
    ("another name", {"display_name": "web (in)"}, {}, "Set-NetFirewallRule"),
    ("a source", {"source": ["10.0.0.0/8"]}, {}, "Remove-NetFirewallRule"),
    ("another group", {"group": "Web"}, {}, "Remove-NetFirewallRule"),
    ("a program", {"program": "System"}, {}, "Remove-NetFirewallRule"),
    ("edge traversal", {"edge_traversal": True}, {}, "Remove-NetFirewallRule"),
    ("disabled by hand", {}, {"Active=TRUE": "Active=FALSE"}, "Set-NetFirewallRule"),
    ("made to block by hand", {}, {"Action=Allow": "Action=Block"}, "Set-NetFirewallRule"),
    ("limited by hand", {}, {"|Name=": "|RA4=192.0.2.1|Name="}, "Remove-NetFirewallRule"),
    ("made to hold for services alone", {}, {"|Name=": "|Svc=*|Name="}, "Remove-NetFirewallRule"),
    ("of a key that nobody knows", {}, {"|Name=": "|Later=1|Name="}, "Remove-NetFirewallRule"),
]


@pytest.mark.parametrize(
    ("asked", "by_hand", "command"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_a_rule_that_is_not_as_asked_is_changed_under_its_id(host, asked, by_hand, command):
    text = RULE
    for old, new in by_hand.items():
        text = text.replace(old, new)
    windows = host(local={**STOCK, ID: text})
    foretold = windows.run(check=True, **asked)
    made = windows.run(**asked)
    assert (made["changed"], made["runs"]) == (True, 2)
    assert made["commands"][0].startswith(command)
    assert (made["commands"], made["diff"]) == (foretold["commands"], foretold["diff"])
    assert {name: text for name, text in windows.local.items() if name != ID} == STOCK
    assert windows.run(**asked)["changed"] is False
    windows.run()
    assert windows.local[ID] == RULE


def test_sources_read_back_as_masks_and_are_the_same(host):
    windows = host()
    asked = ["10.0.0.0/24", "192.168.0.1", "2001:db8::/32"]
    windows.run(source=asked)
    assert "RA4=10.0.0.0/255.255.255.0|RA4=192.168.0.1|RA6=2001:db8::/32|" in windows.local[ID]
    for same in (list(reversed(asked)), ["10.0.0.0/25", "10.0.0.128/25", "192.168.0.1/32", "2001:db8::/32"]):
        assert windows.run(source=same)["changed"] is False
    other = windows.run(source=["192.0.2.0/24"])
    assert other["commands"] == [
        f"Set-NetFirewallRule -PolicyStore PersistentStore -Name {ID} -RemoteAddress '192.0.2.0/24'"
    ]


def test_ranges_udp_and_both_directions_are_rules_of_their_own(host):
    windows = host()
    asked = {"ports": ["443/tcp", "443/udp", "8000-8010/tcp"], "direction": "both"}
    windows.run(**asked)
    assert sorted(windows.local) == [f"port443-https-{way}" for way in ("in-tcp", "in-udp", "out-tcp", "out-udp")]
    assert "LPort=443|LPort2_10=8000-8010|" in windows.local[ID]
    assert "Dir=Out|Protocol=17|Profile=Domain|Profile=Private|RPort=443|" in windows.local["port443-https-out-udp"]
    assert windows.run(**asked)["changed"] is False
    assert windows.run(ports=["443/tcp", "8000-8010/tcp"])["changed"] is True
    assert list(windows.local) == [ID]


def test_twins_of_others_stay_and_the_set_beside_is_nobodys(host):
    others = {"{A}": HAND, "{B}": HAND, "port443-https-in-out-tcp": RULE, "port443-notes": RULE}
    windows = host(local=others)
    windows.run()
    windows.run(state="absent")
    assert windows.local == others


HANDMADE = {
    "{A}": HAND,
    "{B}": HAND,
    "{OUT}": HAND.replace("Dir=In", "Dir=Out"),
    "{WIDER}": HAND.replace("Profile=Domain|Profile=Private|", ""),
    "{NARROW}": HAND.replace("|Name=", "|Svc=*|Name="),
    "{MORE}": HAND.replace("LPort=443", "LPort=443|LPort=8443"),
    "{BLOCK}": HAND.replace("Allow", "Block").replace("443", "9443"),
}


def test_adopt_takes_what_the_wizard_makes_and_leaves_what_opens_more(host):
    windows = host(local={**STOCK, **HANDMADE})
    asked = {"adopt": True, "direction": "both"}
    foretold = windows.run(check=True, **asked)
    made = windows.run(**asked)
    left = set(windows.local) & set(HANDMADE)
    assert left == {"{WIDER}", "{NARROW}", "{MORE}", "{BLOCK}"}
    assert made["commands"] == foretold["commands"]
    assert [warning for warning in made["warnings"] if "stays" in warning] == [
        "rule {MORE} 'HTTPS' stays: it opens 443, 8443 of tcp, which is more than the set does",
        "rule {NARROW} 'HTTPS' stays: it is for a program or service alone",
        "rule {WIDER} 'HTTPS' stays: it opens them in Public as well",
    ]
    assert windows.run(**asked)["changed"] is False
    windows.run(state="absent", direction="both")
    assert windows.local == {**STOCK, **{name: HANDMADE[name] for name in left}}


def test_adopt_leaves_the_rule_by_which_ansible_came(host):
    windows = host(local={"{A}": HAND})
    result = windows.run(adopt=True, port=443)
    assert sorted(windows.local) == [ID, "{A}"]
    assert "rule {A} 'HTTPS' stays: Ansible itself came by port 443" in result["warnings"]


def test_what_others_change_between_look_and_change_is_seen(host):
    windows = host(race=[{ID: RULE.replace("Allow", "Block")}])
    made = windows.run()
    assert (made["changed"], made["runs"], windows.local) == (True, 3, {ID: RULE})


def test_what_others_change_each_time_ends_in_a_failure_that_says_so(host):
    texts = [RULE.replace("LPort=80", f"LPort={number}") for number in range(81, 90)]
    windows = host(race=[{ID: text} for text in texts])
    failed = windows.run()
    assert failed["msg"] == "another program keeps changing the rules of this set; nothing was changed"
    assert failed["runs"] == 4
    assert windows.local[ID] in texts


def test_what_others_make_that_is_right_is_no_change(host):
    windows = host(race=[{ID: RULE}])
    made = windows.run()
    assert (made["changed"], made["runs"], windows.local) == (False, 2, {ID: RULE})


DENIED = [-2147024891, "PermissionDenied", "Access is denied."]


def test_a_failure_in_the_middle_is_taken_back_and_told_in_windows_own_words(host):
    before = {**STOCK, ID: RULE.replace("LPort=80|", "")}
    windows = host(local=before, faults={"port443-https-out-tcp:add": DENIED})
    failed = windows.run(direction="both")
    assert windows.local == before
    assert failed["msg"].startswith("no right to look at or change Windows Firewall, which takes an administrator's")
    assert failed["msg"].endswith("add of rule port443-https-out-tcp: Windows said: Access is denied.")


def test_what_cannot_be_taken_back_is_told(host):
    faults = {
        "port443-https-out-tcp:add": [-2147023143, "NotSpecified", "The endpoint mapper is gone."],
        "port443-https-in-tcp:remove": [-2147467259, "NotSpecified", "Unspecified error"],
    }
    failed = host(faults=faults).run(direction="both")
    assert (
        "taking back what had been done before it failed too: remove port443-https-in-tcp: Unspecified" in failed["msg"]
    )
    assert "The endpoint mapper is gone." in failed["msg"]


def test_a_service_that_writes_late_is_waited_for(host):
    windows = host(late=2)
    made = windows.run()
    assert (made["changed"], made["runs"], windows.local) == (True, 2, {ID: RULE})


def test_a_store_that_drops_what_is_written_is_a_failure(host):
    windows = host(drops=[ID])
    failed = windows.run()
    assert failed["msg"].startswith("the rules are not what was asked after three changes: another program keeps")
    assert f"as they are made (rule {ID} is not there, and was to be {RULE}); all was taken back" in failed["msg"]
    assert windows.local == {}


def test_the_services_of_the_firewall_have_to_run(host):
    windows = host(services={"MpsSvc": "Stopped", "BFE": "Running"})
    for check in (True, False):
        assert windows.run(check=check)["msg"] == (
            "the service MpsSvc of Windows Firewall does not run, and without it rules can neither be changed nor "
            "judged: start it"
        )
    assert windows.run(state="absent")["changed"] is False


def test_a_look_that_windows_refuses_is_told_in_its_own_words(host):
    failed = host(com_fails="There are no more endpoints available from the endpoint mapper.").run()
    assert "the services of Windows Firewall (MpsSvc, BFE) do not run, start them" in failed["msg"]
    assert "no more endpoints" in failed["msg"]


def test_require_effective_fails_before_anything_is_changed(host):
    windows = host(local=STOCK, policy={"gpo:DomainProfile": {"AllowLocalPolicyMerge": 0}})
    for check in (True, False):
        failed = windows.run(require_effective=True, check=check)
        assert (failed["failed"], failed["runs"], windows.local) == (True, 1, STOCK)
        assert "443/tcp over IPv4 (blocked: group policy ignores local rules in the Domain profile)" in failed["msg"]
        assert failed["msg"].endswith("Nothing was changed")
    made = windows.run()
    assert made["changed"] is True
    assert "443/tcp over IPv6 is blocked: group policy ignores local rules in the Domain profile" in made["warnings"]


def test_require_effective_takes_all_back_where_somebody_blocks_the_port_meanwhile(host):
    block = {"late": "v2.31|Action=Block|Active=TRUE|Dir=In|LPort=443|Name=late|"}
    windows = host(local=STOCK, race=[block])
    failed = windows.run(require_effective=True)
    assert (failed["failed"], failed["runs"], windows.local) == (True, 3, {**STOCK, **block})
    assert failed["msg"].endswith("rule late of the local store blocks it in the Domain profile). All was taken back")


def test_the_public_network_of_a_cloud_machine_is_told_with_the_option_that_helps(host):
    windows = host(local=STOCK, active=4)
    assert windows.run()["warnings"][0] == (
        "80/tcp over IPv4 is blocked: no rule allows it in the Public profile: rule port443-https-in-tcp "
        "'port443 https (TCP in)' is for Domain, Private (option profiles)"
    )
    assert verdicts(windows.run(profiles=["public"])) == ["open"] * 4


def test_what_listens_decides_which_rules_hold(host):
    lines = [
        "  Proto  Lokale Adresse         Remoteadresse          Status           PID",
        "  TCP    0.0.0.0:443            0.0.0.0:0              ABHÖREN         4",
        "  TCP    [::]:80                [::]:0                 ABHÖREN         1234",
        "  TCP    127.0.0.1:8080         0.0.0.0:0              ABHÖREN         99",
        "  UDP    0.0.0.0:443            *:*                                    77",
    ]
    windows = host(local=STOCK, netstat=lines, programs={"1234": "C:\\nginx\\nginx.exe"})
    because = {(line["port"], line["verdict"]): line["because"] for line in windows.run()["effective"]}
    assert sorted(because) == [("443", "open"), ("80", "open")]
    assert not any("listening" in reason for reason in because.values())
    block = "v2.31|Action=Block|Active=TRUE|Dir=In|App=C:\\NGINX\\nginx.exe|Name=no nginx|"
    windows.change(gpo={"{G}": block})
    told = {line["port"]: (line["verdict"], line["because"]) for line in windows.run()["effective"]}
    assert told["80"] == ("blocked", "rule {G} 'no nginx' of the group policy blocks it in the Domain profile")
    assert told["443"][0] == "open"


def test_ports_info_looks_once_and_changes_nothing(host):
    windows = host(local={**STOCK, ID: RULE})
    found = windows.run("ports_info", ports=["443/tcp", "22/tcp"])
    assert (found["changed"], found["runs"], found["backend"]) == (False, 1, "windows")
    assert verdicts(found) == ["blocked", "open", "blocked", "open"]
    assert found["sets"] == [{"name": "https", "family": "both", "frontend": "windows", "rules": [f"{ID}: {RULE}"]}]
    assert windows.local == {**STOCK, ID: RULE}

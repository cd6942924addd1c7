# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is planned for a host as observed: operations, their way back, the guard, the diff, and what is foreseen."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.plan import plan
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import format_rule
from windows_facts import HEAD, ID, RULE, answer, facts, request

ADD = (
    "New-NetFirewallRule -PolicyStore PersistentStore -Name port443-https-in-tcp -DisplayName 'port443 https (TCP in)' "
    "-Group port443 -Direction Inbound -Action Allow -Enabled True -Protocol TCP -LocalPort 80,443 -Profile "
    "'Domain,Private'"
)


def planned(asked=None, port=5986, **state):
    return plan(facts(**state), request(**(asked or {})), port)


def commands(made):
    return [str(step) for step in made.steps]


def test_on_a_stock_host_a_rule_is_added():
    made = planned()
    assert commands(made) == [ADD]
    assert made.guard == ((ID, None),)
    assert [str(back) for back in made.steps[0].undo] == [
        f"Remove-NetFirewallRule -PolicyStore PersistentStore -Name {ID}"
    ]
    assert (made.persisted, made.warnings) == ("written", ())
    assert [(change.title, change.before) for change in made.changes] == [(f"Windows Firewall rule {ID}", "")]
    assert made.changes[0].after == (
        "enabled: yes\naction: allow\ndirection: in\nprotocol: TCP\nlocal ports: 80, 443\nremote ports: any\n"
        "remote addresses: any\nprofiles: Domain, Private\ndisplay name: port443 https (TCP in)\ngroup: port443\n"
    )
    assert {rule.id: format_rule(rule) for rule in made.foreseen.rules} == {ID: RULE}


def test_what_is_as_asked_is_left():
    made = planned(local={ID: RULE})
    assert (made.steps, made.changes, made.guard, made.persisted) == ((), (), (), "written")


def test_a_change_in_place_has_its_way_back_and_what_was_seen_as_its_guard():
    seen = RULE.replace("LPort=80|LPort=443|", "LPort2_10=400-500|").replace("Active=TRUE", "Active=FALSE")
    made = planned(local={ID: seen})
    (step,) = made.steps
    head = f"Set-NetFirewallRule -PolicyStore PersistentStore -Name {ID} -Enabled"
    assert str(step) == f"{head} True -Protocol TCP -LocalPort 80,443"
    assert [str(back) for back in step.undo] == [f"{head} False -Protocol TCP -LocalPort 400-500"]
    assert made.guard == ((ID, seen),)


def test_a_rule_that_set_cannot_change_is_made_anew_and_comes_back_as_it_was():
    made = planned(local={ID: RULE.replace("EmbedCtxt=port443", "EmbedCtxt=mine").replace("|Name=", "|Svc=*|Name=")})
    assert [step.verb for step in made.steps] == ["remove", "add"]
    (back,) = made.steps[0].undo
    assert dict(back.parameters)["Group"] == "mine"
    assert dict(back.parameters)["Service"] == "Any"
    assert commands(made)[1] == ADD


def test_what_no_cmdlet_writes_again_is_told():
    made = planned(local={ID: RULE + "TTK2_22=x|Security=Authenticate|"})
    assert made.warnings == (f"rule {ID} has Security, TTK2_22, which no cmdlet writes: it is made anew without",)


def test_an_id_in_another_case_is_the_same_rule():
    name = ID.upper()
    made = planned(local={name: RULE})
    assert made.steps == ()
    made = planned(local={name: RULE.replace("LPort=80|", "")})
    assert [(step.verb, step.id) for step in made.steps] == [("set", name)]


OTHERS = [
    "port443-https-in-out-tcp",
    "port443-https2-in-tcp",
    "port443-https-in-tcp2",
    "port443-https",
    "xport443-https-in-tcp",
]


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_begins_as_a_set_is_another(name):
    assert planned({"state": "absent"}, local={name: RULE}).steps == ()


def test_a_rule_that_the_set_no_longer_has_goes():
    mine = {ID: RULE, "port443-https-in-udp": RULE.replace("Protocol=6", "Protocol=17"), "port443-https-out-tcp": RULE}
    assert [(step.verb, step.id) for step in planned(local=mine).steps] == [
        ("remove", "port443-https-in-udp"),
        ("remove", "port443-https-out-tcp"),
    ]
    gone = planned({"state": "absent"}, local=mine)
    assert {step.id for step in gone.steps} == set(mine)
    assert (gone.persisted, gone.foreseen.rules) == ("not needed", ())


def test_nothing_is_changed_while_the_firewall_does_not_run():
    stopped = {"services": {"MpsSvc": "Stopped", "BFE": "Stopped"}}
    with pytest.raises(HostError, match="the service BFE and MpsSvc of Windows Firewall does not run"):
        planned(**stopped)
    assert planned(local={ID: RULE}, **stopped).steps == ()


def test_an_answer_of_another_format_is_refused():
    from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import read_observation

    with pytest.raises(HostError, match="it answered in format 2, and 1 was asked for; run again"):
        read_observation({**answer(), "format": 2})


HAND = HEAD + "Profile=Domain|Profile=Private|LPort=443|Name=HTTPS|"
TAKEN = {
    "as the wizard makes it": HAND,
    "in one of the profiles": HAND.replace("Profile=Domain|", ""),
    "with a description and a group": HAND + "Desc=words|EmbedCtxt=Web|",
    "both ports": HAND.replace("LPort=443", "LPort=80|LPort=443"),
}
LEFT = {
    "it opens them in Public as well": HAND.replace("Profile=Domain|Profile=Private|", ""),
    "it opens 443, 8443 of tcp, which is more than the set does": HAND.replace("LPort=443", "LPort=443|LPort=8443"),
    "it opens 1-500 of tcp, which is more than the set does": HAND.replace("LPort=443", "LPort2_10=1-500"),
    "it is for other addresses": HAND + "RA4=10.0.0.0/8|",
    "it is for a program or service alone": HAND + "App=C:\\a.exe|",
    "it says more than a set can: Edge": HAND + "Edge=TRUE|",
    "it says more than a set can: IFType": HAND + "IFType=Wireless|",
    "it says more than a set can: LUAuth": HAND + "LUAuth=O:LSD:(A;;CC;;;WD)|",
}
NONE = {
    "disabled": HAND.replace("TRUE", "FALSE"),
    "a block": HAND.replace("Allow", "Block"),
    "udp": HAND.replace("Protocol=6", "Protocol=17"),
    "another port": HAND.replace("443", "22"),
    "any port": HAND.replace("LPort=443|", ""),
    "of Windows": HAND.replace("Name=HTTPS", "Name=@FirewallAPI.dll,-1"),
    "of a group of Windows": HAND + "EmbedCtxt=@FirewallAPI.dll,-1|",
    "outgoing": HAND.replace("Dir=In", "Dir=Out"),
}


def adopted(text, port=5986, **asked):
    made = planned({"adopt": True, **asked}, port=port, local={ID: RULE, "{X}": text})
    return [step.id for step in made.steps if step.verb == "remove"], made.warnings


@pytest.mark.parametrize("text", TAKEN.values(), ids=list(TAKEN))
def test_a_rule_of_a_person_for_just_these_ports_becomes_part_of_the_set(text):
    assert adopted(text) == (["{X}"], ())
    assert planned(local={ID: RULE, "{X}": text}).steps == (), "without adopt nothing is taken"


@pytest.mark.parametrize("why", LEFT)
def test_a_rule_that_opens_more_or_for_some_stays_and_is_named(why):
    assert adopted(LEFT[why]) == ([], (f"rule {{X}} 'HTTPS' stays: {why}",))


@pytest.mark.parametrize("text", NONE.values(), ids=list(NONE))
def test_a_rule_about_something_else_is_not_looked_at(text):
    assert adopted(text) == ([], ())


def test_the_rule_by_which_ansible_came_stays():
    assert adopted(HAND, port=443) == ([], ("rule {X} 'HTTPS' stays: Ansible itself came by port 443",))


def test_the_wizards_outgoing_rule_gives_way_to_one_that_lets_out():
    outgoing = HAND.replace("Dir=In", "Dir=Out")
    assert adopted(outgoing, direction="both")[0] == ["{X}"]
    assert adopted(outgoing.replace("LPort", "RPort"), direction="both")[0] == ["{X}"]
    assert adopted(outgoing.replace("LPort=443", "LPort=443|RPort=443"), direction="both")[0] == []


def test_ours_comes_before_what_was_there_goes_and_what_goes_can_come_back():
    made = planned({"adopt": True}, local={"{X}": HAND + "Desc=words|"})
    assert [(step.verb, step.id) for step in made.steps] == [("add", ID), ("remove", "{X}")]
    (back,) = made.steps[1].undo
    assert (back.verb, back.id, dict(back.parameters)["Description"]) == ("add", "{X}", "words")
    assert made.guard == ((ID, None), ("{X}", HAND + "Desc=words|"))


def test_absent_takes_ours_alone():
    made = planned({"adopt": True, "state": "absent"}, local={ID: RULE, "{X}": HAND})
    assert [step.id for step in made.steps] == [ID]


def test_a_port_that_ansible_goes_out_by_is_not_that_by_which_it_came():
    outgoing = HAND.replace("Dir=In", "Dir=Out").replace("LPort", "RPort")
    assert adopted(outgoing, port=443, direction="both")[0] == ["{X}"]


def test_what_set_could_not_take_back_is_made_anew():
    made = planned({"source": ["10.0.0.0/8"]}, local={ID: RULE})
    assert [step.verb for step in made.steps] == ["remove", "add"]


def test_a_rule_that_asks_for_ipsec_is_made_anew_and_what_is_lost_is_told():
    made = planned(local={ID: RULE.replace("Allow", "ByPass")})
    assert [step.verb for step in made.steps] == ["remove", "add"]
    assert made.warnings == (f"rule {ID} has Action=ByPass, which no cmdlet writes: it is made anew without",)


def test_any_program_and_service_is_none():
    assert planned({"program": "any", "service": "any"}, local={ID: RULE}).steps == ()

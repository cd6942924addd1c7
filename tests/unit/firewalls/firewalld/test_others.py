# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others opened and a set takes over, policies for what goes out, and the kernel's rules as they will be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import ZoneItem
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import SettingsFile
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.predict import predict
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    parse_service,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from recorded_firewalld import (
    PUBLIC,
    SERVICE,
    ZONE_FILE,
    calls,
    observed,
    plan,
    request,
    with_file,
    with_runtime,
    with_saved,
    writes,
)

HTTPS = ServiceDefinition((PortRule("tcp", 443, 443),))
MORE = ServiceDefinition((PortRule("tcp", 443, 443), PortRule("tcp", 8443, 8443)))
HELPER = ServiceDefinition((PortRule("tcp", 443, 443),), simple=False)
TEN = 'rule family="ipv4" source address="10.0.0.0/8" port port="443" protocol="tcp" accept'
EARLY = 'rule priority="-5" port port="443" protocol="tcp" accept'


def with_services(have, **services):
    """The same host with definitions of services, at runtime and in files."""
    daemon = replace(have.daemon, services={**have.daemon.services, **services})
    return replace(have, daemon=daemon, definitions={**have.definitions, **services})


def opened_by_hand(**settings):
    """A host on which somebody opened ports by hand, in the file, as saved, and at runtime; and one port at runtime."""
    have = with_services(observed(), https=HTTPS, web=MORE, helped=HELPER)
    lines = [f'  <service name="{name}"/>\n' for name in settings.get("services", ())]
    lines += [f'  <port protocol="{protocol}" port="{number}"/>\n' for number, protocol in settings.get("ports", ())]
    content = have.files[PUBLIC].stock.replace(b"</zone>", "".join(lines).encode() + b"</zone>")
    base = {**settings, "services": ["ssh", "dhcpv6-client", *settings.get("services", ())]}
    have = with_saved(with_file(have, PUBLIC, content), **base)
    return with_runtime(have, **{**base, "ports": [*settings.get("ports", ()), ("9999", "tcp")]})


ADOPTED = [
    ({"services": ["https"]}, {}, ["removeService public https"]),
    ({"ports": [("443", "tcp")]}, {}, ["removePort public 443 tcp"]),
    ({"ports": [("443", "tcp"), ("80", "tcp")]}, {}, ["removePort public 443 tcp", "removePort public 80 tcp"]),
    ({"services": ["web"]}, {}, []),
    ({"services": ["helped"]}, {}, []),
    ({"services": ["port443-b"]}, {}, []),
    ({"ports": [("443", "udp"), ("400-500", "tcp")]}, {}, []),
    ({"services": ["https"]}, {"source": ["10.0.0.0/8"]}, []),
    ({"rules_str": [TEN]}, {}, [f"removeRichRule public {TEN}"]),
    ({"rules_str": [TEN]}, {"source": ["10.0.0.0/7"]}, [f"removeRichRule public {TEN}"]),
    ({"rules_str": [TEN]}, {"source": ["10.0.0.0/9"]}, []),
    ({"rules_str": [TEN]}, {"source": ["2001:db8::/32"]}, []),
    ({"rules_str": [EARLY]}, {}, []),
    ({"rules_str": [TEN.replace(" accept", " log accept")]}, {}, []),
]


@pytest.mark.parametrize(("settings", "options", "removed"), ADOPTED)
def test_only_what_lets_in_no_more_than_the_set_is_taken_over(settings, options, removed):
    have = opened_by_hand(**settings)
    made = [
        call[len(".zone.") :] for call in calls(plan(have, adopt=True, **options)) if call.startswith(".zone.remove")
    ]
    assert made == removed
    assert not [call for call in calls(plan(have, **options)) if "remove" in call]


def test_what_is_taken_over_goes_from_the_file_and_comes_back_if_that_fails():
    have = opened_by_hand(services=["https"], ports=[("80", "tcp")])
    made = plan(have, adopt=True)
    after = writes(made)[ZONE_FILE]
    assert b'"https"' not in after
    assert b'port="80"' not in after
    step = next(step for step in made.steps if getattr(step, "files", ()) and step.files[0].path == ZONE_FILE)
    assert [method.member for method in step.methods] == ["addService", "removeService", "removePort"]
    assert [method.member for method in step.undo[0].methods] == ["addService", "addPort", "removeService"]
    now = next(change for change in made.changes if change.title == "firewalld zone public, now")
    assert "service https" in now.before
    assert "service https" not in now.after


def test_a_zone_that_the_set_does_not_go_into_keeps_what_it_has():
    have = with_services(observed(), https=HTTPS)
    have = with_runtime(have, ("zone", "work"), services=["ssh", "https"])
    assert not [call for call in calls(plan(have, adopt=True)) if " work " in call]


POLICY = ("policy", "locked")
LOCKED = b"""<?xml version="1.0" encoding="utf-8"?>
<policy target="REJECT">
  <ingress-zone name="HOST"/>
  <egress-zone name="ANY"/>
</policy>
"""
RULED = LOCKED.replace(b"</policy>", b'  <rule><service name="port443-https"/><accept/></rule>\n</policy>')


def with_policy(have, place=POLICY, content=LOCKED, **settings):
    """The same host with a policy that rejects all that the host sends."""
    told = {"target": "REJECT", "priority": -1, "ingress_zones": ["HOST"], "egress_zones": ["ANY"], **settings}
    file = SettingsFile(f"/etc/firewalld/policies/{place[1]}.xml", content, None)
    have = replace(have, files={**have.files, place: file})
    return with_saved(with_runtime(have, place, **told), place, **told)


def test_what_goes_out_needs_nothing_where_nothing_stops_it():
    made = plan(observed(), direction="out")
    assert (made.steps, made.persisted) == ((), "not needed")


def test_what_goes_out_goes_into_the_policy_that_stops_it():
    made = plan(with_policy(observed()), direction="out")
    assert calls(made) == [".checkPermanentConfig", ".reload"]
    assert writes(made)["/etc/firewalld/policies/locked.xml"] == RULED
    assert parse_service(writes(made)[SERVICE]).made == ()
    assert ZONE_FILE not in writes(made)


def test_without_a_reload_the_policy_gets_rich_rules_at_runtime():
    have = with_runtime(with_policy(observed()), ports=[("9999", "tcp")])
    made = plan(have, direction="out", ports=["443/tcp"])
    rule = 'rule priority="21540" port port="443" protocol="tcp" accept'
    assert calls(made)[-1] == f".policy.setPolicySettings locked {{'rich_rules': ('as', ['{rule}'])}}"
    (back,) = made.steps[-1].undo
    assert back.methods[0].arguments == ("locked", {"rich_rules": ("as", [])})


def test_both_directions_go_into_the_zone_and_the_policy():
    made = plan(with_policy(observed()), direction="both")
    assert set(writes(made)) == {SERVICE, ZONE_FILE, "/etc/firewalld/policies/locked.xml"}


def test_taking_it_back_leaves_the_policys_bytes_and_lists():
    have = with_policy(
        observed(), content=RULED, rich_rules=['rule service name="port443-https" accept', "rule masquerade"]
    )
    made = plan(have, state="absent")
    assert writes(made) == {"/etc/firewalld/policies/locked.xml": LOCKED}
    assert made.steps[-1].methods[0].arguments == ("locked", {"rich_rules": ("as", ["rule masquerade"])})


def test_of_several_policies_the_one_that_is_asked_first_is_taken():
    have = with_policy(
        with_policy(observed()), ("policy", "first"), LOCKED.replace(b"target", b'priority="-9" target'), priority=-9
    )
    have = with_policy(have, ("policy", "other"), LOCKED, egress_zones=["work"])
    have = with_policy(have, ("policy", "in"), LOCKED, ingress_zones=["public"])
    have = with_policy(have, ("policy", "open"), LOCKED, target="CONTINUE")
    made = plan(have, direction="out")
    assert [path for path in writes(made) if "/policies/" in path] == ["/etc/firewalld/policies/first.xml"]


def test_a_policy_cannot_open_for_a_time():
    with pytest.raises(HostError, match="firewalld cannot open a policy for a time"):
        plan(with_policy(observed()), direction="out", timeout="5m")


PORTS = (PortRule("tcp", 443, 443), PortRule("udp", 8000, 8010))
CHAINS = ("filter_IN_public_deny", "filter_IN_public_allow", "filter_IN_public_post")


def texts(ruleset):
    return [rule.text for table in ruleset for chain in table.chains for rule in chain.rules]


def test_a_service_is_foreseen_in_what_the_zone_allows():
    have = observed()
    table = Table("nft", "inet", "firewalld", tuple(Chain(name) for name in CHAINS))
    foreseen = predict((table,), [(PUBLIC, ZoneItem("port443-https"))], PORTS)
    assert [len(chain.rules) for chain in foreseen[0].chains] == [0, 2, 0]
    assert texts(foreseen) == ["tcp dport 443 accept", "udp dport 8000-8010 accept"]
    assert texts(plan(have).ruleset) == ["tcp dport 80 accept", "tcp dport 443 accept"]


def test_rich_rules_are_foreseen_behind_that_each_for_its_ip_version():
    rules = [
        (PUBLIC, ZoneItem("", PORTS[0], source, 21540, True))
        for source in request(source=["192.0.2.0/24", "2001:db8::15"]).source
    ]
    table = Table("nft", "inet", "firewalld", tuple(Chain(name) for name in CHAINS))
    foreseen = predict((table,), rules, ())
    assert texts(foreseen) == [
        "ip saddr 192.0.2.0/24 tcp dport 443 accept",
        "ip6 saddr 2001:db8::15/128 tcp dport 443 accept",
    ]
    assert [match.field for match in foreseen[0].chains[2].rules[0].matches] == [
        "ethertype",
        "source",
        "protocol",
        "dport",
    ]
    tables = tuple(Table("iptables-nft", family, "filter", (Chain("IN_public_post"),)) for family in ("ip", "ip6"))
    assert texts(predict(tables, rules, ())) == [
        "-A IN_public_post -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT",
        "-A IN_public_post -s 2001:db8::15/128 -p tcp -m tcp --dport 443 -j ACCEPT",
    ]


def test_a_zone_without_chains_and_tables_of_others_stay_as_they_are():
    tables = (Table("nft", "inet", "firewalld", (Chain("filter_IN_work_allow"),)), Table("nft", "ip", "x", ()))
    assert predict(tables, [(PUBLIC, ZoneItem("port443-https"))], PORTS) == tables


def test_a_policy_is_foreseen_on_the_way_out():
    table = Table("nft", "inet", "firewalld", (Chain("filter_OUT_policy_locked_allow"),))
    assert texts(predict((table,), [(POLICY, ZoneItem("port443-https", rich=True))], PORTS[:1])) == [
        "tcp dport 443 accept"
    ]


def test_an_older_firewalld_is_foreseen_to_ask_for_new_connections():
    new = Match("state", names=("NEW", "UNTRACKED"))
    ssh = Rule((Match("protocol", ((6, 6),)), Match("dport", ((22, 22),)), new), "accept")
    table = Table("nft", "inet", "firewalld", (Chain("filter_IN_public_allow", (ssh,)),))
    (foreseen,) = predict((table,), [(PUBLIC, ZoneItem("port443-https"))], PORTS[:1])
    rule = foreseen.chains[0].rules[1]
    assert (rule.matches[-1], rule.text) == (new, "tcp dport 443 ct state { new, untracked } accept")
    table = Table("iptables-nft", "ip", "filter", (Chain("IN_public_allow", (ssh,)),))
    assert texts(predict((table,), [(PUBLIC, ZoneItem("port443-https"))], PORTS[:1]))[1] == (
        "-A IN_public_allow -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
    )

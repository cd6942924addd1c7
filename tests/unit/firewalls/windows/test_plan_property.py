# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Any host and any request: what is planned is enough, goes back, is what Microsoft's cmdlets take, and is all ours."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.desired import owner_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.plan import plan, rule_of, same
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import RuleShape, shape_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import (
    format_rule,
    parse_rule,
)
from hypothesis import given
from hypothesis import strategies as st
from windows_facts import facts, request

TABLES = yaml.safe_load((Path(__file__).parents[3] / "windows/cmdlets.yml").read_text())
NEW = TABLES["New-NetFirewallRule"]["default"]
SET = TABLES["Set-NetFirewallRule"]["ByName"]
REMOVE = TABLES["Remove-NetFirewallRule"]["ByName"]
VALUES = {
    "Enabled": {"True", "False"},
    "Action": {"Allow", "Block"},
    "Direction": {"Inbound", "Outbound"},
    "EdgeTraversal": {"Block", "Allow", "DeferToUser", "DeferToApp"},
}
PROFILES = {"Domain", "Private", "Public"}

PORTS = st.lists(
    st.one_of(
        st.sampled_from(["80/tcp", "443/tcp", "443/udp"]),
        st.tuples(st.integers(1, 400), st.integers(0, 50)).map(lambda one: f"{one[0]}-{sum(one)}/tcp"),
    ),
    min_size=1,
    max_size=4,
)
ASKED = st.fixed_dictionaries(
    {"ports": PORTS, "state": st.sampled_from(["present", "absent"]), "adopt": st.booleans()},
    optional={
        "direction": st.sampled_from(["in", "out", "both"]),
        "profiles": st.lists(st.sampled_from(["domain", "private", "public"]), min_size=1, unique=True),
        "display_name": st.sampled_from(["it's", "a b", "x"]),
        "group": st.just("Web"),
        "program": st.sampled_from(["System", "C:\\a b\\c.exe"]),
        "service": st.just("W3SVC"),
    },
)
PARTS = st.lists(
    st.sampled_from(
        [
            *(
                "Profile=Domain",
                "Profile=Public",
                "LPort=443",
                "LPort=80",
                "LPort2_10=8000-8010",
                "LPort=RPC",
                "RPort=443",
            ),
            *("RA4=10.0.0.0/255.0.0.0", "RA6=2001:db8::/32", "RA4=LocalSubnet", "App=System", "Svc=*", "Svc=W3SVC"),
            *(
                "Edge=TRUE",
                "Defer=App",
                "Desc=words",
                "LUAuth=O:LSD:(A;;CC;;;WD)",
                "IFType=Lan",
                "TTK2_22=x",
                "Later=1",
            ),
            *("Name=HTTPS", "EmbedCtxt=port443", "Security=Authenticate", "LA4=192.0.2.1", "odd"),
        ]
    ),
    max_size=8,
)
TEXTS = st.builds(
    lambda action, active, way, protocol, parts: "|".join(
        ["v2.31", f"Action={action}", f"Active={active}", f"Dir={way}", f"Protocol={protocol}", *parts, ""]
    ),
    st.sampled_from(["Allow", "Block", "ByPass"]),
    st.sampled_from(["TRUE", "FALSE"]),
    st.sampled_from(["In", "Out"]),
    st.sampled_from(["6", "17"]),
    PARTS,
)
IDS = st.sampled_from(
    ["port443-https-in-tcp", "port443-https-in-udp", "port443-https-out-tcp", "{A}", "{B}", "port443-web-in-tcp"]
)
HOSTS = st.dictionaries(IDS, TEXTS, max_size=5)


def apply(local, operations):
    """Returns the rules after operations, as the store would hold them."""
    after = dict(local)
    for one in operations:
        if one.verb == "add":
            assert one.id not in after, "a rule of that id is there"
            after[one.id] = format_rule(rule_of(one.id, shape_from(dict(one.parameters))))
        elif one.verb == "set":
            shape = shape_of(parse_rule("local", one.id, after[one.id]))
            after[one.id] = format_rule(rule_of(one.id, shape_from(dict(one.parameters), shape)))
        else:
            del after[one.id]
    return after


def shape_from(given, before=None):
    """Returns the rule that parameters make, of one that was there or anew, as the cmdlets would."""
    fields = [("Name", "NewDisplayName"), ("Name", "DisplayName"), ("EmbedCtxt", "Group"), ("App", "Program")]
    kept = rule_of("x", before).fields if before else ()
    text = [(key, value) for key, value in kept if not overwritten(key, given)]
    text += [(key, given[name]) for key, name in fields if name in given]
    text += [("Svc", given["Service"].replace("Any", "*"))] if "Service" in given else []
    text += [("Action", given["Action"])] if "Action" in given else []
    text += [("Active", given["Enabled"])] if "Enabled" in given else []
    text += [("Dir", given["Direction"].replace("bound", ""))] if "Direction" in given else []
    text += [("Protocol", {"TCP": "6", "UDP": "17"}[given["Protocol"]])] if "Protocol" in given else []
    text += [("Profile", name) for name in given.get("Profile", "").split(",") if name]
    text += [("LPort", port) for port in given.get("LocalPort", ())] + [
        ("RPort", port) for port in given.get("RemotePort", ())
    ]
    text += [("RA4", address) for address in given.get("RemoteAddress", ())]
    text += [("Edge", "TRUE")] if "EdgeTraversalPolicy" in given else []
    return shape_of(parse_rule("local", "x", "v2.31|" + "".join(f"{key}={value}|" for key, value in text)))


WRITES = {
    "NewDisplayName": ("Name",),
    "Enabled": ("Active",),
    "Action": ("Action",),
    "Profile": ("Profile",),
    "Protocol": ("Protocol",),
    "LocalPort": ("LPort", "LPort2_10"),
    "RemotePort": ("RPort", "RPort2_10"),
    "RemoteAddress": ("RA4", "RA6"),
}


def overwritten(key, given):
    return any(key in WRITES[name] for name in given)


@given(HOSTS, ASKED)
def test_after_a_plan_nothing_is_left_to_do(local, asked):
    made = plan(facts(local=local), request(**asked), 5986)
    after = apply(local, made.steps)
    again = plan(facts(local=after), request(**asked), 5986)
    assert again.steps == ()
    assert bool(made.steps) == bool(made.changes)


@given(HOSTS, ASKED)
def test_what_is_foreseen_is_what_comes(local, asked):
    made = plan(facts(local=local), request(**asked), 5986)
    foreseen = {rule.id: shape_of(rule) for rule in made.foreseen.of("local")}
    after = {name: shape_of(parse_rule("local", name, text)) for name, text in apply(local, made.steps).items()}
    assert set(foreseen) == set(after)
    assert all(same(foreseen[name], after[name]) for name in after)


@given(HOSTS, ASKED)
def test_each_step_goes_back_and_what_was_not_planned_for_is_the_same_text(local, asked):
    made = plan(facts(local=local), request(**asked), 5986)
    touched = {step.id for step in made.steps}
    assert {name for name, _text in made.guard} == touched
    after = apply(local, made.steps)
    assert {name: text for name, text in local.items() if name not in touched} == {
        name: text for name, text in after.items() if name not in touched
    }
    for name in touched:
        assert owner_of(name) == "https" or asked["adopt"]
    verbs = {"add": "remove", "remove": "add", "set": "set"}
    for step in made.steps:
        assert [(back.verb, back.id) for back in step.undo] == [(verbs[step.verb], step.id)]


@given(HOSTS, ASKED)
def test_every_operation_is_one_that_the_cmdlets_take_from_2016_on(local, asked):
    for step in plan(facts(local=local), request(**asked), 5986).steps:
        for one in (step, *step.undo):
            table = {"add": NEW, "set": SET, "remove": REMOVE}[one.verb]
            given_names = dict(one.parameters)
            mandatory = {name for name, spec in table.items() if "m" in spec.get("flags", "")} - {"Name"}
            assert mandatory <= set(given_names)
            for name, value in given_names.items():
                assert_taken(table[name], name, value)


def assert_taken(spec, name, value):
    assert "since" not in spec, f"{name} is not in every version"
    kind = spec["type"]
    assert isinstance(value, tuple) == kind.endswith("[]"), name
    if kind in VALUES:
        assert value in VALUES[kind], name
    elif kind == "Profile":
        assert set(value.split(",")) <= PROFILES, name
    else:
        assert kind in ("String", "String[]"), f"{name} is of type {kind}"


def test_the_shape_of_no_rule_is_a_rule_of_any():
    assert same(RuleShape("in", "6"), shape_of(rule_of("x", RuleShape("in", "6"))))

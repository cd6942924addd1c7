# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our rules in ufw's files, which ufw 0.36.2 of Debian 13 wrote: put in as ufw would, found again, taken out."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.desired import with_set, without_set
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import (
    UfwRule,
    encode_comment,
    parse_tuple,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import parse_user_rules
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

HERE = Path(__file__).parent
FILES = {4: (HERE / "user.rules").read_text(encoding="utf-8"), 6: (HERE / "user6.rules").read_text(encoding="utf-8")}
# As the packages of ufw 0.36 bring them, before ufw writes them for the first time.
PACKAGED = {
    4: """*filter
:ufw-user-input - [0:0]
:ufw-user-output - [0:0]
:ufw-user-forward - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
### RULES ###
-A ufw-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
COMMIT
""",
    6: """*filter
:ufw6-user-input - [0:0]
:ufw6-user-output - [0:0]
:ufw6-user-forward - [0:0]
### RULES ###
COMMIT
""",
}
MARK = "706f72743434332d6874747073"  # port443-https, as ufw 0.36.2 wrote it


def request(**options):
    return parse_request({"ports": ["80/tcp", "443/tcp"], "backend": "ufw", **options})


def link(family):
    return Link(family, True, "eth0", ())


def put(text, family=4, **options):
    """The file with the set in it."""
    return with_set(parse_user_rules(text, family), request(**options), link(family)).text


def added(text, family=4, **options):
    """The lines that the set adds, without the empty ones."""
    before = text.splitlines()
    return [line for line in put(text, family, **options).splitlines() if line not in before]


# What ufw wrote for: ufw allow [in|out] proto tcp from SOURCE to any port PORTS comment port443-https
WRITTEN = [
    (
        {},
        4,
        [
            f"### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in comment={MARK}",
            "-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT",
        ],
    ),
    (
        {},
        6,
        [
            f"### tuple ### allow tcp 80,443 ::/0 any ::/0 in comment={MARK}",
            "-A ufw6-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT",
        ],
    ),
    (
        {"ports": ["443/udp"], "source": ["198.51.100.7/32"]},
        4,
        [
            f"### tuple ### allow udp 443 0.0.0.0/0 any 198.51.100.7 in comment={MARK}",
            "-A ufw-user-input -p udp --dport 443 -s 198.51.100.7 -j ACCEPT",
        ],
    ),
    (
        {"ports": ["80/tcp", "8000-8010/tcp"], "source": ["2001:db8::/32"]},
        6,
        [
            f"### tuple ### allow tcp 80,8000:8010 ::/0 any 2001:db8::/32 in comment={MARK}",
            "-A ufw6-user-input -p tcp -m multiport --dports 80,8000:8010 -s 2001:db8::/32 -j ACCEPT",
        ],
    ),
    (
        {"ports": ["8000-8010/udp"], "direction": "out"},
        4,
        [
            f"### tuple ### allow udp 8000:8010 0.0.0.0/0 any 0.0.0.0/0 out comment={MARK}",
            "-A ufw-user-output -p udp -m multiport --dports 8000:8010 -j ACCEPT",
        ],
    ),
]


@pytest.mark.parametrize(("options", "family", "lines"), WRITTEN)
def test_our_rule_is_written_as_ufw_writes_it(options, family, lines):
    assert added(FILES[family], family, **options) == lines


@pytest.mark.parametrize("texts", [FILES, PACKAGED], ids=["written", "packaged"])
@pytest.mark.parametrize("family", [4, 6])
def test_what_is_put_in_is_taken_out_to_the_byte(texts, family):
    text = texts[family]
    assert parse_user_rules(text, family).text == text
    with_ours = put(text, family, ports=["22/tcp", "443/udp", "9000-9100/tcp"], direction="both")
    assert with_ours != text
    assert put(with_ours, family, ports=["22/tcp", "443/udp", "9000-9100/tcp"], direction="both") == with_ours
    assert without_set(parse_user_rules(with_ours, family), request()).text == text


def test_the_rules_stand_where_ufw_reads_them_in_a_packaged_file():
    assert put(PACKAGED[4]).split("### RULES ###\n")[1].split("-A ufw-user-limit")[0] == (
        f"\n### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in comment={MARK}\n"
        "-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT\n"
    )


def test_more_ports_than_fit_a_rule_make_several():
    ports = [f"{2000 + 2 * number}/tcp" for number in range(14)] + ["5000-5010/tcp", "6000/tcp"]
    tuples = [line.split()[5] for line in added(PACKAGED[4], ports=ports) if line.startswith("###")]
    assert [len(numbers.replace(":", ",").split(",")) for numbers in tuples] == [14, 3]


def test_two_sets_do_not_know_each_other():
    both = put(put(FILES[4]), name="web", ports=["443/tcp", "8443/tcp"])
    assert put(both) == both
    assert without_set(parse_user_rules(both, 4), request()).text == put(
        FILES[4], name="web", ports=["443/tcp", "8443/tcp"]
    )


def test_lines_that_ufw_does_not_know_stay():
    text = FILES[4].replace("\n### tuple ### limit", "# by hand\n-A ufw-user-input -j LOG\n\n### tuple ### limit")
    assert without_set(parse_user_rules(put(text), 4), request()).text == text
    malformed = FILES[4].replace("### tuple ### limit tcp 22", "### tuple ### limit")
    assert without_set(parse_user_rules(put(malformed), 4), request()).text == malformed


@pytest.mark.parametrize("action", ["allow", "deny", "limit", "reject", "allow_log"])
def test_a_rule_that_the_administrator_has_already_stays_his(action):
    rule = f"\n### tuple ### {action} tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=6d79\n-A ufw-user-input -j ACCEPT\n"
    text = FILES[4].replace("\n### END RULES", rule + "\n### END RULES")
    assert put(text, ports=["443/tcp"]) == text
    assert (
        put(text, ports=["443/tcp", "443/udp"]).replace(
            f"\n### tuple ### allow udp 443 0.0.0.0/0 any 0.0.0.0/0 in comment={MARK}\n"
            "-A ufw-user-input -p udp --dport 443 -j ACCEPT\n",
            "",
        )
        == text
    )


def test_a_deny_that_took_our_comment_is_not_ours():
    text = put(FILES[4], ports=["443/tcp"]).replace("### allow tcp 443 0", "### deny tcp 443 0")
    assert without_set(parse_user_rules(text, 4), request()).text == text
    assert put(text, ports=["443/tcp"]) == text


def test_a_rule_of_ours_that_somebody_edited_is_written_anew():
    whole = put(FILES[4])
    assert put(whole.replace("--dports 80,443 -j ACCEPT\n\n### END", "--dports 80 -j ACCEPT\n\n### END")) == whole


def test_our_rules_may_stand_in_any_order():
    options = {"ports": ["443/tcp", "443/udp"]}
    blocks = put(PACKAGED[6], 6, **options).split("\n\n")[1:]
    tcp, udp = blocks[0], blocks[1].replace("\nCOMMIT\n", "")
    assert ("tcp 443" in tcp, "udp 443" in udp) == (True, True)
    turned = PACKAGED[6].replace("COMMIT", f"\n{udp}\n\n{tcp}\nCOMMIT")
    assert put(turned, 6, **options) == turned


def test_adopting_takes_over_what_opens_nothing_else():
    profile = FILES[4].split("\n\n")[3]
    assert "Nginx%20Full" in profile
    assert put(FILES[4], adopt=True) == put(FILES[4].replace(profile + "\n\n", ""))
    assert put(put(FILES[4], adopt=True), adopt=True) == put(FILES[4], adopt=True)
    for options in ({"ports": ["443/tcp"]}, {"source": ["192.0.2.0/24"]}, {"direction": "out"}):
        assert profile in put(FILES[4], adopt=True, **options)


@pytest.mark.parametrize("ports", ["80:90", "70:80", "22,80", "any"])
def test_what_opens_more_or_is_not_understood_is_not_taken_over(ports):
    wide = f"\n### tuple ### allow tcp {ports} 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp -j ACCEPT\n"
    strange = "\n### tuple ### limit\n-A ufw-user-input -j ACCEPT\n"
    text = PACKAGED[4].replace("### RULES ###\n", f"### RULES ###\n{wide}{strange}\n### END RULES ###\n")
    assert wide in put(text, ports=["80/tcp"], adopt=True)
    assert strange in put(text, ports=["80/tcp"], adopt=True)


def test_adopting_gives_the_same_rule_our_comment_where_it_stands():
    mine = "\n### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=6d79\n"
    text = FILES[4].replace(
        "\n### tuple ### limit", mine + "-A ufw-user-input -p tcp --dport 443 -j ACCEPT\n\n### tuple ### limit"
    )
    free = text.replace("-s 203.0.113.0/24 -j DROP", "-s 203.0.113.0/24 -j ACCEPT").replace(
        "-s 203.0.113.0/24 -j ufw-user-logging-input", "-s 203.0.113.0/24 -j ACCEPT"
    )
    assert put(free, ports=["443/tcp"], adopt=True) == free.replace("comment=6d79", f"comment={MARK}")


def test_a_file_without_the_mark_of_rules_is_none_of_ufws():
    assert parse_user_rules("*filter\nCOMMIT\n", 4) is None


def test_ports_that_ufw_does_not_know_are_refused():
    with pytest.raises(HostError, match="tcp and udp alone, so it cannot open 5000/sctp"):
        put(FILES[4], ports=["443/tcp", "5000/sctp"])


def test_tuples_are_read_in_every_form_that_ufw_wrote():
    short = UfwRule("allow", "tcp", "22", "0.0.0.0/0", "any", "0.0.0.0/0")
    assert parse_tuple("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0\n") == short
    assert parse_tuple("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n") == short
    assert parse_tuple("### tuple ### deny any any ::/0 any ::/0 SSH - in_eth0 comment=78\n") == UfwRule(
        "deny", "any", "any", "::/0", "any", "::/0", "SSH", "-", "in_eth0", "78"
    )
    assert parse_tuple("### tuple ### allow tcp\n") is None


def test_comments_are_written_as_ufw_writes_them():
    assert encode_comment("port443-https") == MARK

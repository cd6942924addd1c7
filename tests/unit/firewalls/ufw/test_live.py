# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's chains of a running ufw, brought to what its file says of our rules."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.desired import is_ours, with_set, without_set
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.live import is_live, plan_live
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import parse_user_rules
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

HERE = Path(__file__).parent
FILE = parse_user_rules((HERE / "user.rules").read_text(encoding="utf-8"), 4)
SAVE = (HERE / "save4").read_text(encoding="utf-8")  # what iptables-save 1.8.11 prints with that file loaded
OURS = "-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT"
LAST = "-A ufw-user-input -s 203.0.113.0/24 -p tcp -m tcp --dport 443 -j DROP\n"
TWIN = "-A ufw-user-input -p tcp -m tcp --dport 25 -j ACCEPT"


def table_of(save):
    return next(table for table in parse_save(save, "iptables-nft", "ip") if table.name == "filter")


def request(**options):
    return parse_request({"ports": ["80/tcp", "443/tcp"], "backend": "ufw", **options})


def change(save, have, want, asked=None):
    ours = [block for file in (have, want) for block in file.blocks if is_ours(block.rule, asked or request())]
    return plan_live(table_of(save), have, want, frozenset(ours))


def with_ours(file=FILE, **options):
    return with_set(file, request(**options), Link(4, True, "eth0", ()))


def script(*lines):
    return "\n".join(["*filter", *lines, "COMMIT", ""])


def test_our_rule_comes_behind_those_before_it_in_the_file_and_goes_again():
    made = change(SAVE, FILE, with_ours())
    number = SAVE.split(LAST)[0].count("-A ufw-user-input ") + 2
    assert made.script == script(OURS.replace("-A ufw-user-input", f"-I ufw-user-input {number}"))
    assert made.undo == script("-D" + OURS[2:])
    there = SAVE.replace(LAST, LAST + OURS + "\n")
    assert made.table == table_of(there)
    assert change(there, with_ours(), with_ours()) is None
    gone = change(there, with_ours(), without_set(with_ours(), request()))
    assert (gone.script, gone.undo, gone.table) == (made.undo, made.script, table_of(SAVE))


def test_rules_that_only_the_kernel_has_stay_where_they_are():
    by_hand = SAVE.replace(LAST, "-A ufw-user-input -s 192.0.2.66/32 -j DROP\n" + LAST + "-A ufw-user-input -j LOG\n")
    made = change(by_hand, FILE, with_ours())
    assert made.table == table_of(
        by_hand.replace("-A ufw-user-input -j LOG\n", "-A ufw-user-input -j LOG\n" + OURS + "\n")
    )
    there = by_hand.replace(LAST, LAST + OURS + "\n")
    assert change(there, with_ours(), without_set(with_ours(), request())).table == table_of(by_hand)


def test_our_rule_that_the_kernel_lost_comes_back_and_one_that_the_file_lost_is_found():
    assert change(SAVE, with_ours(), with_ours()).script == change(SAVE, FILE, with_ours()).script
    assert change(SAVE.replace(LAST, LAST + OURS + "\n"), FILE, with_ours()) is None


def test_of_two_rules_that_read_the_same_ours_goes_by_its_number():
    any_protocol = (
        "\n### tuple ### allow any 25 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport 25 -j ACCEPT\n"
    )
    text = FILE.text.replace("\n### tuple ### limit", any_protocol + "\n### tuple ### limit")
    file = parse_user_rules(text, 4)
    asked = request(ports=["25/tcp"])
    want = with_set(file, asked, Link(4, True, "eth0", ()))
    first = "-A ufw-user-input -s 198.51.100.0/24 -j DROP\n"
    before = SAVE.replace(first, first + TWIN + "\n")
    there = before.replace(LAST, LAST + TWIN + "\n")
    number = there.split(LAST)[0].count("-A ufw-user-input ") + 2
    gone = change(there, want, without_set(want, asked), asked)
    assert gone.script == script(f"-D ufw-user-input {number}")
    assert gone.undo == script(TWIN.replace("-A ufw-user-input", f"-I ufw-user-input {number}"))
    assert gone.table == table_of(before)


def test_of_several_rules_that_read_the_same_each_goes_by_its_own_number():
    other = TWIN.replace("-p tcp -m tcp", "-p udp -m udp")
    twins = "".join(line.replace(" -m tcp", "").replace(" -m udp", "") + "\n" for line in (TWIN, other))
    text = FILE.text.replace(
        "\n### tuple ### limit",
        f"\n### tuple ### allow any 25 0.0.0.0/0 any 0.0.0.0/0 in\n{twins}\n### tuple ### limit",
    )
    file, asked = parse_user_rules(text, 4), request(ports=["25/tcp", "25/udp"])
    want = with_set(file, asked, Link(4, True, "eth0", ()))
    first = "-A ufw-user-input -s 198.51.100.0/24 -j DROP\n"
    before = SAVE.replace(first, f"{first}{TWIN}\n{other}\n")
    there = before.replace(LAST, f"{LAST}{TWIN}\n{other}\n")
    number = there.split(LAST)[0].count("-A ufw-user-input ") + 2
    gone = change(there, want, without_set(want, asked), asked)
    assert gone.script == script(f"-D ufw-user-input {number + 1}", f"-D ufw-user-input {number}")
    assert gone.table == table_of(before)


def test_a_copy_of_our_rule_that_only_the_kernel_has_is_somebody_elses():
    there = SAVE.replace(LAST, LAST + OURS + "\n" + OURS + "\n")
    assert change(there, with_ours(), with_ours()) is None
    gone = change(there, with_ours(), without_set(with_ours(), request()))
    assert gone.table == table_of(SAVE.replace(LAST, LAST + OURS + "\n"))


def test_our_rule_moves_where_it_has_moved_in_the_file():
    first = "-A ufw-user-input -s 198.51.100.0/24 -j DROP\n"
    there = SAVE.replace(first, OURS + "\n" + first)
    moved = change(there, with_ours(position="first"), with_ours())
    number = SAVE.split(LAST)[0].count("-A ufw-user-input ") + 2
    assert moved.script == script("-D" + OURS[2:], OURS.replace("-A ufw-user-input", f"-I ufw-user-input {number}"))
    assert moved.table == table_of(SAVE.replace(LAST, LAST + OURS + "\n"))


def test_a_ufw_that_was_switched_off_is_not_live():
    left = "*filter\n:INPUT ACCEPT [0:0]\n:ufw-before-input - [0:0]\n-A INPUT -j ufw-before-input\nCOMMIT\n"
    assert [is_live(table_of(SAVE), 4), is_live(table_of(left), 4), is_live(None, 4)] == [True, False, False]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ufw loads when it starts, put together here, against what the kernel held after ufw 0.36.2 did it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.boot import boot_text
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import UfwSettings, observe_settings
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import meaning

HERE = Path(__file__).parent
FILES = {f"/etc/ufw/{name}": (HERE / name).read_text(encoding="utf-8") for name in ("user.rules", "user6.rules")}
DROPS = {"ENABLED": "yes", "IPV6": "yes", "DEFAULT_INPUT_POLICY": "drop", "DEFAULT_OUTPUT_POLICY": "accept"}


def settings(**values):
    return UfwSettings(True, {**DROPS, **values}, True, True)


def table_of(text, family):
    return next(table for table in parse_save(text, "iptables-nft", family) if table.name == "filter")


@pytest.mark.parametrize(("family", "name", "ufw"), [(4, "ip", "ufw"), (6, "ip6", "ufw6")])
def test_it_is_what_the_kernel_holds_but_for_the_files_before_and_after(family, name, ufw):
    made = table_of(boot_text(settings(), family, FILES), name)
    real = table_of((HERE / f"save{family}").read_text(encoding="utf-8"), name)
    from_files = {f"{ufw}-{part}-{hook}" for part in ("before", "after") for hook in ("input", "output", "forward")}
    from_files.add("ufw-not-local")
    for chain in real.chains:
        if chain.name not in from_files:
            there = made.chain(chain.name)
            assert (there.policy, [meaning(rule) for rule in there.rules]) == (
                chain.policy,
                [meaning(rule) for rule in chain.rules],
            )
    assert [rule.target for rule in made.chain(f"{ufw}-before-input").rules] == [f"{ufw}-user-input"]


def test_files_before_and_after_stand_around_the_rules_of_users():
    redirect = "-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80"
    files = {
        **FILES,
        "/etc/ufw/before.rules": f"*nat\n:PREROUTING ACCEPT [0:0]\n{redirect}\n"
        "COMMIT\n*filter\n:ufw-before-input - [0:0]\n:my-chain - [0:0]\n# comment\n"
        "-A ufw-before-input -j my-chain\nCOMMIT\n",
        "/etc/ufw/after.rules": "*filter\n:ufw-after-input - [0:0]\n-A ufw-after-input -j LOG\nCOMMIT\n",
    }
    text = boot_text(settings(), 4, files)
    table = table_of(text, "ip")
    assert [rule.target for rule in table.chain("ufw-before-input").rules] == ["my-chain", "ufw-user-input"]
    assert [rule.target for rule in table.chain("ufw-after-input").rules] == ["LOG"]
    assert text.endswith(f"COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n{redirect}\nCOMMIT\n")


@pytest.mark.parametrize(
    ("policy", "builtin", "reject", "track"),
    [("drop", "drop", 0, 0), ("reject", "drop", 1, 0), ("accept", "accept", 0, 2)],
)
def test_policies_are_made_as_ufw_makes_them(policy, builtin, reject, track):
    table = table_of(boot_text(settings(DEFAULT_INPUT_POLICY=policy), 4, FILES), "ip")
    assert table.chain("INPUT").policy == builtin
    assert [rule.verdict for rule in table.chain("ufw-skip-to-policy-input").rules] == [policy]
    assert len(table.chain("ufw-reject-input").rules) == reject
    assert len(table.chain("ufw-track-input").rules) == track


def test_without_ipv6_everything_but_loopback_is_blocked_there():
    table = table_of(boot_text(settings(IPV6="no"), 6, FILES), "ip6")
    assert [(chain.name, chain.policy, len(chain.rules)) for chain in table.chains] == [
        ("INPUT", "drop", 1),
        ("FORWARD", "drop", 0),
        ("OUTPUT", "drop", 1),
    ]


class Files:
    """A host that has files and nothing else."""

    def __init__(self, files, links=(), ipv6=True):
        self.files, self.links, self.ipv6 = files, links, ipv6

    def read(self, path):
        return self.files.get(path)

    def has_link(self, path):
        return path in self.links

    def real_path(self, path):
        return path

    def list_folder(self, path):
        return ("conf",) if path == "/proc/sys/net/ipv6" and self.ipv6 else ()

    def find(self, name):
        return "/usr/sbin/ufw" if name == "ufw" else None


UNIT = "/etc/systemd/system/multi-user.target.wants/ufw.service"


@pytest.mark.parametrize(
    ("configuration", "defaults", "links", "ipv6", "expected"),
    [
        (b"# ENABLED=no\nENABLED=yes\n", b"IPV6=yes\n", (UNIT,), True, (True, True, True)),
        (b'ENABLED="YES"\n', b"IPV6=no\n", (UNIT,), True, (True, False, True)),
        (b"ENABLED=yes\n", b'IPV6="yes"\n', (), False, (True, False, False)),
        (b"ENABLED=no\n", b"IPV6=yes\n", ("/etc/rcS.d/S01ufw",), True, (False, True, False)),
    ],
)
def test_settings_are_read_as_ufw_reads_them(configuration, defaults, links, ipv6, expected):
    host = Files({"/etc/ufw/ufw.conf": configuration, "/etc/default/ufw": defaults}, links, ipv6)
    found = observe_settings(host)
    assert (found.enabled, found.ipv6, found.filters_at_boot) == expected


def test_a_host_without_ufw():
    found = observe_settings(Files({}))
    assert (found.enabled, found.ipv6, found.filters_at_boot) == (False, False, False)

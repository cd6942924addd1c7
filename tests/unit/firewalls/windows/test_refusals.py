# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a request cannot mean on Windows is refused on the controller, with what would work."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.refusals import refuse_for_windows
from windows_facts import request

REFUSED = [
    (
        {"ports": ["443/sctp"]},
        "Windows Firewall filters ports of tcp and udp alone, so 443/sctp cannot be opened there",
    ),
    (
        {"backend": "ufw"},
        "backend ufw is no firewall of Windows, and this connection leads to Windows: write windows, or",
    ),
    (
        {"interface": ["eth0"]},
        "interface is no option of Windows Firewall: Windows has a profile",
    ),
    ({"position": "first"}, "a rule of Windows that blocks counts before all that allow, wherever it stands"),
    ({"zone": "public"}, "use the option profiles instead"),
    ({"anchor": "web"}, "anchor is no option of windows, only of pf: leave it out"),
    ({"timeout": "10m"}, "Windows Firewall has no means to close a port by itself"),
    ({"enable": True}, "the firewall of Windows is switched on and off by its profiles, not here"),
    (
        {"persistent": False},
        "persistent: false is not there on Windows, whose rules are kept over a reboot: leave it out",
    ),
    ({"profiles": []}, "profiles is empty: name some of domain, private and public"),
    ({"display_name": "a|b"}, "display_name 'a|b' cannot be shown by Windows: no '|'"),
    ({"display_name": "All"}, "not 'All'"),
    ({"display_name": "@FirewallAPI.dll,-1"}, "not starting with '@'"),
    ({"display_name": "a\tb"}, "no control characters"),
    ({"group": "x" * 256}, "at most 255 characters"),
    ({"program": "nginx.exe"}, "program 'nginx.exe' is no full path of a program, such as C:\\Program Files"),
    ({"program": "C:\\a|b.exe"}, "is no full path of a program"),
    (
        {"service": "*"},
        "service '*' makes a rule that holds for services alone, not for programs: leave it out for both",
    ),
    ({"service": "World Wide Web"}, "such as W3SVC (its short name, not the shown one)"),
    ({"edge_traversal": True, "direction": "both"}, "edge_traversal is about who connects to this host"),
]


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=[str(given)[:40] for given, _told in REFUSED])
def test_what_windows_cannot_do_is_refused_with_what_would_work(given, told):
    with pytest.raises(RequestError) as refusal:
        refuse_for_windows(request(**given))
    assert told in refusal.value.message


TAKEN = [
    {},
    {"backend": "windows", "profiles": ["public"], "direction": "both", "adopt": True, "require_effective": True},
    {"display_name": "Web: it's ours (80, 443)", "group": "Web servers", "source": ["192.0.2.0/24"]},
    {"program": "%SystemRoot%\\System32\\svchost.exe", "service": "iphlpsvc", "edge_traversal": True},
    {"program": "C:\\Program Files (x86)\\a b\\c.exe", "service": "any"},
    {"program": "System", "state": "absent"},
    {"program": "any"},
]


@pytest.mark.parametrize("given", TAKEN)
def test_what_windows_can_do_is_taken(given):
    refuse_for_windows(request(**given))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the script on the host is asked: what to look at, and which rules can matter where there are thousands."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.desired import PREFIX
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import FORMAT
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

_MOST = 256  # numbers in a pattern


def question_of(request: PortsRequest) -> Dict[str, Any]:
    """Returns the arguments of the script for a look."""
    return {
        "format": FORMAT,
        "prefix": PREFIX,
        "allow": allow_pattern(request.ports),
        "ports": [number for port in request.ports for number in (port.low, port.high)],
    }


def allow_pattern(ports: Sequence[PortRule]) -> str:
    """Returns a pattern of the rules that may allow one of these ports, for .NET and for Python.

    A rule without ports may, and one with a range or with a word for ports; one with other numbers alone may not.
    """
    numbers = [number for port in ports for number in range(port.low, min(port.high, port.low + _MOST) + 1)]
    named = "|".join(map(str, numbers)) if len(numbers) <= _MOST else "[0-9]+"
    several = r".*\|[LR]Port2_[0-9]+="
    one = rf".*\|[LR]Port=(?:[^0-9]|(?:{named})\|)"
    return rf"^(?=.*\|Action=(?:Allow|ByPass)\|)(?:(?!.*\|[LR]Port)|{several}|{one})"

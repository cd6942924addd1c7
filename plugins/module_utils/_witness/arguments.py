# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the module witness, for the module alone: what else it needs comes as its code."""

from __future__ import annotations

from typing import Any, Dict

LONGEST, MOST = 900, 4000

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "state": {"type": "str", "choices": ["started", "ended"], "required": True},
    "ports": {"type": "list", "elements": "int", "default": [443, 80]},
    "source": {"type": "list", "elements": "str", "default": []},
    "mark": {"type": "int", "default": 0},
    "datagrams": {"type": "bool", "default": False},
    "seconds": {"type": "int", "default": 60},
    "recorder": {"type": "str", "default": ""},
    "blind": {"type": "str", "default": ""},
    "attempts": {"type": "list", "elements": "dict", "default": []},
}

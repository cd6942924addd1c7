# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at ports as the module probe does, in whichever network namespace it is started; prints what it tried as JSON.

Reads a request as JSON: the fields of ProbeRequest, lists in place of tuples.
"""

from __future__ import annotations

import json
import sys

from ansible_collections.port443.https.plugins.module_utils._probe.attempt import describe_attempts
from ansible_collections.port443.https.plugins.module_utils._probe.probe import look
from ansible_collections.port443.https.plugins.module_utils._probe.request import ProbeRequest

given = {name: tuple(value) if isinstance(value, list) else value for name, value in json.load(sys.stdin).items()}
report = look(ProbeRequest(**given))
json.dump(describe_attempts(report.attempts, report.findings), sys.stdout)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets every Python of the container take its kernel for another one, as /etc/played-system says.

memfd_create(2) is Linux' alone, or of no use where there is no /proc.
"""

from __future__ import annotations

import os

with open("/etc/played-system", encoding="ascii") as _stream:
    _SYSTEM = _stream.read().strip()
_real = os.uname()
os.uname = lambda: os.uname_result((_SYSTEM, *_real[1:]))
vars(os).pop("memfd_create", None)

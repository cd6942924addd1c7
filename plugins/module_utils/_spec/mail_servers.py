# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of the mail servers that options take; apart from what is known of them, which no task has to be sent."""

from __future__ import annotations

from typing import Tuple

MAIL_SERVERS: Tuple[str, ...] = ("dovecot", "postfix")

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of the web servers that options take; apart from the registries, whose code no module has to be sent."""

from __future__ import annotations

from typing import Tuple

WEB_SERVERS: Tuple[str, ...] = ("nginx", "apache", "haproxy", "lighttpd")
# Those whose sites are a block of one file, and that read certificate and key from one file as well.
OF_ONE_FILE: Tuple[str, ...] = ("haproxy",)

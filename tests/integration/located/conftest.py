# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host in a network of its own for every test."""

from __future__ import annotations

from located_network import network

__all__ = ["network"]

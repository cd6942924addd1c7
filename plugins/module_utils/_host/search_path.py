# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folders in which a system has its commands; what the user's environment says does not count."""

from __future__ import annotations

_EVERYWHERE = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_HOMEBREW = "/opt/homebrew/sbin:/opt/homebrew/bin"  # on Apple silicon; on Intel it has /usr/local (docs.brew.sh)


def search_path_of(system: str) -> str:
    """Returns the folders of commands on a system, named as uname(1) does, with colons between them."""
    return f"{_EVERYWHERE}:{_HOMEBREW}" if system == "Darwin" else _EVERYWHERE

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says what the built tarball holds that users do not need, or lacks that they do.

It lists what may be there, because ``build_ignore`` in galaxy.yml lists what may not: a new thing at the top of the
tree is then decided about, not shipped by accident.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

SHIPPED = {"changelogs", "docs", "meta", "playbooks", "plugins", "roles"}
SHIPPED_FILES = {"CHANGELOG.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"}
NEEDED = {"CHANGELOG.md", "LICENSE", "README.md", "meta/runtime.yml", "meta/execution-environment.yml"}


def main(tarball: str) -> int:
    """Prints one line for each file that should not, or should, be in the tarball; returns 1 if there is any."""
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive if member.isfile()}
    plugins = {str(path) for path in Path("plugins").rglob("*") if path.suffix in (".py", ".ps1", ".psm1", ".yml")}
    roles = {str(path) for path in Path("roles").rglob("*.yml")}
    complaints = sorted(f"not for users, add it to build_ignore: {name}" for name in names if not is_shipped(name))
    complaints += sorted(f"missing: {name}" for name in (NEEDED | plugins | roles) - names)
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


def is_shipped(name: str) -> bool:
    """Whether a file of that name belongs to what users get."""
    parts = Path(name).parts
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
    return not hidden and (name in SHIPPED_FILES if len(parts) == 1 else parts[0] in SHIPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another checkout of the project, whose collection does the same jobs in the same run."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Iterator, Sequence

from cases import Case
from hosts import BENCH

_SAFE = ("-c", "safe.directory=*")  # the checkout may be another user's


def name_of(checkout: Path) -> str:
    """Returns the tag or commit of a checkout, ending in ``-dirty`` if files differ from it; raises ValueError."""
    told = subprocess.run(
        ("git", "--no-optional-locks", "-C", str(checkout), *_SAFE, "describe", "--always", "--tags", "--dirty"),
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode or not (checkout / "galaxy.yml").is_file():
        raise ValueError(f"{checkout} is no checkout of the project: {told.stderr.strip() or 'it has no galaxy.yml'}")
    return told.stdout.strip()


def install(checkout: Path, folder: Path) -> None:
    """Builds the collection of a checkout, and installs it into ``folder`` as a user would; raises RuntimeError."""
    tarball = BENCH.parent / "tools" / "tarball"
    built = subprocess.run((str(tarball), str(folder), str(checkout)), capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"the collection of {checkout} cannot be built:\n{built.stdout}{built.stderr}")


def with_beside(cases: Sequence[Case], name: str) -> Iterator[Case]:
    """Yields the cases, and behind each of ours the same one done by the checkout of that name, which has no limits.

    The whole job with more than two sites took minutes once: it is played once there.
    """
    for case in cases:
        yield case
        if case.is_ours:
            slow = case.slow or case.sites * len(case.hosts) > 2
            yield replace(case, way=f"{case.way} at {name}", limits={}, slow=slow, beside=True)

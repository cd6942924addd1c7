# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands in for the script with which ansible-test bootstraps pip, so that only the package index has to be in reach.

tools/sanity puts a copy in ansible-test's cache, beside the wheel of the pip version that ansible-test asks for.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

WHEEL = next(Path(__file__).resolve().parent.glob("pip-*.whl"))


def main() -> None:
    """Runs the wheel's own pip to install what ansible-test named, leaving out the options only get-pip knows."""
    wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    sys.path.insert(0, str(WHEEL))
    sys.argv = ["pip", "install", *wanted]
    runpy.run_module("pip.__main__", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

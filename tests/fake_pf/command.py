# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs one of the played commands as a program of its own: command.py ROOT SYSTEM COMMAND ARGUMENT..."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fake_pf.machine import Machine


def main() -> int:
    """Returns the code that the command ends with."""
    root, system, *argv = sys.argv[1:]
    stdin = sys.stdin.buffer.read().decode("latin-1") if argv[-2:] == ["-f", "-"] else ""
    code, out, err = Machine(Path(root), system).run(argv, stdin)
    sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))
    sys.stderr.buffer.write(err.encode("utf-8", "surrogateescape"))
    return code


if __name__ == "__main__":
    sys.exit(main())

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Python environments of the checks on a machine with a plain PATH: made once, of an interpreter that stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
BASE = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info[:2]))


class Checkout:
    """A checkout whose environment needs no package, on a machine without pyenv."""

    def __init__(self, folder):
        self.folder = folder
        self.plain = f"{BASE.parent}:/usr/bin:/bin"
        for name in ("tools", "home"):
            (folder / name).mkdir()
        shutil.copy(TOOLS / "environment", folder / "tools")
        (folder / "requirements-main.txt").touch()

    def environment(self, path):
        """What tools/environment prints and says with that PATH."""
        known = {"HOME": str(self.folder / "home"), "PATH": path}
        command = [str(self.folder / "tools" / "environment"), "main"]
        ended = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def made(self):
        """Of which interpreter the environment is, and when it was made."""
        stamp = self.folder / ".cache" / "env" / "main" / "stamp"
        return stamp.read_text(), stamp.stat().st_mtime_ns, os.readlink(stamp.parent / "bin" / "python3")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    code, printed, said = made.environment(made.plain)
    assert (code, printed) == (0, f"{made.folder}/.cache/env/main\n"), said
    return made


@pytest.mark.parametrize("first", ["{made}/bin:{plain}", "{plain}:{made}/bin", "{linked}:{plain}"])
def test_an_environment_on_path_is_no_interpreter_to_make_it_of(checkout, tmp_path, first):
    """tools/lint and tools/molecule put it there, and what they call asks for it again. /bin may be a link."""
    before = checkout.made()
    made, linked = f"{checkout.folder}/.cache/env/main", tmp_path / "linked"
    linked.symlink_to(BASE.parent)
    assert checkout.environment(first.format(made=made, plain=checkout.plain, linked=linked)) == (0, made + "\n", "")
    assert checkout.made() == before


def test_in_a_virtual_environment_of_the_users_own_it_is_the_same(checkout, tmp_path):
    before = checkout.made()
    subprocess.run([str(BASE), "-m", "venv", "--without-pip", str(tmp_path / "own")], check=True)
    made = f"{checkout.folder}/.cache/env/main"
    assert checkout.environment(f"{tmp_path}/own/bin:{checkout.plain}") == (0, made + "\n", "")
    assert checkout.made() == before


def test_without_any_interpreter_it_says_which_would_do(checkout, tmp_path):
    """The environments below .cache are none either."""
    for command in ("bash", "dirname", "mkdir", "flock", "find", "sort", "grep", "tr", "head", "env"):
        (tmp_path / command).symlink_to(shutil.which(command))
    (checkout.folder / "tools" / "packages").write_text("#!/bin/sh\nexit 1\n")
    (checkout.folder / "tools" / "packages").chmod(0o755)
    path = f"{checkout.folder}/.cache/env/main/bin:{tmp_path}"
    before = checkout.made()
    assert checkout.environment(path) == (
        1,
        "",
        "tools/environment: 'main' needs one of Python 3.13 3.12 3.14 3.11, with venv and ensurepip\n",
    )
    assert checkout.made() == before

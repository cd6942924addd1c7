# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a role remembers before it changes files, and puts back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Dict

SCRIPTS = Path(__file__).resolve().parents[3] / "roles" / "serve_https" / "files"


def run(script: str, folder: Path, *files: Path) -> None:
    subprocess.run(["/bin/sh", str(SCRIPTS / script), str(folder), *map(str, files)], check=True)


def seen(folder: Path) -> Dict[str, str]:
    """Names and contents of what is in a folder; of a link, where it leads."""
    return {
        path.name: f"-> {os.readlink(path)}"
        if path.is_symlink()
        else f"{path.stat().st_mode & 0o777:o} {path.read_text()}"
        for path in sorted(folder.iterdir())
    }


def test_files_links_and_gaps_are_put_back(tmp_path: Path) -> None:
    sites, folder = tmp_path / "my sites", tmp_path / "remembered"
    sites.mkdir()
    site, link, new = sites / "site.conf", sites / "link.conf", sites / "new.conf"
    site.write_text("old")
    site.chmod(0o640)
    link.symlink_to("nowhere")
    before = seen(sites)
    run("remember.sh", folder, site, link, new)
    assert folder.stat().st_mode & 0o777 == 0o700
    site.write_text("changed")
    site.chmod(0o600)
    link.unlink()
    new.write_text("new")
    run("put_back.sh", folder)
    assert seen(sites) == before


def test_a_link_to_a_folder_is_replaced_and_nothing_put_into_the_folder(tmp_path: Path) -> None:
    folder, site, others = tmp_path / "remembered", tmp_path / "site.conf", tmp_path / "others"
    others.mkdir()
    site.write_text("valid")
    run("remember.sh", folder, site)
    site.unlink()
    site.symlink_to(others)
    run("put_back.sh", folder)
    assert (site.is_symlink(), site.read_text(), list(others.iterdir())) == (False, "valid", [])


def test_what_was_there_before_a_run_that_was_cut_off_stays_remembered(tmp_path: Path) -> None:
    folder, site, new = tmp_path / "remembered", tmp_path / "site.conf", tmp_path / "new.conf"
    site.write_text("valid")
    run("remember.sh", folder, site, new)
    site.write_text("half done")
    new.write_text("half done")
    run("remember.sh", folder, site, new)
    run("put_back.sh", folder)
    assert (site.read_text(), new.exists()) == ("valid", False)

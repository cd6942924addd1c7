# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every script of the collection is Windows PowerShell 5.1's: what is newer is found in the syntax tree.

PSScriptAnalyzer is not asked, and 5.1 itself does not run here; no more than syntax and parameters is shown.
"""

from __future__ import annotations

import json
import subprocess

import pytest
from powershell import HERE, ROOT, find_pwsh

SCRIPTS = sorted(path for path in (ROOT / "plugins").rglob("*.ps*1"))


def complaints(folder_or_files):
    command = [find_pwsh(), "-NoProfile", "-NonInteractive", "-File", str(HERE / "check_syntax.ps1")]
    ended = subprocess.run(
        [*command, *map(str, folder_or_files)], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(ended.stdout)


def test_every_script_is_there_and_has_nothing_that_5_1_lacks():
    assert len(SCRIPTS) >= 4
    assert complaints(SCRIPTS) == {str(path): [] for path in SCRIPTS}


NEWER = {
    "$a ? 1 : 2": "ternary",
    "$a ?? 1": "??",
    "$a ??= 1": "??=",
    "${a}?.b": "?.",
    "1 && 2": "&&",
    "1 || 2": "||",
    "Get-Item x &": "&",
    "$t | ConvertFrom-Json -AsHashtable": "-AsHashtable",
    "1..3 | ForEach-Object -Parallel { 1 }": "-Parallel",
    "Get-Content x -AsByteStream": "-AsByteStream",
    "$t | ConvertFrom-Json -DateKind String": "-DateKind",
    "Get-Error": "Get-Error",
    "Join-String x": "Join-String",
    "if ($IsWindows) { 1 }": "$IsWindows",
    "using namespace System.IO": "using",
    "function f { clean { 1 } }": "clean",
    "if (": "Missing",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What is said of each of the newer texts; all are looked at by one PowerShell."""
    folder = tmp_path_factory.mktemp("newer")
    paths = {text: folder / f"{number}.ps1" for number, text in enumerate(NEWER)}
    for text, path in paths.items():
        path.write_text(text + "\n")
    told = complaints(paths.values())
    return {text: told[str(path)] for text, path in paths.items()}


@pytest.mark.parametrize("text", NEWER)
def test_what_5_1_lacks_is_told(judged, text):
    assert any(NEWER[text] in one for one in judged[text]), judged[text]

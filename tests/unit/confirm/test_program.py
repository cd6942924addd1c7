# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program on the host says of a change that is not there any more, as when another command confirmed it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._confirm.program import confirm
from ansible_collections.port443.https.plugins.module_utils._ports.unconfirmed import TOLD

WORD = {"identity": "0f5c", "name": "https", "at": 0, "problems": []}


class Host:
    """A host whose changes that wait are kept beside its lock; nobody else holds that."""

    def __init__(self, folder: Path) -> None:
        self.lock_path = f"{folder}/port443.lock"

    def lock(self):
        return contextlib.nullcontext()

    def read(self, path):
        return Path(path).read_bytes() if Path(path).exists() else None


@pytest.mark.parametrize(
    ("word", "state"), [(None, "gone"), ({**WORD, "identity": "beef"}, "gone"), (WORD, "taken back")]
)
def test_a_change_that_is_gone_was_taken_back_only_by_word_of_that_very_change(tmp_path, word, state):
    top = tmp_path / "port443"
    top.mkdir()
    if word:
        (top / TOLD).write_text(json.dumps(word))
    said = confirm(Host(tmp_path), str(top / "0f5c"))
    assert (said["state"], "the host took it back" in said.get("message", "")) == (state, state == "taken back")

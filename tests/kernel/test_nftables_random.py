# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random nft files on a real kernel: a set comes to stand live and in the file, twice is once, and it goes to the byte.

PORT443_FILES is how many are tried, PORT443_SEED the first one's number; a failure names the number to try again.
"""

from __future__ import annotations

import os

import pytest
from nft_host import CONF, listed, nft
from random_nft_files import make_file

COUNT = int(os.environ.get("PORT443_FILES", "40"))
FIRST = int(os.environ.get("PORT443_SEED", "0"))
BATCH = 10
ASKED = ({}, {"ports": ["80/tcp", "443/udp", "8000-8010/tcp"]}, {"source": ["192.0.2.0/24"]}, {"direction": "both"})


@pytest.mark.parametrize("start", range(FIRST, FIRST + COUNT, BATCH))
def test_a_set_in_random_files(host, start):
    host.enable("nftables")
    for seed in range(start, min(start + BATCH, FIRST + COUNT)):
        text = make_file(seed)
        nft(text)
        host.put(CONF, text)
        before, files, asked = listed(), host.files(), ASKED[seed % len(ASKED)]
        told = f"seed {seed}, {asked}:\n{text}"
        predicted = host.ensure(check=True, **asked)
        done = host.ensure(**asked)
        assert [str(step) for step in done.steps] == [str(step) for step in predicted.steps], told
        assert not [warning for warning in done.warnings if CONF in warning], told
        assert host.ensure(**asked).steps == (), told
        after = host.files()
        nft((host.root / CONF.lstrip("/")).read_text(encoding="utf-8"))
        assert (host.ensure(**asked).steps, host.files()) == ((), after), told
        host.ensure(state="absent")
        assert host.files() == files, told
        assert len(listed().splitlines()) == len(before.splitlines()), told

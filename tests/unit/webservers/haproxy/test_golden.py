# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Golden files: whole sets of sites, as HAProxy's configuration; the real haproxy tests each of them elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from haproxy_golden import CASES, render_case

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", CASES)
def test_sites_are_rendered_as_recorded(name):
    assert render_case(name) == {
        ending: (GOLDEN / f"{name}.{ending}").read_text(encoding="utf-8") for ending in ("cfg", "crt-list")
    }


def test_each_recorded_file_has_a_case():
    assert sorted({path.stem for path in GOLDEN.iterdir()}) == sorted(CASES)

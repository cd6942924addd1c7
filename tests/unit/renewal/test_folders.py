# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Empty folders of ours go, and those of others stay whatever they are called."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._renewal import installed_files as machinery


@pytest.mark.parametrize(
    "theirs", ["port443-data/systemd", "port443/systemd", "srv/port443", "own/renewal-of-others/x"]
)
def test_an_empty_folder_of_others_stays_whatever_is_called_like_us_above_it(renewed, theirs):
    """An administrator's /srv/port443-data, and the checkout of a collection's developer."""
    folder = renewed.root / theirs
    folder.mkdir(parents=True)
    machinery.remove_own_folders(str(folder), str(renewed.root / "own/renewal"))
    assert folder.is_dir()


def test_empty_folders_of_ours_go_up_to_the_one_that_all_is_in(renewed):
    top = renewed.root / "port443" / "port443"
    (top / "acme/.well-known/acme-challenge").mkdir(parents=True)
    machinery.remove_own_folders(str(top / "acme/.well-known/acme-challenge"), str(top))
    assert list((renewed.root / "port443").iterdir()) == []


def test_folders_of_ours_that_hold_something_stay(renewed):
    (renewed.root / "own/acme/other").mkdir(parents=True)
    machinery.remove_own_folders(str(renewed.root / "own/acme/gone"), str(renewed.root / "own"))
    assert (renewed.root / "own/acme/other").is_dir()

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which folders of files have to be there, and which are made."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._sites.folders import find_folders, find_missing_roots
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, Site


def files(root, locations=(), **own):
    return Site("www", ("www",), "/c", "/k", root=str(root), locations=tuple(locations), **own)


def test_folders_are_made_outer_first_and_each_once(tmp_path):
    here = str(tmp_path)
    sites = [
        files(tmp_path / "a/b/", [Location("/x", root=f"{here}/a/c"), Location("/y", backends=("http://x",))]),
        files(tmp_path / "a/b/d"),
        files(tmp_path),
    ]
    made = [Site(**{**vars(site), "make_root": True}) for site in sites]
    assert find_folders(made) == tuple(f"{here}/{path}" for path in ("a", "a/b", "a/c", "a/b/d"))
    assert find_missing_roots(made) == find_folders(sites) == ()
    assert [told.partition(":")[0] for told in find_missing_roots(sites)] == ["www", "www, /x", "www"]


def test_what_is_no_folder_is_in_the_way(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for name, told in (("file", "file"), ("file/www", "file/www"), ("link", "link")):
        with pytest.raises(HostError, match=f"{told} cannot be made|no folder"):
            find_folders([files(tmp_path / name, make_root=True)])


def test_an_application_needs_no_folder():
    assert find_missing_roots([files("/nowhere", backends=("http://127.0.0.1:8080",))]) == ()

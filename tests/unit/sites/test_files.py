# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server would read once a plan is carried out."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._sites.files import PlannedFiles
from ansible_collections.port443.https.plugins.module_utils._webservers.site import ConfigFile


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.conf").write_text("b as it is")
    (tmp_path / ".hidden.conf").write_text("hidden")
    (tmp_path / "available").mkdir()
    return tmp_path


def planned(folder, *files):
    return PlannedFiles(Host(), [ConfigFile(str(folder / path), text, link) for path, text, link in files])


def test_the_files_of_a_host_are_read_in_the_order_of_their_names(folder):
    (folder / "a.conf").write_text("a")
    assert list(PlannedFiles(Host()).texts(f"{folder}/*.conf")) == ["a", "b as it is"]


def test_a_planned_file_stands_among_the_others(folder):
    files = planned(folder, ("a.conf", "a", ""), ("c.conf", "c", ""), ("c.txt", "no", ""), (".d.conf", "no", ""))
    assert list(files.texts(f"{folder}/*.conf")) == ["a", "b as it is", "c"]


def test_a_file_that_goes_or_changes_is_read_so(folder):
    assert list(planned(folder, ("b.conf", None, "")).texts(f"{folder}/*.conf")) == []
    assert list(planned(folder, ("b.conf", "new", "")).texts(f"{folder}/b.conf")) == ["new"]


def test_a_planned_link_leads_to_a_planned_file(folder):
    files = planned(folder, ("available/x", "x", ""), ("x.conf", None, "available/x"))
    assert list(files.texts(f"{folder}/x.conf")) == ["x"]
    files = planned(folder, ("available/x", "x", ""), ("x.conf", None, str(folder / "available/x")))
    assert list(files.texts(f"{folder}/*.conf")) == ["b as it is", "x"]


def test_a_link_that_leads_nowhere_or_to_itself_holds_nothing(folder):
    files = planned(folder, ("x.conf", None, "missing"), ("y.conf", None, "y.conf"))
    assert list(files.texts(f"{folder}/[xy].conf")) == []


def test_a_star_stands_for_no_folder(folder):
    assert list(planned(folder, ("available/x.conf", "x", "")).texts(f"{folder}/*x.conf")) == []


def test_folders_are_listed_as_they_will_be(folder):
    files = planned(folder, ("b.conf", None, ""), ("x", None, "b.conf"))
    assert list(files.list_folder(str(folder))) == [".hidden.conf", "available", "x"]


def test_each_text_comes_with_the_path_of_its_file(folder):
    files = planned(folder, ("a.conf", "a", ""), ("l.conf", None, "b.conf"), ("b.conf", "new", ""))
    found = [(f"{folder}/a.conf", "a"), (f"{folder}/b.conf", "new"), (f"{folder}/l.conf", "new")]
    assert list(files.find(f"{folder}/*.conf")) == found
    assert list(files.find(f"{folder}/*/*.conf")) == list(files.find(f"{folder}/none.conf")) == []

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A CA that is lost is made anew, but not without a word where a site has a certificate already."""

from __future__ import annotations


def test_a_new_ca_for_a_site_that_has_a_certificate_is_warned_of(play, safe_folder, tmp_path):
    def install(folder):
        given = {"name": "www.example.com", "directory": str(safe_folder), "service": "none", "prove": False}
        return {"port443.https.certificate": {**given, "own_ca": folder}}

    said = play(
        [install("first"), install("first"), install("second"), install("second")], tmp_path / "p.yml", tmp_path
    )
    assert "changed=2" in said, said
    warned = " ".join(said.split())
    assert f"own_ca: {tmp_path}/second had no CA" in warned
    assert warned.count("had no CA") == 1


def test_a_ca_that_is_new_to_one_of_several_sites_is_warned_of(play, safe_folder, tmp_path):
    def install(folder, *sites):
        given = {"directory": str(safe_folder), "service": "none", "prove": False, "own_ca": folder}
        return {"port443.https.certificate": {**given, "sites": [{"name": name} for name in sites]}}

    tasks = [install("first", "a.example"), install("second", "b.example", "a.example"), install("second", "a.example")]
    said = play(tasks, tmp_path / "p.yml", tmp_path)
    assert "changed=2" in said, said
    warned = " ".join(said.split())
    assert f"own_ca: {tmp_path}/second had no CA, and a.example had a certificate already" in warned
    assert warned.count("had no CA") == 1

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that version 0.1.0 made: its files are taken over at their paths, nothing is served twice, nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from served_sites import BLOG, SHOP, blog, pair, served_sites, shop

# What its roles wrote for two sites on Debian 12, by server and path: of haproxy.cfg, what they put at its end.
MADE = json.loads(Path(__file__).with_name("version_0_1_0.json").read_text(encoding="utf-8"))
MODULES = {"apache": "a2enmod -q ssl rewrite headers proxy proxy_http"}
START = "service {0} start"
SERVICE = {"apache": "apache2"}


@pytest.fixture(params=sorted(MADE))
def sites(request, tmp_path, collections_path):
    with served_sites(request.param, tmp_path, collections_path) as served:
        served.bare = served.files(running=True)
        install_certificates(served)
        for number, (path, text) in enumerate(MADE[request.param].items()):
            if text.startswith("-> "):
                served.machine.run("ln", "-s", text[3:], path)
                continue
            (served.machine.folder / f"made{number}").write_text(text, encoding="utf-8")
            served.machine.run("sh", "-c", f"cat made{number} >>{path}")
        served.machine.run("sh", "-c", MODULES.get(request.param, "true"))
        started = served.machine.run("service", SERVICE.get(request.param, request.param), "start")
        assert started.returncode == 0, started.stdout + started.stderr
        yield served


def install_certificates(served):
    variables = {
        "install_certificate_sites": [{"name": SHOP, **pair(SHOP)}, {"name": BLOG, **pair(BLOG, 2)}],
        "install_certificate_service": "none",
        "install_certificate_trust": "none",
    }
    code, said = served.machine.play(["install_certificate"], variables)
    assert code == 0, said


def test_what_version_0_1_0_made_is_taken_over_and_goes_without_a_trace(sites):
    assert (sites.get(SHOP)[:2], sites.get(BLOG)[:2]) == ((200, "shop / https"), (200, "blog / https"))
    checked = sites.run(shop(), blog(), check=True)
    made = sites.run(shop(), blog())
    assert (checked["changed"], checked["diff"]) == (made["changed"], made["diff"]) == (True, made["diff"]), made
    assert [one["served"] for one in made["sites"]] == ["yes", "yes"], made
    assert (made.get("warnings"), made["exchanged"]) == (None, []), made
    changed = {change["after_header"] for change in made["diff"] if change["before"]}
    assert changed >= {path for path, text in MADE[sites.server].items() if not text.startswith("-> ")}
    assert (sites.get(SHOP)[:2], sites.get(BLOG)[:2]) == ((200, "shop / https"), (200, "blog / https"))
    assert sites.run(shop(), blog())["changed"] is False
    gone = sites.run({"name": SHOP}, {"name": BLOG}, state="absent", remove_certificates=True)
    assert gone["changed"], gone
    left = sorted(set(sites.files(running=True).splitlines()) ^ set(sites.bare.splitlines()))
    assert [line for line in left if "port443" in line] == []

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module sites beside the real servers: check, unchanged, real, again unchanged, absent, as before."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pki
import pytest
import yaml
from private_machine import BIN
from served_sites import BLOG, SHOP, blog, pair, served_sites, shop


def test_from_nothing_to_nothing(sites):
    before, stopped = sites.files(running=True), sites.files()
    checked = sites.run(shop(), blog(), check=True)
    assert (checked["changed"], checked["tested"]) == (True, "rehearsed"), checked
    assert sites.files() == stopped
    made = sites.run(shop(), blog())
    assert made["changed"], made
    assert [one["served"] for one in made["sites"]] == ["yes", "yes"], made
    assert checked["diff"] == made["diff"]
    assert sites.get(SHOP)[:2] == (200, "shop / https")
    assert sites.get(BLOG, "/a?b=c")[:2] == (200, "blog /a?b=c https")
    enabled = sites.files()
    for check in (False, True):
        again = sites.run(shop(), blog(), check=check)
        assert (again["changed"], again.get("commands")) == (False, []), again.get("msg")
    assert sites.files() == enabled
    gone = sites.run({"name": SHOP}, state="absent", remove_certificates=True)
    assert (gone["changed"], gone["removed"]) == (True, [SHOP]), gone
    assert sites.get(BLOG)[:2] == (200, "blog / https")
    assert sites.get(SHOP)[0] == 0
    gone = sites.run({"name": BLOG}, state="absent", remove_certificates=True)
    assert gone["changed"], gone
    assert sites.files(running=True) == before


def test_what_the_server_refuses_changes_nothing(sites):
    sites.run(blog())
    before = sites.files()
    for check in (True, False):
        nonsense = {"nginx": "nonsense on;", "lighttpd": "server.tag = var.nonsense"}.get(sites.server, "nonsense on")
        refused = sites.run(shop(directives=[nonsense]), check=check)
        assert refused["failed"], refused
        assert "nonsense" in refused["msg"], refused["msg"]
        assert refused["msg"].endswith("nothing was changed"), refused["msg"]
        assert sites.files() == before
    assert sites.get(BLOG)[:2] == (200, "blog / https")


def test_a_name_of_another_site_is_refused(sites):
    others = {
        "nginx": ("/etc/nginx/sites-enabled/own", f"server {{ listen 443; listen 80; server_name {SHOP}; }}"),
        "apache": ("/etc/apache2/sites-enabled/own.conf", f"<VirtualHost *:80>\nServerName {SHOP}\n</VirtualHost>"),
        "haproxy": ("/etc/haproxy/haproxy.cfg", "\nfrontend own\nbind :443\nhttp-request deny"),
        "lighttpd": ("/etc/lighttpd/conf-enabled/50-own.conf", f'$HTTP["host"] == "{SHOP}" {{ server.tag = "own" }}'),
    }
    path, text = others[sites.server]
    with open(sites.machine.folder / "own", "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
    sites.machine.run("sh", "-c", f"cat own >>{path}")
    before = sites.files()
    refused = sites.run(shop())
    assert refused.get("failed"), refused
    assert (SHOP if sites.server != "haproxy" else "own") in refused["msg"], refused["msg"]
    assert sites.files() == before


def test_a_certificate_that_does_not_cover_the_site_is_refused(sites):
    sites.run(blog())
    before = sites.files()
    path = f"/etc/port443/{BLOG}/current/haproxy.pem"
    refused = sites.run(
        {"name": SHOP, "proxy_pass": "http://127.0.0.1:8081", "certificate_path": path, "key_path": path}
    )
    assert f"does not cover {SHOP}" in refused["msg"], refused["msg"]
    assert sites.files() == before


def test_a_certificate_that_demands_stapling_is_refused_where_the_server_does_not_staple(sites):
    """certificate refuses it already; where stapling is set up, the pair is taken."""
    sites.run(blog())
    before = sites.files()
    demand = pki.x509.TLSFeature([pki.x509.TLSFeatureType.status_request])
    issued = pki.issue(SHOP, [SHOP], issuer=pki.intermediate(), number=5, more=[demand])
    strict = shop(certificate=(issued.pem() + pki.intermediate().pem()).decode(), key=issued.key_pem().decode())
    for check in (True, False):
        refused = sites.run(strict, check=check)
        assert f"{SHOP}: its certificate demands OCSP stapling (must-staple, RFC 7633)" in refused["msg"], refused
        assert sites.files() == before
    if sites.server == "nginx":
        made = sites.run({**strict, "directives": ["ssl_stapling on;"]})
        assert (made["changed"], made["sites"][0]["served"]) == (True, "yes"), made


@pytest.mark.parametrize("server", ["nginx", "apache", "lighttpd"])  # HAProxy serves no files
def test_a_folder_that_is_missing_is_refused_and_check_mode_warns_of_it(server, tmp_path, collections_path):
    missing, lost = tmp_path / "missing", tmp_path / "lost"
    told = f"{BLOG}: the folder {missing} is not there, so that every request would be answered 404: "
    told += "make it first, or set make_root"
    inside = f"{BLOG}, /old: the folder {lost} is not there"
    locations = [{"path": "/old", "root": str(lost)}]
    files = {"name": BLOG, **pair(BLOG, 2), "root": str(missing), "locations": locations}
    with served_sites(server, tmp_path, collections_path) as sites:
        before = sites.files()
        checked = sites.run(files, check=True)
        assert checked["changed"], checked
        assert told in checked["warnings"], checked
        assert any(warning.startswith(inside) for warning in checked["warnings"]), checked
        refused = sites.run(files)
        assert refused["msg"].startswith(told), refused
        assert sites.files() == before
        missing.mkdir()
        lost.mkdir()
        assert sites.run(files)["sites"][0]["served"] == "yes"


@pytest.mark.parametrize("server", ["nginx", "apache", "lighttpd"])  # HAProxy serves no files
def test_a_folder_that_is_missing_is_made_where_that_is_asked_for(server, tmp_path, collections_path):
    site = {"name": BLOG, **pair(BLOG, 2), "root": "/run/a/www", "make_root": True}
    site["locations"] = [{"path": "/old", "root": "/run/a/old"}]
    with served_sites(server, tmp_path, collections_path) as sites:
        before = sites.files()
        checked = sites.run(site, check=True)
        assert (checked["changed"], checked.get("warnings"), checked["tested"]) == (True, None, "rehearsed"), checked
        assert sites.files() == before
        wrong = "url.access-deny = 1" if server == "lighttpd" else "nonsense on;"  # of its grammar, and no list
        refused = sites.run({**site, "directives": [wrong]})
        assert (refused["msg"].endswith("nothing was changed"), sites.files()) == (True, before), refused
        made = sites.run(site)
        assert (made["changed"], made["sites"][0]["served"], made["diff"]) == (True, "yes", checked["diff"]), made
        shown = [one["after_header"] for one in made["diff"] if one["after"] == "a folder\n"]
        assert shown == ["/run/a", "/run/a/www", "/run/a/old"]
        listed = sites.machine.run("find", "/run/a", "-printf", "%m %U %p\n").stdout.splitlines()
        assert sorted(listed) == ["755 0 /run/a", "755 0 /run/a/old", "755 0 /run/a/www"]
        again = sites.run(site)
        assert (again["changed"], again["diff"]) == (False, []), again
        sites.machine.run("sh", "-c", "rm -r /run/a/old; echo page >/run/a/www/index.html")
        once_more = sites.run(site)
        assert [one["after_header"] for one in once_more["diff"]] == ["/run/a/old"], once_more
        assert sites.get(BLOG, "/index.html")[:2] == (200, "page\n")
        sites.run({"name": BLOG}, state="absent", remove_certificates=True)
        assert sites.machine.run("cat", "/run/a/www/index.html").stdout == "page\n"


def test_a_folder_that_was_made_goes_where_the_sites_are_not_served(tmp_path, collections_path):
    """nginx' test finds nothing against a socket that is taken, its reload fails, and all is as it was."""
    with served_sites("nginx", tmp_path, collections_path) as sites:
        sites.run(blog())
        sites.machine.run("sh", "-c", "echo 'server { listen 127.0.0.1:8081; }' >/etc/nginx/conf.d/own.conf")
        before = sites.files()
        refused = sites.run({"name": SHOP, **pair(SHOP), "root": "/run/a/www", "make_root": True}, prove_timeout=2)
        assert "all files and pairs are as they were" in refused["msg"], refused
        assert sites.files() == before


def test_versions_of_tls_that_another_default_server_allows_are_told(tmp_path, collections_path):
    """nginx takes them from the default server of a socket for all that are on it, whatever these say."""
    other = "server { listen 443 ssl default_server; listen [::]:443 ssl default_server; server_name own; "
    other += "ssl_protocols TLSv1.3; ssl_certificate /etc/port443/x.pem; ssl_certificate_key /etc/port443/x.pem; }"
    with served_sites("nginx", tmp_path, collections_path) as sites:
        (tmp_path / "x.pem").write_text(pair(SHOP)["certificate"] + pair(SHOP)["key"])
        (tmp_path / "own.conf").write_text(other)
        sites.machine.run("sh", "-c", "mkdir -m 755 /etc/port443; cp x.pem /etc/port443; cp own.conf /etc/nginx/conf.d")
        made = sites.run(blog())
        (told,) = made["warnings"]
        assert "so that what it allows (TLSv1.3, /etc/nginx/conf.d/own.conf" in told
        assert "holds for the sites there too, and not TLSv1.2 TLSv1.3" in told
        assert sites.get(BLOG)[:2] == (200, "blog / https")
        assert sites.get(BLOG, "/", "--tls-max", "1.2")[0] == 0
        again = sites.run(blog())
        assert (again["changed"], again["warnings"]) == (False, made["warnings"])
        sites.machine.run(
            "sh", "-c", "sed -i 's/TLSv1.3;/TLSv1.2 TLSv1.3;/' /etc/nginx/conf.d/own.conf; nginx -s reload"
        )
        assert "warnings" not in sites.run(blog())


def test_what_the_server_wrote_down_about_a_reload_is_quoted(tmp_path, collections_path):
    """nginx' test finds nothing, its reload says nothing, and it goes on with what it had."""
    with served_sites("nginx", tmp_path, collections_path) as sites:
        sites.run(blog())
        sites.machine.run("sh", "-c", "echo 'server { listen 127.0.0.1:8081; }' >/etc/nginx/conf.d/own.conf")
        before = sites.files()
        refused = sites.run(shop(), prove_timeout=2)
        told = (
            r"; its own log says: \[emerg\] [0-9#]+: bind\(\) to 127.0.0.1:8081 failed \(98: Address already in use\)"
        )
        assert re.search(told, refused["msg"]), refused["msg"]
        assert "all files and pairs are as they were" in refused["msg"]
        assert sites.files() == before


def test_another_pair_is_taken_up_and_the_site_keeps_its_place(sites):
    sites.run(shop())
    renewed = sites.run(shop(**pair(SHOP, 3)))
    assert (renewed["changed"], renewed["exchanged"]) == (True, [SHOP]), renewed
    assert renewed["sites"][0]["served"] == "yes", renewed
    assert sites.run(shop(**pair(SHOP, 3)))["changed"] is False


def test_a_run_that_was_cut_off_is_taken_back_by_the_next(sites):
    sites.run(blog())
    enabled = sites.files()
    journal = {
        "files": [{"path": "/etc/port443-half", "before": {"link": ""}, "after": {"link": "", "content": "aGFsZg=="}}],
        "pairs": [{"site": SHOP, "link": None, "generations": [], "existed": False}],
    }
    (sites.machine.folder / "journal").write_text(json.dumps(journal))
    sites.machine.run(
        "sh", "-c", f"printf half >/etc/port443-half; cp journal /etc/port443/.sites-journal; mkdir /etc/port443/{SHOP}"
    )
    told = sites.run(blog(), check=True)
    assert told["changed"], told
    made_good = sites.run(blog())
    assert made_good["changed"], made_good
    assert "a run before this one was cut off: what it had done was taken back first" in made_good["warnings"]
    assert sites.files() == enabled
    assert sites.run(blog())["changed"] is False


def test_a_key_is_told_nowhere(sites):
    sites.run(shop())
    sites.machine.environment.update(ANSIBLE_DEBUG="1", ANSIBLE_STDOUT_CALLBACK="default")
    secret = pair(SHOP)["key"].splitlines()[1]
    for options in ({}, {"directives": ["nonsense on;"]}, {"keys": "misspelt"}):
        play = yaml.safe_load((sites.machine.folder / "play.yml").read_text())
        play[0]["tasks"][0]["port443.https.sites"]["sites"][0].update(options)
        (sites.machine.folder / "play.yml").write_text(yaml.safe_dump(play))
        ended = sites.play("-vvvv", "--diff")
        assert (ended.returncode == 0) == (not options)
        assert "port443.https.sites" in ended.stdout
        assert secret not in ended.stdout + ended.stderr


# Ends all processes of Ansible so and so long after a run has begun to change something.
KILLER = """
import os, sys, time
while not os.path.exists("/etc/port443/.sites-journal"):
    time.sleep(0.001)
time.sleep(float(sys.argv[1]))
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{process}/environ", "rb") as stream:
            ours = b"ANSIBLE_PIPELINING" in stream.read()
    except OSError:
        continue
    if ours:
        os.kill(int(process), 9)
print(os.path.exists("/etc/port443/.sites-journal"))
"""
TESTS = {
    "nginx": "nginx -t",
    "apache": "apache2ctl -t",
    "haproxy": "haproxy -c -f /etc/haproxy/haproxy.cfg",
    "lighttpd": "lighttpd -tt -f /etc/lighttpd/lighttpd.conf",
}


def test_a_run_that_is_killed_leaves_what_loads_and_the_next_one_makes_it_good(sites):
    sites.run(blog())
    enabled = sites.files(running=True)
    for delay in (0, 0.05):
        sites.run(shop(), check=True)  # which leaves the playbook there
        killer = subprocess.Popen(
            [*sites.machine.inside, str(BIN / "python"), "-c", KILLER, str(delay)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdout=subprocess.PIPE,
            text=True,
        )
        ended = sites.play()
        assert killer.communicate(timeout=30)[0] == "True\n", ended.stdout + ended.stderr
        assert sites.machine.run("sh", "-c", TESTS[sites.server]).returncode == 0
        assert sites.get(BLOG)[:2] == (200, "blog / https")
        made_good = sites.run(shop())
        assert made_good["sites"][0]["served"] == "yes", made_good
        assert "a run before this one was cut off: what it had done was taken back first" in made_good["warnings"]
        sites.run({"name": SHOP}, state="absent", remove_certificates=True)
        assert sites.files(running=True) == enabled


def test_two_runs_at_once_wait_for_each_other(sites):
    sites.run(shop(), blog(), check=True)
    with ThreadPoolExecutor() as pool:
        assert [ended.returncode for ended in pool.map(lambda _number: sites.play(), range(2))] == [0, 0]
    assert sites.run(shop(), blog())["changed"] is False


def test_a_file_that_is_not_there_is_told_with_its_site(sites):
    refused = sites.run(
        {"name": SHOP, "proxy_pass": "http://127.0.0.1:1", "certificate_file": "no.pem", "key_file": "x"}
    )
    assert refused["msg"].startswith(f"port443.https.sites: {SHOP}: Could not find or access 'no.pem'"), refused

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real servers test planned files where nobody else sees them, and leave no trace on the machine."""

from __future__ import annotations

import pki
import pytest

PASSED = {
    "nginx": "test is successful",
    "apache": "Syntax OK",
    "haproxy": "Configuration file is valid",
    "lighttpd": "it says nothing",
}
TESTS = {
    "nginx": ["nginx", "-t"],
    "apache": ["apache2ctl", "-t"],
    "haproxy": ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/site.cfg"],
    "lighttpd": ["sh", "-c", "lighttpd -tt -f /etc/lighttpd/lighttpd.conf && echo it says nothing"],
}
PATHS = {
    "nginx": "/etc/nginx/conf.d/site.conf",
    "apache": "/etc/apache2/sites-enabled/site.conf",
    "haproxy": "/etc/haproxy/site.cfg",
    "lighttpd": "/etc/lighttpd/conf-enabled/site.conf",
}
GOOD = {
    "nginx": "server { listen 127.0.0.1:8443; access_log /srv/www.log; root /srv; }\n",
    "apache": "<VirtualHost *:8443>\n    DocumentRoot /srv\n</VirtualHost>\n",
    "haproxy": "frontend site\n    bind 127.0.0.1:8443\n    http-request deny\n",
    "lighttpd": '$SERVER["socket"] == "127.0.0.1:8443" { server.document-root = "/srv" }\n',
}
BROKEN = "no_such_directive on;\n"
WORDS = {
    "nginx": 'unknown directive "no_such_directive" in /etc/nginx/conf.d/site.conf:1',
    "apache": "Invalid command 'no_such_directive'",
    "haproxy": "[/etc/haproxy/site.cfg:1]: unknown keyword 'no_such_directive'",
    "lighttpd": "source: /etc/lighttpd/conf-enabled/site.conf line: 1",
}
SECURE = """
server {
    listen 127.0.0.1:8443 ssl;
    ssl_certificate /etc/port443/www.example.com/current/fullchain.pem;
    ssl_certificate_key /etc/port443/www.example.com/current/privkey.pem;
}
"""


@pytest.fixture(params=list(TESTS))
def server(request):
    return request.param


def words(ended):
    return ended["err"] + ended["out"]


def test_a_broken_site_is_refused_in_the_servers_words(machine, server):
    ended = machine.test({PATHS[server]: {"content": BROKEN}}, TESTS[server])
    assert ended["returncode"] != 0
    assert WORDS[server] in words(ended)


def test_a_good_site_passes_and_not_even_the_test_leaves_a_trace(machine, server):
    """A server that never ran makes its pid file, logs and folders even for a test."""
    ended = machine.test({PATHS[server]: {"content": GOOD[server]}}, TESTS[server])
    assert ended["returncode"] == 0, words(ended)
    assert PASSED[server] in words(ended)


def test_the_same_test_in_place_leaves_traces(machine):
    """Else the tests above would tell nothing."""
    machine.shell("nginx -t")
    assert "access.log" in machine.shell("ls /var/log/nginx")
    assert "body" in machine.shell("ls /var/lib/nginx")


def test_copies_do_where_the_kernel_refuses_overlays(machine, server):
    """What was never made below /var/lib cannot be made there now: a server that ran has it."""
    machine.shell("nginx -t")
    refused = {"refused": "overlay"}
    ended = machine.test({PATHS[server]: {"content": BROKEN}}, TESTS[server], **refused)
    assert WORDS[server] in words(ended)
    good = GOOD[server].replace("/srv/www.log", "/var/log/nginx/www.log")
    ended = machine.test({PATHS[server]: {"content": good}}, TESTS[server], **refused)
    assert PASSED[server] in words(ended)


def test_overlays_that_the_kernel_itself_refuses_become_copies(machine):
    """Of overlays, two may lie on top of each other (FILESYSTEM_MAX_STACK_DEPTH), and /etc is the second one here."""
    inside = "test -f /run/.containerenv -o -f /.dockerenv"  # where / is one as well, and no more may lie on it
    for layer in ("a", "b"):
        folders = f"mkdir -p /run/{layer}/upper /run/{layer}/work"
        options = f"lowerdir=/etc,upperdir=/run/{layer}/upper,workdir=/run/{layer}/work"
        machine.shell(f"{folders}; mount -t overlay -o {options} overlay /etc || {inside}")
    ended = machine.test({PATHS["nginx"]: {"content": BROKEN}}, TESTS["nginx"])
    assert WORDS["nginx"] in words(ended)
    ended = machine.test({"/etc/new": {"content": "x"}}, ["sh", "-c", "stat -f -c %T /etc /var; cat /etc/new"])
    assert ended["out"] == "tmpfs\noverlayfs\nx"


def test_a_planned_removal_heals(machine, server, way):
    machine.shell(f"nginx -t; echo 'no_such_directive on;' > {PATHS[server]}")
    ended = machine.test({}, TESTS[server], **way)
    assert WORDS[server] in words(ended)
    if server == "haproxy":
        ended = machine.test({PATHS[server]: {}}, TESTS[server][:-2], **way)
    else:
        ended = machine.test({PATHS[server]: {}}, TESTS[server], **way)
    assert PASSED[server] in words(ended)


def test_a_planned_pair_is_served_through_its_link(machine, way):
    site = pki.site("www.example.com")
    store = "/etc/port443/www.example.com"
    files = {
        f"{store}/abc/fullchain.pem": {"content": site.pem().decode()},
        f"{store}/abc/privkey.pem": {"content": site.key_pem().decode(), "mode": 0o600},
        f"{store}/current": {"target": "abc"},
        PATHS["nginx"]: {"content": SECURE},
    }
    machine.shell("nginx -t")
    ended = machine.test(files, TESTS["nginx"], **way)
    assert PASSED["nginx"] in words(ended)
    del files[f"{store}/current"]
    ended = machine.test(files, TESTS["nginx"], **way)
    assert f'cannot load certificate "{store}/current/fullchain.pem"' in words(ended)


def test_a_link_that_is_there_is_turned(machine, way):
    machine.shell("mkdir -p /etc/port443/a/old && ln -s old /etc/port443/a/current")
    files = {"/etc/port443/a/new/file": {"content": "new"}, "/etc/port443/a/current": {"target": "new"}}
    assert machine.test(files, ["cat", "/etc/port443/a/current/file"], **way)["out"] == "new"


def test_a_file_keeps_its_mode_and_owner_and_a_new_one_is_public(machine, way):
    machine.shell("printf old > /etc/secret && chmod 640 /etc/secret && chown 0:33 /etc/secret")
    files = {
        "/etc/secret": {"content": "a"},
        "/etc/public": {"content": "b"},
        "/etc/key": {"content": "c", "mode": 0o600},
    }
    ended = machine.test(files, ["stat", "-c", "%a %u %g %s", "/etc/secret", "/etc/public", "/etc/key"], **way)
    assert ended["out"] == "640 0 33 1\n644 0 0 1\n600 0 0 1\n"


@pytest.mark.parametrize("path", ["/etc/nginx/mounted/one.conf", "/etc/nginx/bound.conf"])
def test_what_is_mounted_inside_a_folder_keeps_its_content(machine, way, path):
    ended = machine.test({PATHS["nginx"]: {"content": f"include {path};\n"}}, TESTS["nginx"], **way)
    directive = "in_the_mount" if "mounted" in path else "bound_over"
    assert f'unknown directive "{directive}" in {path}:1' in words(ended)


def test_a_file_inside_a_mount_can_be_planned(machine, way):
    files = {"/etc/nginx/mounted/one.conf": {"content": "planned"}}
    assert machine.test(files, ["cat", "/etc/nginx/mounted/one.conf"], **way)["out"] == "planned"


def test_what_cannot_be_replaced_is_told_in_the_systems_words(machine, way):
    problem = machine.test({"/etc/nginx": {"content": "x"}}, ["true"], **way)
    assert problem == "/etc/nginx cannot be put in place, not even for a test: Is a directory"


def test_a_long_log_is_not_copied_into_memory(machine, way):
    machine.shell("nginx -t; head -c 100M /dev/zero > /var/log/nginx/access.log")
    ended = machine.test({PATHS["nginx"]: {"content": GOOD["nginx"].replace("/srv", "/run")}}, TESTS["nginx"], **way)
    assert PASSED["nginx"] in words(ended)

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real servers test planned files where nobody else sees them, and leave no trace on the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pki
import pytest
from private_machine import private_machine

RUN = Path(__file__).resolve().parents[2] / "run_over.py"
PASSED = {"nginx": "test is successful", "apache": "Syntax OK", "haproxy": "Configuration file is valid"}
TESTS = {
    "nginx": ["nginx", "-t"],
    "apache": ["apache2ctl", "-t"],
    "haproxy": ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg", "-f", "/etc/haproxy/site.cfg"],
}
PATHS = {
    "nginx": "/etc/nginx/conf.d/site.conf",
    "apache": "/etc/apache2/sites-enabled/site.conf",
    "haproxy": "/etc/haproxy/site.cfg",
}
GOOD = {
    "nginx": "server { listen 127.0.0.1:8443; access_log /srv/www.log; root /srv; }\n",
    "apache": "<VirtualHost *:8443>\n    DocumentRoot /srv\n</VirtualHost>\n",
    "haproxy": "frontend site\n    bind 127.0.0.1:8443\n    http-request deny\n",
}
BROKEN = "no_such_directive on;\n"
WORDS = {
    "nginx": 'unknown directive "no_such_directive" in /etc/nginx/conf.d/site.conf:1',
    "apache": "Invalid command 'no_such_directive'",
    "haproxy": "[/etc/haproxy/site.cfg:1]: unknown keyword 'no_such_directive'",
}
SECURE = """
server {
    listen 127.0.0.1:8443 ssl;
    ssl_certificate /etc/port443/www.example.com/current/fullchain.pem;
    ssl_certificate_key /etc/port443/www.example.com/current/privkey.pem;
}
"""
# A /var of its own, as on a disk of its own, with no logs and none of the folders that servers make when they start;
# and inside /etc a folder and a file that are mounts, as /etc/resolv.conf is one in a container. Mounts show in
# other namespaces as well, as systemd has it.
VAR = """
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/cache/apache2 /var/lib/nginx /var/lib/haproxy /var/lib/apache2 /var/log/nginx /var/log/apache2 /var/tmp
ln -s /run /var/run
ln -s /run/lock /var/lock
mkdir /etc/nginx/mounted
mount -t tmpfs tmpfs /etc/nginx/mounted
echo in_the_mount on\\; > /etc/nginx/mounted/one.conf
echo bound_over on\\; > /run/bound.conf
touch /etc/nginx/bound.conf
mount --bind /run/bound.conf /etc/nginx/bound.conf
mount --make-rshared /
"""
# Runs a command beside a folder that is mounted when somebody looks into it; fails if somebody did. Who is asked to
# mount it is the process that holds the pipe, and others of its group do not count.
AUTOMATIC = """
import ctypes, os, select, subprocess, sys
os.setsid()
asked, pipe = os.pipe()
options = f"fd={pipe},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
folder = os.fsencode(sys.argv[1])
if ctypes.CDLL(None).mount(b"automatic", folder, b"autofs", ctypes.c_ulong(0), options.encode()):
    sys.exit("no autofs")
ended = subprocess.run(sys.argv[2:], start_new_session=True)
if select.select([asked], [], [], 0)[0]:
    sys.exit("somebody looked")
sys.exit(ended.returncode)
"""


class Machine:
    """A machine on which no web server runs; ``test`` is what foresee does on it."""

    def __init__(self, machine, collections_path):
        self.private = machine
        self.private.environment["PYTHONPATH"] = str(collections_path)

    def shell(self, script):
        ended = self.private.run("sh", "-euc", script)
        assert not ended.returncode, ended.stderr
        return ended.stdout

    def begin(self, files, argv, user=(), **options):
        command = (*self.private.inside, f"--wd={self.private.folder}", *user, sys.executable, str(RUN))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started = subprocess.Popen(command, env=self.private.environment, text=True, **pipes)
        watched = ["/etc", "/run", "/srv", "/var", str(self.private.folder / "watched")]
        json.dump({"files": files, "argv": argv, "watched": watched, **options}, started.stdin)
        started.stdin.close()
        started.stdin = None
        return started

    def test(self, files, argv, **options):
        """Returns what the command said, or what the problem was; the machine is as it was before."""
        said, problem = self.begin(files, argv, **options).communicate(timeout=120)
        assert not problem, problem
        answer = json.loads(said)
        assert answer["changed"] == []
        assert answer["watched"] > 500
        return answer["problem"] if "problem" in answer else answer["ended"]


@pytest.fixture
def machine(tmp_path, collections_path):
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "file").write_text("mine")
    with private_machine(tmp_path, collections_path) as started:
        machine = Machine(started, collections_path)
        machine.shell(VAR)
        yield machine


@pytest.fixture(params=["overlay", "copy"])
def way(request):
    """Both ways to a private view: where the kernel has overlays, and where it refuses them."""
    return {} if request.param == "overlay" else {"refused": "overlay"}


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
    """Of overlays, two may lie on top of each other (FILESYSTEM_MAX_STACK_DEPTH); this machine's /etc is one."""
    more = "mkdir /run/b /run/c; mount -t overlay -o lowerdir=/etc,upperdir=/run/b,workdir=/run/c overlay /etc"
    machine.shell(f"{more} || test -f /run/.containerenv -o -f /.dockerenv")  # a container's / is one as well
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


def test_what_the_view_cannot_hold_is_no_verdict(machine):
    """Neither a file beyond the memory there is, nor one in a place that is only shown."""
    assert machine.test({}, ["sh", "-c", "head -c 100M /dev/zero > /srv/large"]) is None
    assert machine.test({}, ["touch", "/srv/file"], refused="overlay") is None
    assert machine.test({}, ["touch", "/srv/file"])["returncode"] == 0


@pytest.mark.parametrize("what", ["unshare", "mount", "privacy", "protection"])
def test_a_host_that_does_not_let_it_gives_no_answer(machine, what):
    assert machine.test({PATHS["nginx"]: {"content": BROKEN}}, ["touch", "/run/done"], refused=what) is None


def test_root_without_the_right_to_mount_gets_no_answer(machine):
    """As in a container."""
    user = ("setpriv", "--inh-caps=-sys_admin", "--bounding-set=-sys_admin")
    assert machine.test({}, ["touch", "/run/done"], user=user) is None


def test_a_folder_that_is_mounted_on_demand_is_not_looked_at(machine, way):
    """It would be mounted for the whole host."""
    folder = machine.private.folder / "automatic"
    folder.mkdir()
    user = (sys.executable, "-c", AUTOMATIC, str(folder))
    assert machine.test({}, ["echo", "passed"], user=user, **way)["out"] == "passed\n"


def test_a_command_that_does_not_exist_is_told(machine):
    assert machine.test({}, ["no-such-server", "-t"]) == "no-such-server is not installed on this host"


def test_a_command_that_does_not_end_is_ended(machine):
    assert machine.test({}, ["sleep", "4321"], timeout=1) == "sleep did not end within 1 seconds"
    assert not processes("sleep\x004321")


def test_what_a_command_leaves_running_ends_with_it(machine):
    ended = machine.test({}, ["sh", "-c", "setsid sleep 5432 >/dev/null 2>&1 </dev/null & echo started"])
    assert ended["out"] == "started\n"
    assert not processes("sleep\x005432")


def test_a_run_that_is_killed_in_the_middle_leaves_nothing(machine):
    before = machine.shell("cat /proc/self/mountinfo; ls -lR /etc /run")
    started = machine.begin({"/etc/planned": {"content": "x"}}, ["sh", "-c", "touch /etc/touched; sleep 6543; true"])
    await_that(lambda: processes("sleep\x006543"))
    (run,) = [pid for pid in processes(str(RUN)) if parent(pid) == started.pid]
    os.kill(run, signal.SIGKILL)
    started.wait(timeout=20)
    await_that(lambda: not processes("sleep\x006543") and not processes(str(RUN)))
    assert machine.shell("cat /proc/self/mountinfo; ls -lR /etc /run") == before


def processes(words):
    """The processes with these words in their command line; those that have ended and wait for a parent have none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if words in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def await_that(condition):
    for _attempt in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited for 10 seconds")

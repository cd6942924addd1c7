# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds beside every web server alike: served and proved, taken back where that fails, and no request lost."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pki
import pytest
from certificate_servers import RELOADING, run_server
from failing_steps import failing_steps
from web_server import NAME


def gist(result):
    return {key: result.get(key) for key in ("changed", "served", "commands", "msg")}


def due(server):
    return {"changed": True, "served": "yes", "commands": server.reload_commands(), "msg": None}


DONE = {"changed": False, "served": "yes", "commands": [], "msg": None}


def serve(server, site):
    """Lets the server start with one pair installed."""
    server.add_site()
    server.install(site, service="none", prove=False)
    server.start()
    assert gist(server.install(site)) == DONE


def leftovers(server):
    return sorted(name for name in server.contents() if "/." in name)


def test_the_whole_way_of_a_pair(server, first, second):
    server.start()
    assert gist(server.install(first)) == dict(due(server), served="no", commands=[])
    server.add_site()
    before = server.contents()
    assert gist(server.install(first, check=True)) == due(server)
    assert server.served() != first.sha256()
    assert gist(server.install(first)) == due(server)
    assert server.contents() == before
    assert {server.served(), server.served("::1")} == {first.sha256()}
    assert gist(server.install(first)) == DONE
    assert gist(server.install(first, check=True)) == DONE

    assert gist(server.install(second, check=True)) == due(server)
    assert (server.contents(), server.served()) == (before, first.sha256())
    assert gist(server.install(second)) == due(server)
    assert {server.served(), server.served("::1")} == {second.sha256()}
    assert server.served(name="other.example.com") == pki.site("other.example.com", number=9).sha256()
    assert gist(server.install(second)) == DONE

    assert "is still named in the service's configuration" in server.remove()["msg"]
    server.remove_site()
    server.reload()
    assert (server.remove(check=True)["changed"], server.store.exists()) == (True, True)
    assert (server.remove()["changed"], server.store.exists()) == (True, False)
    assert server.remove()["changed"] is False


def test_a_run_killed_between_installation_and_reload_is_made_good(server, first, second):
    serve(server, first)
    server.install(second, service="none", prove=False)  # what such a run leaves behind
    assert server.served() == first.sha256()
    assert gist(server.install(second)) == due(server)
    assert server.served() == second.sha256()


def test_a_broken_configuration_brings_the_previous_pair_back(server, first, second):
    serve(server, first)
    before = server.contents()
    server.spoil()
    result = server.install(second)
    assert (result["failed"], "no_such_directive" in result["msg"]) == (True, True)
    assert result["msg"].endswith("; the previous pair is back and served")
    assert (server.contents(), server.served()) == (before, first.sha256())


@pytest.mark.parametrize("server", RELOADING, indirect=True)
def test_a_reload_that_does_nothing_brings_the_previous_pair_back(server, first, second):
    """A stopped parent takes no signal, while its children serve on."""
    serve(server, first)
    before, pid = server.contents(), server.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        result = server.install(second, prove_timeout=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result["failed"] is True
    assert result["msg"].startswith(
        f"the service was reloaded, but after 1 seconds 127.0.0.1:{server.port} serves sha256:{first.sha256()}"
    )
    assert result["msg"].endswith("; the previous pair is back and served")
    assert (server.contents(), server.served()) == (before, first.sha256())
    assert gist(server.install(second)) == due(server)


def test_a_stopped_server_is_not_started(server, first):
    server.add_site()
    result = server.install(first)
    assert gist(result) == dict(DONE, changed=True, served="no")
    assert result["served_because"].endswith(" is not running")
    assert server.pid() is None


@pytest.mark.parametrize(
    ("server", "fault"),
    [("nginx", "kill"), ("nginx", "28"), ("apache2", "kill"), ("haproxy", "kill"), ("lighttpd", "kill")],
    indirect=["server"],
)
def test_whatever_step_fails_a_whole_pair_is_served_and_the_next_run_makes_good(server, first, second, fault):
    """Every step that changes something is the one at which the process is killed (28: the disk is full) in turn."""
    serve(server, first)
    pairs = {site.sha256(): site for site in (first, second)}
    in_a_row = 0
    for number in failing_steps():
        assert number < 60
        server.install(first, keep=1)  # so that the second pair is made anew
        before = server.contents()
        started = server.begin(server.arguments(second), environment={"FAULT": f"{fault} {number}"})
        said = started.communicate(timeout=60)[0].decode()
        current = server.store / NAME / "current"
        installed = pairs[pki.fingerprint_of((current / "fullchain.pem").read_bytes())]
        assert (current / "privkey.pem").read_bytes() == installed.key_pem()
        assert server.served() in pairs
        if fault != "kill" and '"failed": true' in said:
            assert server.contents() == before
            assert leftovers(server) == []
        result = server.install(second)
        assert (result.get("served"), server.served(), leftovers(server)) == ("yes", second.sha256(), [])
        ended_well = started.returncode == 0 and '"failed"' not in said
        in_a_row = in_a_row + 1 if ended_well else 0
        if in_a_row == 3:  # it may end well although a step failed: a former pair that cannot be removed is a warning
            break
    assert (in_a_row, number > 15) == (3, True)


def test_two_runs_at_once_end_with_one_whole_pair(server, first, second):
    serve(server, first)
    runs = [server.begin(server.arguments(site)) for site in (second, first, second, first)]
    results = [server.finish(run) for run in runs]
    assert [(result.get("msg"), result.get("served")) for result in results] == [(None, "yes")] * 4
    served = next(site for site in (first, second) if site.sha256() == server.served())
    assert (server.store / NAME / "current" / "privkey.pem").read_bytes() == served.key_pem()
    assert leftovers(server) == []


@pytest.mark.parametrize("server", RELOADING, indirect=True)
def test_no_request_is_lost_during_twenty_rotations(server, first, second):
    serve(server, first)
    over, failed, answered = threading.Event(), [], []

    def visit():
        while not over.is_set():
            try:
                answered.append(server.ask())
            except OSError as problem:
                failed.append(repr(problem))

    visitors = [threading.Thread(target=visit) for _number in range(2)]
    for visitor in visitors:
        visitor.start()
    try:
        for number in range(20):
            assert server.install((second, first)[number % 2])["served"] == "yes"
    finally:
        over.set()
        for visitor in visitors:
            visitor.join()
    assert (failed, set(answered)) == ([], {server.answer})
    assert len(answered) > 200


def test_a_pair_of_another_site_that_would_end_apache_is_found_before_the_reload(collections_path, first, second):
    """``apache2 -t`` lets it pass, and the reload would end the parent (Apache 2.4.71)."""
    with run_server("apache2", collections_path) as server:
        serve(server, first)
        before = server.contents()
        server.add_site("shop.example.com")
        server.install(pki.site("shop.example.com", number=5), name="shop.example.com", service="none", prove=False)
        (server.store / "shop.example.com" / "current" / "privkey.pem").write_bytes(second.key_pem())
        result = server.install(second)
        assert "would end Apache at a reload: " in result["msg"]
        assert result["msg"].endswith("; the previous pair is back and served")
        assert server.served() == first.sha256()
        server.remove_site("shop.example.com")
        assert {name: text for name, text in server.contents().items() if name in before} == before
        assert gist(server.install(second)) == due(server)


def test_apache_that_a_reload_ended_is_started_again_with_the_previous_pair(collections_path, first, second):
    """A port that somebody else has passes the test, and ends the parent (Apache 2.4.71)."""
    with run_server("apache2", collections_path) as server, socket.create_server(("127.0.0.1", 0)) as taken:
        serve(server, first)
        stopped = server.pid()
        (server.sites / "more.conf").write_text(f"Listen 127.0.0.1:{taken.getsockname()[1]}\n")
        started = server.begin(server.arguments(second, prove_timeout=2))
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{stopped}") and time.monotonic() < deadline:
            time.sleep(0.05)
        taken.close()
        result = server.finish(started)
        assert result["msg"].endswith("; the previous pair is back and served")
        assert server.served() == first.sha256()
        assert server.pid() not in (None, stopped)


@pytest.mark.parametrize(
    ("server", "file", "before", "after"),
    [
        (
            "apache2",
            f"{NAME}.conf",
            "SSLEngine on",
            "SSLEngine on\nSSLProtocol TLSv1.2\nSSLVerifyClient require\nSSLCACertificateFile {}/other.crt",
        ),
        ("haproxy", "0.cfg", " ssl ", " ssl ssl-max-ver TLSv1.2 verify required ca-file {}/other.crt "),
    ],
    indirect=["server"],
)
def test_a_site_that_asks_clients_for_certificates_is_served_over_tls_1_2(server, first, second, file, before, after):
    """Such a server ends the handshake of a client that has none, after it has shown its own."""
    server.add_site()
    text = (server.sites / file).read_text()
    (server.sites / file).write_text(text.replace(before, after.format(server.folder)))
    server.install(first, service="none", prove=False)
    server.start()
    assert gist(server.install(first)) == DONE
    assert gist(server.install(second)) == due(server)
    assert gist(server.install(second)) == DONE


def test_haproxy_without_a_master_is_left_alone_and_told(collections_path, first, second):
    with run_server("haproxy", collections_path) as server:
        main = server.sites / "0.cfg"
        main.write_text(main.read_text().replace("    master-worker\n", ""))
        server.add_site()
        server.install(first, service="none", prove=False)
        server.start()
        result = server.install(second)
        assert (result["changed"], result["served"], result["commands"]) == (True, "other", [])
        assert result["served_because"].startswith("HAProxy runs without a master process, so nothing can reload it")


def own_commands(server, *reload_command):
    return {
        "service": "none",
        "service_config": None,
        "prove_port": server.port,
        "test_command": ["nginx", "-t", "-c", str(server.config)],
        "reload_command": list(reload_command) or ["nginx", "-s", "reload", "-c", str(server.config)],
    }


def test_a_service_of_the_users_own_is_tested_reloaded_and_proved(web, first, second):
    serve(web, first)
    assert gist(web.install(first, **own_commands(web))) == DONE
    assert gist(web.install(second, **own_commands(web), check=True)) == due(web)
    assert gist(web.install(second, **own_commands(web))) == due(web)
    assert web.served() == second.sha256()
    failed = web.install(first, **own_commands(web, "false"))
    assert failed["msg"] == "'false' failed: no output; the previous pair is back and served"
    idle = web.install(first, **own_commands(web, "true"), prove_timeout=1)
    assert idle["msg"].endswith("; the previous pair is back and served")
    web.spoil()
    assert "no_such_directive" in web.install(first, **own_commands(web))["msg"]
    assert web.served() == second.sha256()


def test_a_service_of_the_users_own_that_does_not_run_is_not_reloaded(web, first):
    result = web.install(first, **own_commands(web, "false"))
    assert gist(result) == dict(DONE, changed=True, served="no")
    assert result["served_because"] == "nothing answers in TLS where it is asked"

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module beside a real nginx: installed, reloaded, proved by what is served, and taken back otherwise."""

from __future__ import annotations

import os
import socket
import subprocess

import pki
from nginx_site import SITE
from web_server import NAME


def paths(web, name=NAME):
    current = web.store / name / "current"
    return {
        "directory": str(current),
        "certificate": str(current / "fullchain.pem"),
        "chain": str(current / "chain.pem"),
        "key": str(current / "privkey.pem"),
        "combined": str(current / "haproxy.pem"),
    }


def gist(result):
    return {key: result.get(key) for key in ("changed", "served", "commands")}


def reload_commands(web):
    return [f"nginx -t -c {web.config}", f"nginx -s reload -c {web.config}"]


def test_the_pair_is_installed_where_nothing_serves_yet(web, first):
    result = web.install(first)
    assert gist(result) == {"changed": True, "served": "no", "commands": []}
    assert result["served_because"] == f"nginx's configuration {web.config} has no ssl_certificate of this site"
    assert result["paths"] == paths(web)
    generation = os.readlink(web.store / NAME / "current")
    chain = pki.intermediate().pem()
    assert web.contents() == {
        NAME: 0o755,
        f"{NAME}/current": generation,
        f"{NAME}/{generation}": 0o755,
        f"{NAME}/{generation}/chain.pem": (0o644, chain),
        f"{NAME}/{generation}/fullchain.pem": (0o644, first.pem() + chain),
        f"{NAME}/{generation}/haproxy.pem": (0o600, first.pem() + chain + first.key_pem()),
        f"{NAME}/{generation}/privkey.pem": (0o600, first.key_pem()),
    }
    assert not web.pid_file().exists()  # nginx -t would have made it


def test_the_whole_way_of_a_pair(web, first, second):
    web.start()
    assert gist(web.install(first)) == {"changed": True, "served": "no", "commands": []}
    web.add_site()
    before = web.contents()
    due = {"changed": True, "served": "yes", "commands": reload_commands(web)}
    done = {"changed": False, "served": "yes", "commands": []}

    assert gist(web.install(first, check=True)) == due
    assert web.served() != first.sha256()
    assert gist(web.install(first)) == due
    assert web.contents() == before
    assert {web.served(), web.served("::1")} == {first.sha256()}
    assert gist(web.install(first)) == done
    assert gist(web.install(first, check=True)) == done

    assert gist(web.install(second, check=True)) == due
    assert (web.contents(), web.served()) == (before, first.sha256())
    result = web.install(second)
    assert gist(result) == due
    assert {web.served(), web.served("::1")} == {second.sha256()}
    assert result["seen"] == [
        {
            "address": address,
            "port": web.port,
            "server_name": NAME,
            "fingerprint": second.sha256(),
            "problem": None,
        }
        for address in ("127.0.0.1", "::1")
    ]
    assert gist(web.install(second)) == done


def test_a_pair_is_removed_once_no_configuration_names_it(web, first):
    web.add_site()
    web.install(first)
    web.start()
    refused = web.remove()
    assert refused["failed"] is True
    assert refused["msg"] == (
        f"{web.store}/{NAME} is still named in the service's configuration, which would not pass its test without it: "
        "remove the site there first"
    )
    web.remove_site()
    web.reload()
    assert (web.remove(check=True)["changed"], web.store.exists()) == (True, True)
    assert (web.remove()["changed"], web.store.exists()) == (True, False)
    assert (web.remove()["changed"], web.remove(check=True)["changed"]) == (False, False)


def test_a_site_whose_configuration_came_first_is_served_at_once(web, first):
    web.start()
    web.add_site()  # nginx -t fails from here on, for want of the pair
    due = {"changed": True, "served": "yes", "commands": reload_commands(web)}
    assert gist(web.install(first, check=True)) == due
    assert gist(web.install(first)) == due
    assert web.served() == first.sha256()


def test_two_sites_whose_configurations_came_first_are_served_in_the_end(web, first):
    web.start()
    web.add_site()
    web.add_site("shop.example.com")
    early = web.install(first)
    assert gist(early) == {"changed": True, "served": "other", "commands": []}
    assert "shop.example.com/current/fullchain.pem" in " ".join(early["warnings"])
    assert gist(web.install(first)) == {"changed": False, "served": "other", "commands": []}
    shop = pki.site("shop.example.com", number=5)
    assert web.install(shop, name="shop.example.com")["served"] == "yes"
    assert gist(web.install(first)) == {"changed": False, "served": "yes", "commands": []}


def test_a_run_killed_between_installation_and_reload_is_made_good(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    web.install(second, service="none", prove=False)  # what such a run leaves behind
    assert web.served() == first.sha256()
    before = web.contents()
    assert gist(web.install(second)) == {"changed": True, "served": "yes", "commands": reload_commands(web)}
    assert (web.contents(), web.served()) == (before, second.sha256())


def test_a_broken_configuration_brings_the_previous_pair_back(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    before = web.contents()
    (web.folder / "sites" / "broken.conf").write_text("no_such_directive on;\n")
    result = web.install(second)
    assert result["failed"] is True
    assert 'unknown directive "no_such_directive"' in result["msg"]
    assert result["msg"].endswith("; the previous pair is back and served")
    assert (web.contents(), web.served()) == (before, first.sha256())


def test_a_reload_that_nginx_gives_up_brings_the_previous_pair_back(web, first, second):
    """nginx -t lets a port pass that is taken (EADDRINUSE); that shows only in the error log of the running nginx."""
    web.add_site()
    web.install(first)
    web.start()
    before = web.contents()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (web.folder / "sites" / "more.conf").write_text(f"server {{ listen 127.0.0.1:{taken.getsockname()[1]}; }}\n")
        result = web.install(second, prove_timeout=1)
    assert result["failed"] is True
    assert result["msg"] == (
        f"the service was reloaded, but after 1 seconds 127.0.0.1:{web.port} serves sha256:{first.sha256()}, "
        f"[::1]:{web.port} serves sha256:{first.sha256()} for '{NAME}' instead of sha256:{second.sha256()}; its error "
        "log may say why; the previous pair is back and served"
    )
    assert (web.contents(), web.served()) == (before, first.sha256())


def test_a_first_pair_that_is_never_served_leaves_nothing(web, first):
    web.start()
    web.add_site()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (web.folder / "sites" / "more.conf").write_text(f"server {{ listen 127.0.0.1:{taken.getsockname()[1]}; }}\n")
        result = web.install(first, prove_timeout=1)
    assert result["msg"].endswith("; nothing was installed before, and nothing is now")
    assert web.store.exists() is False


def test_a_stopped_nginx_is_not_started(web, first):
    web.add_site()
    result = web.install(first)
    assert gist(result) == {"changed": True, "served": "no", "commands": []}
    assert result["served_because"] == "nginx is not running"
    assert web.pid() is None


def test_a_broken_configuration_of_a_stopped_nginx_keeps_no_pair_out(web, first):
    web.config.write_text("http { ;\n")
    result = web.install(first)
    assert gist(result) == {"changed": True, "served": "no", "commands": []}
    assert result["served_because"] == f"nginx's configuration {web.config} has a ';' without a directive"


def test_a_stale_pid_file_is_no_running_nginx(web, first):
    web.add_site()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        web.pid_file().write_text(f"{stranger.pid}\n")
        result = web.install(first)
        stranger.kill()
    web.pid_file().unlink()
    assert (result["served"], result["served_because"]) == ("no", "nginx is not running")


def test_what_answers_although_no_known_nginx_runs_is_told(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    pid = web.pid_file().read_text()
    web.pid_file().unlink()
    try:
        result = web.install(second)
    finally:
        web.pid_file().write_text(pid)
    assert gist(result) == {"changed": True, "served": "other", "commands": []}
    assert result["warnings"] == [result["served_because"]]
    assert result["served_because"] == (
        f"nginx is not running; 127.0.0.1:{web.port} serves sha256:{first.sha256()}; [::1]:{web.port} serves "
        f"sha256:{first.sha256()}"
    )


def test_the_pair_with_the_right_kind_of_key_is_asked_for(web, first):
    """nginx serves an RSA and an ECDSA certificate at once, and a modern client gets the ECDSA one."""
    rsa = pki.site(number=6, key="rsa2048")
    both = SITE.replace(
        "server_name {name};",
        "server_name {name}; ssl_certificate {store}/rsa/current/fullchain.pem; "
        "ssl_certificate_key {store}/rsa/current/privkey.pem;",
    )
    web.install(rsa, name="rsa", names=[NAME])
    web.install(first)
    web.add_site(text=both)
    web.start()
    assert web.served() == first.sha256()
    for name, site in ((NAME, first), ("rsa", rsa)):
        assert gist(web.install(site, name=name, names=[NAME])) == {"changed": False, "served": "yes", "commands": []}
    renewed = pki.site(number=7, key="rsa2048")
    assert web.install(renewed, name="rsa", names=[NAME])["served"] == "yes"
    assert web.served() == first.sha256()


def test_a_server_behind_the_proxy_protocol_is_asked_in_its_way(web, first):
    web.add_site(
        text="server {{ listen 127.0.0.1:{port} ssl proxy_protocol; server_name {name}; "
        "ssl_certificate {store}/{name}/current/fullchain.pem; "
        "ssl_certificate_key {store}/{name}/current/privkey.pem; }}"
    )
    main = web.config.read_text()
    web.config.write_text(main.replace("ssl default_server", "ssl default_server proxy_protocol"))
    web.install(first)
    web.start()
    assert gist(web.install(first)) == {"changed": False, "served": "yes", "commands": []}


def test_a_wildcard_is_proved_by_a_name_the_server_has(web):
    wildcard = pki.issue("w", ["*.example.com"], issuer=pki.intermediate(), number=8)
    web.add_site()
    web.install(wildcard)
    web.start()
    result = web.install(wildcard)
    assert (result["served"], result["seen"][0]["server_name"]) == ("yes", NAME)


def test_an_own_place_of_proof_is_asked_alone(web, first):
    web.add_site()
    web.install(first)
    web.start()
    result = web.install(first, prove_address="localhost", prove_port=web.port)
    assert [(look["address"], look["port"]) for look in result["seen"]] == [("localhost", web.port)]
    assert result["served"] == "yes"


def test_without_proof_the_files_decide(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    assert gist(web.install(first, prove=False)) == {"changed": False, "served": "unknown", "commands": []}
    due = {"changed": True, "served": "unknown", "commands": reload_commands(web)}
    assert gist(web.install(second, prove=False, check=True)) == due
    assert gist(web.install(second, prove=False)) == due


def test_no_service_is_only_looked_at(web, first, second):
    web.add_site()
    web.install(first)
    web.start()
    place = {"service": "none", "prove_address": "127.0.0.1", "prove_port": web.port}
    assert gist(web.install(first, **place)) == {"changed": False, "served": "yes", "commands": []}
    assert gist(web.install(second, **place)) == {"changed": True, "served": "other", "commands": []}
    assert gist(web.install(second, **place)) == {"changed": False, "served": "other", "commands": []}

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which site of lighttpd's a name leads to, and what an administrator has beside ours."""

from __future__ import annotations

from dataclasses import replace

import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from lighttpd_sites import LANGUAGE
from visiting import DiskFiles, ask, open_tls, page


def test_each_prefix_of_the_files_loads_and_nothing_is_left_at_the_end(server, backend):
    one = server.site("one.example.com", backends=(backend, backend))
    two = server.site("two.example.com", number=2)
    page(server.folder, "www/index.txt", "ours")
    server.write(one, two, after=server.test)
    assert server.test() == ""
    for sites, status in (((one, replace(two, default_server=True)), 200), ((one, two), 403)):
        server.write(*sites, after=server.test)
        with server.running():
            assert ask("two.example.com", "/index.txt", host="nobody.example.com").status == status
            assert ask("nobody.example.com", "/index.txt").status == status
            assert ask("one.example.com").status == 200
    server.write(two, removed=("one.example.com",), after=server.test)
    with server.running():
        assert ask("two.example.com", "/index.txt").body == b"ours"
        assert ask("one.example.com", "/index.txt").status == 403
    server.write(removed=("two.example.com",), after=server.test)
    assert list(server.folder.joinpath("sites").iterdir()) == []


def test_unknown_names_get_nobodys_site_and_challenges_are_answered(server):
    for path in ("www/page", "default/page"):
        page(server.folder, path, "ours")
    page(server.folder, "acme/.well-known/acme-challenge/token", "proof")
    server.write(server.site("www.example.com"))
    with server.running():
        assert (ask("www.example.com", "/page").status, ask("www.example.com", "/page").body) == (200, b"ours")
        assert ask("www.example.com:443", "/page", host="www.example.com:443").status == 200
        for name, host in (("wrong.example.com", None), (None, "127.0.0.1"), ("www.example.com", "xwww.example.com")):
            assert ask(name, "/page", host=host).status == 403
        assert ask("wrong.example.com", "/page", tls=False, port=80).status == 403
        for name in ("wrong.example.com", "www.example.com"):
            challenge = ask(name, "/.well-known/acme-challenge/token", tls=False, port=80)
            assert (challenge.status, challenge.body) == (200, b"proof")
            assert challenge.all("content-type") == ["text/plain"]
        moved = ask("www.example.com", "/a%20b?c=%2Fd", tls=False, port=80)
        assert (moved.status, moved.all("location")) == (301, ["https://www.example.com/a%20b?c=%2Fd"])
        assert moved.all("server") == []
    server.set(port=8443)
    server.write(server.site("www.example.com"))
    with server.running():
        moved = ask("www.example.com:80", "/a", tls=False, port=80)
        assert moved.all("location") == ["https://www.example.com:8443/a"]
        assert ask("www.example.com", "/page", host="www.example.com:8443", port=8443).body == b"ours"


def test_what_an_administrator_set_for_all_names_answers_for_no_site(server):
    more = """
server.modules += ("mod_proxy", "mod_rewrite", "mod_auth")
url.redirect = ("^/page" => "http://elsewhere.example/")
$HTTP["host"] =~ "^www\\.(.*)" { url.redirect = ("^/(.*)" => "http://%1/$1") }
proxy.server = ("" => (("host" => "127.0.0.1", "port" => 9)))
url.rewrite-once = ("^/page" => "/no")
$HTTP["url"] =~ "/\\." { url.access-deny = ("") }
"""
    server.administer(more)
    for path in ("www/page", "www/.git/page"):
        page(server.folder, path, "ours")
    server.write(server.site("www.example.com"))
    with server.running():
        assert ask("www.example.com", "/page").body == b"ours"
        assert ask("www.example.com", "/.git/page").status == 403
        assert ask("wrong.example.com", "/page").status == 403
        assert ask("www.example.com", "/page", tls=False, port=80).all("location") == ["https://www.example.com/page"]
        assert ask("www.example.com", "/page", tls=False, port=8000).all("location") == ["http://example.com/no"]


def test_hundreds_of_sites_load(server):
    site = server.site("s.example.com")
    names = [(f"s{number}.example.com", f"www.s{number}.example.com") for number in range(500)]
    server.write(*(replace(site, name=one, names=(one, other)) for one, other in names))
    page(server.folder, "www/page", "ours")
    with server.running():
        assert ask("s499.example.com", "/page").body == b"ours"
        assert ask("s500.example.com", "/page").status == 403


def test_names_and_wildcards_lead_to_their_own_site(server):
    sites = [
        server.site("a.example.com", names=("a.example.com", "2001:db8::1"), locations=(redirect("a"),)),
        server.site("w.example.com", number=2, names=("*.example.com",), locations=(redirect("w"),)),
    ]
    names = {"a.example.com": "a", "b.example.com": "w", "c.d.example.com": "w", "[2001:db8::1]": "a"}
    server.write(*sites)
    with server.running():
        for name, target in names.items():
            answer = ask("a.example.com", host=name)
            assert (answer.status, answer.all("location")) == (302, [f"/{target}"]), name
        assert ask("a.example.com", host="example.com").status == 403
        assert ask("a.example.com", host="a.example.com.evil").status == 403
    server.write(replace(sites[0], default_server=True), sites[1])
    with server.running():
        for name, target in {**names, "x.org": "a", "[::1]:443": "a", "example.com": "a"}.items():
            assert ask("a.example.com", host=name).all("location") == [f"/{target}"], name
        moved = ask("x.org:80", "/y", tls=False, port=80)
        assert moved.all("location") == ["https://x.org/y"]


def redirect(target):
    return Location("/", redirect_to=f"/{target}", redirect_code=302)


def test_what_is_rendered_is_read_back(server, backend):
    names = ("*.example.com", "www.example.com", "2001:db8::1")
    site = server.site("www.example.com", names=names, backends=(backend,))
    server.write(site)
    read = LANGUAGE.read(DiskFiles(), server.layout)
    (secure,) = [one for one in read.servers if "www.example.com" in one.names and one.certificates]
    assert (sorted(secure.names), secure.certificates) == (sorted(names), (site.certificate,))
    assert read.listening == {("", 8000), ("", 80), ("::", 80), ("", 443), ("::", 443)}
    with server.running():
        for address in ("127.0.0.1", "::1"):
            assert ask("www.example.com", address=address).status == 200


def test_an_administrators_socket_with_tls_is_used_and_its_default_stays(server):
    folder = server.folder
    pair = pki.site("theirs.example.com", 5)
    (folder / "theirs.pem").write_bytes(pair.pem() + pair.key_pem())
    tls = f'ssl.engine = "enable"\nssl.pemfile = "{folder}/theirs.pem"'
    more = "\n".join(f'$SERVER["socket"] == "{one}:443" {{\n{tls}\n}}' for one in ("", "[::]"))
    server.administer(f'server.modules += ("mod_openssl")\n{more}')
    page(folder, "www/page", "ours")
    page(folder, "default/page", "theirs")
    server.write(server.site("www.example.com"))
    with server.running():
        assert ask("www.example.com", "/page").body == b"ours"
        assert ask("wrong.example.com", "/page").body == b"theirs"
        with open_tls("wrong.example.com") as connection:
            assert connection.getpeercert(binary_form=True) == pair.der()

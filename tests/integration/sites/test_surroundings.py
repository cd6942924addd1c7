# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others have said for all sites of a real server is told, with file and line, and does what is told of it."""

from __future__ import annotations

import pytest
from served_sites import BLOG, blog, served_sites

MODULE = "LoadModule {0}_module /usr/lib/apache2/modules/mod_{0}.so\n"
CA = "/etc/port443-ca.pem"
PATHS = {
    "nginx": "/etc/nginx/conf.d/own.conf",
    "apache": "/etc/apache2/conf-enabled/own.conf",
    "haproxy": "/etc/haproxy/haproxy.cfg",
    "lighttpd": "/etc/lighttpd/conf-enabled/50-own.conf",
}
# What stands there, what is told of it, options of curl, and the status that comes of it: 0 where there is no TLS.
CASES = {
    "nginx": [
        ("auth_basic Staff;\nauth_basic_user_file /etc/hostname;", 1, "auth_basic Staff", (), 401),
        ("\ndeny all;", 2, "deny all", (), 403),
        (f"ssl_client_certificate {CA};\nssl_verify_client on;", 2, "ssl_verify_client on", (), 400),
        ("ssl_conf_command MaxProtocol TLSv1.2;", 1, "ssl_conf_command MaxProtocol TLSv1.2", ("--tlsv1.3",), 0),
    ],
    "apache": [
        ("<Location />\nRequire ip 192.0.2.1\n</Location>", 2, "require ip 192.0.2.1' in location /", (), 403),
        (
            MODULE.format("ssl") + f"SSLCACertificateFile {CA}\nSSLVerifyClient require",
            3,
            "sslverifyclient require",
            (),
            0,
        ),
        (MODULE.format("proxy") + "<Proxy *>\nRequire ip 192.0.2.1\n</Proxy>", 3, "' in proxy *", (), 403),
    ],
    "haproxy": [
        ("global\n ssl-default-bind-options ssl-max-ver TLSv1.2", 2, "ssl-max-ver TLSv1.2", ("--tlsv1.3",), 0),
        ("defaults\n mode http\n monitor-uri /", 3, "monitor-uri /' in defaults", (), 200),
    ],
    "lighttpd": [
        ('url.access-deny += ( "" )', 1, "url.access-deny ~ .inc '", (), 403),
        (
            '$HTTP["remoteip"] == "127.0.0.1" {\nurl.access-deny = ( "" )\n}',
            2,
            "some visitors are kept out of",
            (),
            403,
        ),
    ],
}


@pytest.mark.parametrize("server", CASES)
def test_what_holds_for_all_sites_is_told_and_does_what_is_told(server, tmp_path, collections_path):
    path = PATHS[server]
    with served_sites(server, tmp_path, collections_path) as sites:
        sites.machine.run("sh", "-c", f"cp ca.pem {CA}; test ! -e {path} || cp {path} before")
        begin = len((sites.machine.run("sh", "-c", f"test ! -e {path} || cat {path}").stdout).splitlines())
        for text, line, words, options, status in CASES[server]:
            (tmp_path / "own").write_text(text + "\n")
            sites.machine.run("sh", "-c", f"cat own >>{path}")
            made = sites.run(blog())
            told = [one for one in made.get("warnings", ()) if one.startswith(f"{path} line {begin + line} says '")]
            assert len(told) == 1, made.get("msg", made)
            assert words in told[0]
            seen = sites.get(BLOG, "/", *options)
            assert (seen[0], seen[1].startswith("blog /")) == (status, False), seen
            again = sites.run(blog())
            assert (again["changed"], again["warnings"]) == (False, made["warnings"])
            assert sites.run({"name": BLOG}, state="absent")["changed"]
            sites.machine.run("sh", "-c", f"rm {path}; test ! -e before || cp before {path}")
        assert "warnings" not in sites.run(blog())
        assert sites.get(BLOG)[:2] == (200, "blog / https")

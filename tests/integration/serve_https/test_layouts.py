# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role writes where RHEL has its servers, and every profile, under the servers' own tests of a configuration.

The programs are Debian's, the paths RHEL's: no RHEL has confirmed what its own packages have in these files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pki
import pytest
import yaml
from safe_folder import make_safe_folder

ROLE = Path(__file__).resolve().parents[3] / "roles" / "serve_https"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
RELEASES = {
    "nginx": "nginx version: nginx/1.20.1",
    "apache": "Server version: Apache/2.4.57",
    "haproxy": "HAProxy version 2.4.22",
}
LISTENS = "Listen 80\nListen 443 https\n"

MODULES = ("mpm_event", "authz_core", "unixd", "log_config", "socache_shmcb", "ssl")
HTTPD = """
ServerRoot "/etc/httpd"
ServerName localhost
Listen 80
<IfModule !unixd_module>
    LoadModule unixd_module modules/mod_unixd.so
</IfModule>
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule socache_shmcb_module modules/mod_socache_shmcb.so
LoadModule ssl_module modules/mod_ssl.so
User www-data
IncludeOptional conf.d/*.conf
"""
SSL = "Listen 443 https\n"
NGINX = """
user www-data;
error_log stderr;
pid /run/nginx.pid;
events {}
http {
    include /etc/nginx/conf.d/*.conf;
    server {
        listen 80;
        listen [::]:80;
        server_name _;
        root /usr/share/nginx/html;
    }
}
"""
HAPROXY = """global
    daemon
    ssl-default-bind-ciphers PROFILE=SYSTEM
defaults
    mode http
    timeout connect 10s
    timeout client 1m
    timeout server 1m
"""

# What each system has, in a /etc that is written to for this test alone; `$1` holds what the role wrote.
ETC = """
set -eu
mount -t tmpfs tmpfs "$1/changes"
mkdir "$1/changes/upper" "$1/changes/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/changes/upper,workdir=$1/changes/work" /etc
rm -rf /etc/nginx /etc/httpd /etc/haproxy
cp -r "$1/etc/." /etc
mkdir /etc/httpd/logs
ln -s /usr/lib/apache2/modules /etc/httpd/modules
shift
exec "$@"
"""
TESTS = {
    "nginx": ["nginx", "-t"],
    "apache": ["apache2", "-d", "/etc/httpd", "-f", "conf/httpd.conf", "-t", "-D", "DUMP_VHOSTS"],
    "haproxy": ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"],
}

SITES = [
    {
        "name": "shop.example",
        "names": ["shop.example", "*.shop.example", "bücher.example"],
        "proxy_pass": "http://127.0.0.1:8080",
    },
    {"name": "blog.example", "hsts_max_age": 300, "proxy_pass": "http://[::1]:8081/"},
    {"name": "plain.example", "names": ["*.plain.example"], "redirect": False, "proxy_pass": "http://127.0.0.1"},
]


@pytest.fixture
def system():
    """A folder with the /etc of such a system, and certificates for the sites."""
    with make_safe_folder() as folder:
        for path, content in {
            "httpd/conf/httpd.conf": HTTPD,
            "httpd/conf.d/ssl.conf": SSL,
            "nginx/nginx.conf": NGINX,
            "nginx/conf.d/.keep": "",
            "haproxy/haproxy.cfg": HAPROXY.replace("    ssl-default-bind-ciphers PROFILE=SYSTEM\n", ""),
        }.items():
            (folder / "etc" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "etc" / path).write_text(content)
        for site in SITES:
            current = folder / "etc" / "port443" / str(site["name"]) / "current"
            current.mkdir(parents=True)
            issued = pki.site(str(site["name"]))
            chain = issued.pem() + pki.intermediate().pem()
            (current / "fullchain.pem").write_bytes(chain)
            (current / "privkey.pem").write_bytes(issued.key_pem())
            (current / "haproxy.pem").write_bytes(chain + issued.key_pem())
        (folder / "changes").mkdir()
        yield folder


def render(folder, server, **variables):
    """Has Ansible write what the role would; returns the path below the folder and the text of each file."""
    play(folder, server, variables)
    texts = {}
    for new in sorted((folder / "etc").rglob("*.new")):
        path = new.with_suffix("")
        before = path.read_text() if path.exists() else ""
        texts[str(path.relative_to(folder))] = new.read_text()
        path.write_text(before + new.read_text())
        new.unlink()
    return texts


def play(folder, server, variables):
    """Writes each file beside its place, as ``.new``."""
    template, place = (
        f"{server}.conf",
        "{{ __serve_https_files }}/{{ __serve_https_prefix }}{{ __serve_https_site.name }}.conf",
    )
    if server == "haproxy":
        template, place = "haproxy.cfg", "{{ __serve_https_block_in }}"
    given = {
        "serve_https_server": server,
        "serve_https_sites": SITES,
        "__serve_https_version": {"stdout": RELEASES[server], "stderr": ""},
        "__serve_https_listens": {"stdout": LISTENS},
        **variables,
    }
    (folder / "vars.yml").write_text(yaml.safe_dump(given))
    own = [str(ROLE / path) for path in ("defaults/main.yml", "vars/main.yml", "vars/default.yml")]
    task = {
        "ansible.builtin.template": {"src": f"{ROLE}/templates/{template}.j2", "dest": f"{folder}{place}.new"},
        "loop": SITES if server != "haproxy" else SITES[:1],
        "loop_control": {"loop_var": "__serve_https_site"},
    }
    played = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [*own, str(folder / "vars.yml")],
        "tasks": [task],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([played]))
    options = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    environment = dict(os.environ, ANSIBLE_NOCOLOR="1", HOME=str(folder), ANSIBLE_LOCALHOST_WARNING="0")
    command = [PLAYBOOK, *options, str(folder / "play.yml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def run_test(folder, server):
    """Runs the server's own test with that /etc; returns what it says."""
    command = ["unshare", "--mount", "sh", "-c", ETC, "sh", str(folder), *TESTS[server]]
    tested = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    return tested.stdout + tested.stderr


FILES = {
    "nginx": [f"etc/nginx/conf.d/zz-port443-{name}.example.conf" for name in ("blog", "plain", "shop")],
    "apache": [f"etc/httpd/conf.d/zz-port443-{name}.example.conf" for name in ("blog", "plain", "shop")],
    "haproxy": ["etc/haproxy/haproxy.cfg"],
}
PROTOCOLS = {
    ("nginx", "intermediate"): "ssl_protocols TLSv1.2 TLSv1.3;",
    ("nginx", "modern"): "ssl_protocols TLSv1.3;",
    ("apache", "intermediate"): "SSLProtocol -all +TLSv1.2 +TLSv1.3\n",
    ("apache", "modern"): "SSLProtocol -all +TLSv1.3\n",
    ("haproxy", "intermediate"): " ssl-min-ver TLSv1.2 ",
    ("haproxy", "modern"): " ssl-min-ver TLSv1.3 ",
}
# wiki.mozilla.org/Security/Server_Side_TLS, version 5.7
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
    "DHE-RSA-CHACHA20-POLY1305"
)
# Groups, the client's order of ciphers, no tickets.
EVERY_PROFILE = {
    "nginx": [
        "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
        "ssl_prefer_server_ciphers off;",
        "ssl_session_tickets off;",
    ],
    "apache": [
        "SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1",
        "SSLHonorCipherOrder off",
        "SSLSessionTickets off",
    ],
    "haproxy": [" curves X25519:prime256v1:secp384r1", " prefer-client-ciphers", " no-tls-tickets"],
}


@pytest.mark.parametrize("server", FILES)
def test_the_layout_of_rhel_passes_the_test_of_the_server(system, server):
    texts = render(system, server)
    assert sorted(texts) == FILES[server]
    for text in texts.values():
        assert (PROTOCOLS[server, "intermediate"] in text, CIPHERS in text) == (True, True)
        assert [words for words in EVERY_PROFILE[server] if words not in text] == []
    said = run_test(system, server)
    if server == "apache":
        on_443 = said[said.index("port 443 namevhost") :]
        for name in (
            "namevhost shop.example",
            "alias *.shop.example",
            "alias xn--bcher-kva.example",
            "alias *.plain.example",
        ):
            assert name in on_443


@pytest.mark.parametrize("server", FILES)
def test_modern_on_other_ports_without_ipv6_and_http2_passes_it_too(system, server):
    ports = {"serve_https_port": 8443, "serve_https_http_port": 8880}
    texts = render(
        system, server, serve_https_profile="modern", serve_https_ipv6=False, serve_https_http2=False, **ports
    )
    for text in texts.values():
        assert (PROTOCOLS[server, "modern"] in text, "ECDHE" in text) == (True, False)
        assert [words for words in EVERY_PROFILE[server] if words not in text] == []
        assert [word for word in ("[::]:", "alpn h2", "Protocols h2", "http2") if word in text] == []
    run_test(system, server)


@pytest.mark.parametrize(
    ("listens", "wanted"),
    [
        ("Listen 8080\nlisten 0.0.0.0:443\n", ["80"]),
        ("Listen [::]:80\nListen 4430\n", ["443"]),
    ],
)
def test_apache_is_told_to_listen_where_it_does_not_already(system, listens, wanted):
    texts = render(system, "apache", __serve_https_listens={"stdout": listens})
    defined = [
        line.split("_")[-1].rstrip(">") for line in texts[FILES["apache"][0]].splitlines() if "IfDefine !" in line
    ]
    assert defined == wanted

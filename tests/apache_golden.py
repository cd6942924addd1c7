# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of a host in memory, and the sites that the golden files of Apache are rendered from."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.language import ApacheLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    HostSystem,
    Location,
    ServerSettings,
    Site,
)
from memory_files import MemoryFiles

LANGUAGE = ApacheLanguage()
GOLDEN = Path(__file__).parent / "unit" / "webservers" / "apache" / "golden"
DEBIAN = LANGUAGE.find_layout(HostSystem("Debian"))
RHEL = LANGUAGE.find_layout(HostSystem("RedHat"))
BUILD = Build((2, 4, 66), (3, 5, 4))
OLD = Build((2, 4, 37), (1, 1, 1))
# The lines of Debian 13's files that are about sites, and those of RHEL 9's.
DEBIANS = {
    "/etc/apache2/envvars": "export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\n",
    "/etc/apache2/apache2.conf": "PidFile ${APACHE_PID_FILE}\nIncludeOptional mods-enabled/*.load\nInclude ports.conf\n"
    "IncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n",
    "/etc/apache2/mods-enabled/alias.load": "LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\n",
    "/etc/apache2/conf-enabled/security.conf": "ServerTokens OS\nServerSignature On\n",
    "/etc/apache2/ports.conf": "Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n",
    "/etc/apache2/sites-enabled/000-default.conf": "<VirtualHost *:80>\n\tDocumentRoot /var/www/html\n</VirtualHost>\n",
}
RHELS = {
    "/etc/httpd/conf/httpd.conf": 'ServerRoot "/etc/httpd"\nListen 80\nInclude conf.modules.d/*.conf\n'
    "IncludeOptional conf.d/*.conf\n",
    "/etc/httpd/conf.modules.d/00-ssl.conf": "LoadModule ssl_module modules/mod_ssl.so\n",
    "/etc/httpd/conf.d/ssl.conf": "Listen 443 https\nSSLSessionCache shmcb:/run/httpd/sslcache(512000)\n",
}


def make_site(name="www.example.com", **options):
    folder = f"/etc/port443/{name}/current"
    names = options.pop("names", (name,))
    return Site(name, names, f"{folder}/fullchain.pem", f"{folder}/privkey.pem", **options)


SHOP = make_site(
    "shop.example.com",
    names=("shop.example.com", "*.shop.example.com"),
    backends=("https://10.0.0.1:8443", "https://10.0.0.2:8443"),
    backend_ca="/etc/ssl/shop ca.pem",
    health_path="/health",
    locations=(
        Location("/static/", root="/srv/shop"),
        Location("/admin", directives=("Require user jane",)),
        Location("/old", redirect_to="/new?all", redirect_code=308),
        Location("/forum/", php="/run/php/php-fpm.sock"),
    ),
    hsts_max_age=300,
    security_headers=True,
    client_ca="/etc/ssl/clients.pem",
    client_verification="optional",
    users_file="/etc/apache2/users",
    directives=("LogLevel ssl:info",),
)
# name of a golden file -> what renders it: sites, settings, build, layout, the host's files
CASES = {
    "plain": ((make_site(),), ServerSettings(), BUILD, DEBIAN, DEBIANS),
    "shop": ((SHOP,), ServerSettings(profile="modern"), BUILD, RHEL, RHELS),
    "old": (
        (make_site(backends=("http://127.0.0.1:8080/app/",), redirect=False, default_server=True),),
        ServerSettings(port=8443, http2=False, trusted_proxies=("10.0.0.0/8",)),
        OLD,
        RHEL,
        RHELS,
    ),
}


def render(case):
    """What a case renders, as ConfigFiles."""
    sites, settings, build, layout, texts = CASES[case]
    files = MemoryFiles(texts)
    return LANGUAGE.render(sites, (), settings, build, layout, LANGUAGE.read(files, layout), files)


def as_golden(files):
    """The files as one text."""
    told = (f"#### {file.path} -> {file.link}\n" if file.link else f"#### {file.path}\n{file.text}" for file in files)
    return "".join(told)

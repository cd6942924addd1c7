# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apache's configuration is read as Apache reads it, as far as certificates and sockets go."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.reader import (
    ApacheConfiguration,
    CertificatePaths,
    matches,
    read_configuration,
    read_environment,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server

# envvars, apache2.conf, ports.conf and ssl.load as Debian 12 ships them (Apache 2.4.71), shortened.
ENVIRONMENT = """
# for supporting multiple apache2 instances
if [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then
\tSUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"
else
\tSUFFIX=
fi
export APACHE_RUN_USER=www-data
export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid
export APACHE_LOG_DIR=/var/log/apache2$SUFFIX
#export APACHE_ARGUMENTS=''
"""
MAIN = """
DefaultRuntimeDir ${APACHE_RUN_DIR}
PidFile ${APACHE_PID_FILE}
IncludeOptional mods-enabled/*.load
Include ports.conf
<Directory />
\tRequire all denied
</Directory>
IncludeOptional sites-enabled/*.conf
"""
LOAD = "# Depends: setenvif mime\nLoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
PORTS = """
Listen 80
<IfModule ssl_module>
\tListen 443
</IfModule>
<IfModule mod_gnutls.c>
\tListen 8443
</IfModule>
"""
SITE = """
<VirtualHost *:80>
\tServerName www.example.com
</VirtualHost>
<IfModule mod_ssl.c>
<VirtualHost *:443 [::1]:443>
\tServerName https://www.Example.com:443
\tServerAlias shop.example.com *.shop.example.com
\tsslengine ON
\tSSLCertificateFile "/etc/port443/www.example.com/current/fullchain.pem"
\tSSLCertificateKeyFile \\
\t\t/etc/port443/www.example.com/current/privkey.pem
\t<FilesMatch "\\.(cgi|shtml)$">
\t\tSSLOptions +StdEnvVars
\t</FilesMatch>
</VirtualHost>
</IfModule>
"""
EVERYWHERE = Listen("", 443, True, False)
CURRENT = "/etc/port443/www.example.com/current"


def read(main, variables=None, **includes):
    files = {"/etc/apache2/apache2.conf": [main]}
    files.update({f"/etc/apache2/{name.replace('__', '/')}": texts for name, texts in includes.items()})
    known = {pattern.replace("_conf", ".conf").replace("_load", ".load"): texts for pattern, texts in files.items()}

    def find(pattern):
        return known.get(pattern.replace("*", "all"), [])

    return read_configuration("/etc/apache2/apache2.conf", "/etc/apache2", variables or {}, find)


def test_debians_configuration_with_a_site_is_understood():
    configuration = read(
        MAIN,
        read_environment(ENVIRONMENT),
        **{"mods-enabled__all_load": [LOAD], "ports_conf": [PORTS], "sites-enabled__all_conf": [SITE]},
    )
    plain = Listen("", 80, False, False)
    assert configuration == ApacheConfiguration(
        (
            Server(("www.example.com",), (plain,), ()),
            Server(
                ("www.example.com", "shop.example.com", "*.shop.example.com"),
                (EVERYWHERE, Listen("::1", 443, True, False)),
                (f"{CURRENT}/fullchain.pem",),
            ),
        ),
        (CertificatePaths(f"{CURRENT}/fullchain.pem", f"{CURRENT}/privkey.pem"),),
        "/var/run/apache2/apache2.pid",
    )


def test_the_environment_file_gives_what_it_exports():
    assert read_environment(ENVIRONMENT) == {
        "SUFFIX": "",
        "APACHE_RUN_USER": "www-data",
        "APACHE_PID_FILE": "/var/run/apache2/apache2.pid",
        "APACHE_LOG_DIR": "/var/log/apache2",
    }


VHOST = "<VirtualHost {}>\nSSLEngine on\nSSLCertificateFile c.pem\n</VirtualHost>\n"


@pytest.mark.parametrize(
    ("text", "listens"),
    [
        ("Listen 443\n" + VHOST.format("*:443"), (EVERYWHERE,)),
        ("Listen 443\n" + VHOST.format("_default_:443"), (EVERYWHERE,)),
        ("Listen 0.0.0.0:443\nListen [::]:443\n" + VHOST.format("*:443"), (EVERYWHERE,)),
        ("Listen 443 https\nListen 80\n" + VHOST.format("*"), (EVERYWHERE, Listen("", 80, True, False))),
        ("Listen 192.0.2.1:443\n" + VHOST.format("*:443"), (Listen("192.0.2.1", 443, True, False),)),
        ("Listen 443\n" + VHOST.format("192.0.2.1:443"), (Listen("192.0.2.1", 443, True, False),)),
        ("Listen 443\n" + VHOST.format("[2001:db8::1]:443"), (Listen("2001:db8::1", 443, True, False),)),
        ("Listen 192.0.2.2:443\n" + VHOST.format("192.0.2.1:443"), ()),
        ("Listen 443\n" + VHOST.format("*:8443"), ()),
        (VHOST.format("*:443") + "Listen 443\n", (EVERYWHERE,)),
        ("RemoteIPProxyProtocol On\nListen 443\n" + VHOST.format("*:443"), (Listen("", 443, True, True),)),
    ],
)
def test_a_virtual_host_is_where_apache_listens(text, listens):
    assert read(text).servers == (Server((), listens, ("/etc/apache2/c.pem",)),)


@pytest.mark.parametrize(
    ("text", "certificates"),
    [
        ("<IfDefine TLS>\nSSLCertificateFile /a.pem\n</IfDefine>\n", ()),
        ("Define TLS\n<IfDefine TLS>\nSSLCertificateFile /a.pem\n</IfDefine>\n", ("/a.pem",)),
        ("Define TLS\nUnDefine TLS\n<IfDefine TLS>\nSSLCertificateFile /a.pem\n</IfDefine>\n", ()),
        ("<IfDefine !TLS>\nSSLCertificateFile /a.pem\n</IfDefine>\n", ("/a.pem",)),
        ("<IfModule !mod_ssl.c>\nSSLCertificateFile /a.pem\n</IfModule>\n", ("/a.pem",)),
        ("Define folder /tls\nSSLCertificateFile ${folder}/a.pem\n", ("/tls/a.pem",)),
        ("ServerRoot /srv\nSSLCertificateFile a.pem\n", ("/srv/a.pem",)),
        ("# SSLCertificateFile /a.pem\n", ()),
        ("<Macro site $name>\nSSLCertificateFile /a.pem\n</Macro>\n", ()),
        ("SSLCertificateFile /rsa.pem\nSSLCertificateFile /ec.pem\n", ("/rsa.pem", "/ec.pem")),
    ],
)
def test_conditions_and_variables_are_followed(text, certificates):
    assert read(text + "<VirtualHost *:443>\n</VirtualHost>\n").servers == (Server((), (), certificates),)


def test_an_include_of_itself_is_refused():
    with pytest.raises(HostError) as refused:
        read("Include apache2.conf\n")
    assert refused.value.message == "Apache's configuration includes itself: /etc/apache2/apache2.conf"


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [
        ("www.example.com", "www.example.com", True),
        ("www.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", True),
        ("w?w.example.com", "www.example.com", True),
    ],
)
def test_a_server_alias_may_have_wildcards(written, name, expected):
    assert matches(written, name) is expected

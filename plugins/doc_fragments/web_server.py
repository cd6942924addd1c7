# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that hold for all sites of a web server."""

from __future__ import annotations


class ModuleDocFragment:
    """Which web server, where it listens, how it speaks TLS, where its files are."""

    DOCUMENTATION = r"""
options:
  server:
    description:
      - The web server. V(haproxy) hands requests to applications and serves no files, so that every site needs
        O(sites[].proxy_pass).
      - V(lighttpd), from 1.4.59 on, speaks plain HTTP to applications alone. It is restarted where the others are
        reloaded, after its test, as it can read a key of root's at its start alone; connections are cut off by that.
    type: str
    choices: [nginx, apache, haproxy, lighttpd]
    default: nginx
  state:
    description:
      - V(present) has the sites served.
      - V(absent) takes exactly the sites of these names away; the server stays.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: Whether to take away the other sites that this module made. The diff shows them.
    type: bool
    default: false
  remove_certificates:
    description: Whether to remove what was installed of the sites' certificates, with O(state=absent).
    type: bool
    default: false
  port:
    description: The port of HTTPS.
    type: int
    default: 443
  http_port:
    description: The port of plain HTTP.
    type: int
    default: 80
  ipv6:
    description: Whether to listen on IPv6 as well. A kernel without IPv6 needs V(false).
    type: bool
    default: true
  http2:
    description: >-
      Whether to offer HTTP/2. Before nginx 1.25.1 this holds for all sites on the same port, with lighttpd always for
      the whole server.
    type: bool
    default: true
  http3:
    description:
      - Whether to offer HTTP/3, over QUIC on the same port of UDP, and to tell browsers so (C(Alt-Svc)).
      - For V(nginx) with its HTTP/3 module and V(haproxy) built with QUIC, as in Debian 13.
    type: bool
    default: false
  profile:
    description: >-
      Mozilla's recommendation to follow. V(intermediate) is TLS 1.2 and 1.3 for every browser of the last years,
      V(modern) is TLS 1.3 alone.
    type: str
    choices: [intermediate, modern]
    default: intermediate
  unknown_names:
    description:
      - What clients get who send no name, or one that no site has. V(refuse) is no certificate where the server can
        refuse the handshake, and no site, with Apache by the status 421 and with lighttpd by 403; V(serve) is what the
        server does by itself, which is to serve the first site, with lighttpd what its main file says.
      - A site with O(sites[].default_server), and a default that an administrator set up, come before this.
      - V(refuse) is proved at every address of the sites, by a client without a server name and by one with a name that
        nobody has. Where one of them is served, everything is as it was before, and the task fails.
    type: str
    choices: [refuse, serve]
    default: refuse
  trusted_proxies:
    description: >-
      Addresses and networks of balancers in front of the host, whose word on the visitor counts. With lighttpd
      applications need O(proxy_protocol) for that.
    type: list
    elements: str
    default: []
  proxy_protocol:
    description: Whether these balancers send the PROXY protocol, in place of C(X-Forwarded-For).
    type: bool
    default: false
  http_directives:
    description: >-
      Lines of your own for nginx' C(http) level, Apache's server level, HAProxy's C(global) section, or what holds
      everywhere in lighttpd's configuration.
    type: list
    elements: str
    default: []
  acme_root:
    description: Folder under which C(/.well-known/acme-challenge/) is answered, without a redirect.
    type: path
    default: /var/lib/port443/acme
  acme_port:
    description: >-
      With HAProxy, the port on 127.0.0.1 of what answers C(/.well-known/acme-challenge/); V(0) answers that nothing is
      there.
    type: int
    default: 0
  certificates_follow:
    description: >-
      Whether sites that bring no certificate get theirs afterwards, as with O(sites[].acme). What they have until then
      may be for other names.
    type: bool
    default: false
  certificate_directory:
    description: Where certificates are installed, as C(directory) of M(port443.https.certificate).
    type: path
    default: /etc/port443
  directory:
    description:
      - A folder whose files nginx (in its C(http) block), Apache or lighttpd includes. HAProxy has none, see O(config).
      - By default, C(sites-available) with a link in C(sites-enabled) on Debian and its relatives, else
        C(/etc/nginx/conf.d) or C(/etc/httpd/conf.d). Of lighttpd, C(/etc/lighttpd/conf-enabled) on Debian and its
        relatives, else C(/etc/lighttpd), whose main file gets a line that includes the sites.
    type: path
  config:
    description:
      - The main file of nginx, Apache or lighttpd, if it is not the one that it is built with, or that its service has.
      - The file of HAProxy that gets the block of the sites, there already. By default C(/etc/haproxy/haproxy.cfg).
    type: path
  firewall:
    description:
      - Opens the ports of the sites on the host's firewall in the same execution, with the options of
        M(port443.https.ports) but C(state), which is that of the sites; V({}) for its defaults. C(ports) are by default
        O(http_port) and O(port), with O(http3) over UDP as well.
      - The firewall is looked at before anything changes, and opened when there is something behind it. Ports that
        cannot be opened are then a failure that leaves the sites served; a firewall that cannot be told at all is one
        that leaves everything as it was.
    type: dict
    version_added: 0.2.0
  install:
    description:
      - Whether to install O(package) where the server is missing. With C(async), nothing is installed.
    type: bool
    default: true
  package:
    description: The packages that bring the server. By default, those of the distribution.
    type: list
    elements: str
    default: []
  service:
    description: The service that runs the server. By default, that of the distribution.
    type: str
  trust:
    description:
      - Who has to trust the chains. V(system) is the host's own store, V(none) asks nobody.
      - Where a CA is given, it is that one alone.
    type: str
    choices: [system, none]
    default: system
  ca:
    description: Certificates in PEM of the CA that has to be the one behind the chains, for a CA of one's own.
    type: str
  ca_file:
    description: A file with what O(ca) says, on the controller; of sites with O(sites[].remote_src), on the host.
    type: path
  own_ca:
    description:
      - A folder on the controller with a small CA of one's own, as O(sites[].own_ca), for all sites that have no
        certificate, no key and no O(sites[].certificate_path). Their chains end at this CA, and not at O(ca).
      - A site whose certificate comes from elsewhere, such as one that C(certbot) gets, sets O(sites[].own_ca) to an
        empty text.
    type: path
  passphrase:
    description: Opens what is encrypted of sites without O(sites[].passphrase), and encrypts the keys of O(own_ca).
    type: str
  minimum_days:
    description: Refuse a certificate that expires in fewer days than this.
    type: int
    default: 0
  keep:
    description: How many pairs of each site to keep on the host, the current one included.
    type: int
    default: 2
  prove_timeout:
    description: Seconds to wait until all sites are served, and again until the old ones are where that failed.
    type: int
    default: 10
"""

#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Serves sites over HTTPS with their certificates, all of them as one, and proves that they are served."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sites
short_description: Serve sites over HTTPS with their certificates, and prove that they are served
description:
  - Installs the certificates of all sites, writes the configuration of the web server, tests it, reloads or starts the
    server, and asks for every site at every address of the host until it is served. That is one execution on the host,
    whatever the number of sites.
  - Everything or nothing. Where the test, the reload or the proof fails, files and pairs are as before, and what was
    served before is served again. A run that was cut off is made good by the next one.
  - The server's own test runs over the planned files before anything changes, in check mode too, where the host lets
    files be laid over others in private (Linux, as root).
  - Files and settings of others are never changed. A name, an address or a port that another site or program has is a
    refusal that names it.
  - Installs the server's package where it is missing.
  - On a host with a Windows shell a site is its certificate and its places of http.sys. Each of O(sites[].names) gets a
    binding by name at O(port), and O(sites[].default_server) has all addresses. IIS, or another program of yours that
    has http.sys serve it, answers there. All certificates are imported, bound and proved as one, everything or nothing.
    What else this module manages (O(server), O(sites[].root), O(sites[].proxy_pass) and so on) is refused by name, in
    one message before anything is changed.
version_added: 0.2.0
extends_documentation_fragment:
  - port443.https.sites
  - port443.https.web_server
requirements:
  - Python 3.8 or newer with its ssl module on the host, root. No Python package is needed there. On Windows what
    M(port443.https.win_certificate) needs.
notes:
  - A private key is never an argument of a command, never part of the diff or the result, and never in a file that
    others can read.
  - What is given as a path of the host (O(sites[].root), O(sites[].client_ca)) has to be there.
  - The lock is the folder O(certificate_directory). One run at a time works there; another waits for it.
  - On Windows a place that another program has is refused by name. A binding of IIS gets the certificate and stays that
    of IIS, also when the site goes. Windows chooses versions of TLS and ciphers, and http.sys listens at the addresses
    that it is set to.
  - Nothing of the part about Windows was confirmed on a Windows yet. C(docs/windows_certificates.md) in the collection
    says what is proved, and by what.
attributes:
  async:
    description: Can be run with C(async).
    support: partial
    details: >-
      Not on Windows, where a change takes several executions. Elsewhere Ansible kills a task whose time is over. The
      next run takes back what that one had done, and begins anew.
  check_mode:
    description: Predicts what a real run does, with the server's own test, without changing anything.
    support: full
  diff_mode:
    description: Shows files as text, and of pairs fingerprints, names and dates, never the key.
    support: full
  platform:
    description: Systems the module manages.
    support: full
    platforms: posix, Windows
seealso:
  - module: port443.https.certificate
  - module: port443.https.ports
  - module: port443.https.probe
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Serve a folder and an application, each with its certificate
  port443.https.sites:
    sites:
      - name: www.example.com
        names: [www.example.com, example.com]
        certificate_file: www.example.com.crt
        key_file: www.example.com.key.vault
        root: /srv/www
      - name: shop.example.com
        certificate: "{{ shop_fullchain }}"
        key: "{{ vault_shop_key }}"
        proxy_pass: [http://127.0.0.1:8080]

- name: Serve sites of a small CA that lives beside the playbook, with HAProxy
  port443.https.sites:
    server: haproxy
    sites:
      - name: wiki.intranet
        own_ca: intranet-ca
        passphrase: "{{ vault_intranet_ca }}"
        proxy_pass: [http://192.0.2.10:8080, http://192.0.2.11:8080]
        health_path: /healthz

- name: Serve files, with the application below /api/ alone
  port443.https.sites:
    sites:
      - name: app.example.com
        certificate_file: app.crt
        key_file: app.key.vault
        root: /srv/app
        locations:
          - path: /api/
            proxy_pass: [http://127.0.0.1:3000]
          - path: /old/
            redirect_to: https://www.example.com/

- name: Serve a site for two networks alone, and open the ports for these in the same execution
  port443.https.sites:
    sites:
      - name: intranet.example.com
        certificate_file: intranet.crt
        key_file: intranet.key.vault
        root: /srv/intranet
    firewall:
      source: [192.0.2.0/24, "2001:db8:1::/64"]
      require_effective: true

- name: Have the mail servers of the host serve the certificate of a site as well, and make the folder of its files
  port443.https.sites:
    sites:
      - name: mail.example.com
        certificate_file: mail.crt
        key_file: mail.key.vault
        root: /srv/webmail
        make_root: true
        also_reload: [postfix, dovecot] # they name /etc/port443/mail.example.com/current/fullchain.pem and privkey.pem

- name: Hand scripts below a path to php-fpm
  port443.https.sites:
    server: apache
    sites:
      - name: wiki.example.com
        certificate_file: wiki.crt
        key_file: wiki.key.vault
        root: /srv/wiki
        locations:
          - path: /
            php: /run/php/php-fpm.sock

- name: Take a site away with its certificate
  port443.https.sites:
    state: absent
    remove_certificates: true
    sites:
      - name: shop.example.com
"""

RETURN = r"""
sites:
  description: The sites as they are, in check mode as they would be.
  returned: state is present
  type: list
  elements: dict
  contains:
    name:
      description: The site.
      type: str
      sample: www.example.com
    names:
      description: Its host names, international ones in their ASCII form.
      type: list
      elements: str
      sample: [www.example.com, example.com]
    served:
      description:
        - V(yes) if its certificate is served at every address of the host where it should be.
        - V(other) if somewhere another one is, and V(no) if nothing is.
      type: str
      sample: "yes"
    served_because:
      description: Why it is not served everywhere, empty if it is.
      type: str
      sample: ""
    places:
      description: What was shown at each place, the last time it was asked; in check mode, before anything changes.
      type: list
      elements: dict
      contains:
        address:
          description: Address that was asked.
          type: str
          sample: 192.0.2.7
        port:
          description: Port that was asked.
          type: int
          sample: 443
        server_name:
          description: Server name that was sent, empty for none.
          type: str
          sample: www.example.com
        fingerprint:
          description: SHA-256 of the certificate that was shown, null if none was.
          type: str
          sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
        problem:
          description: Why none was shown, null if one was.
          type: str
          sample: Connection refused
    fingerprint:
      description: SHA-256 of the site's certificate, hexadecimal.
      type: str
      sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
    not_after:
      description: When the certificate expires, in UTC.
      type: str
      sample: "2031-05-04T03:02:01Z"
    days_left:
      description: Whole days until then.
      type: int
      sample: 89
    thumbprint:
      description: SHA-1 of the certificate, by which Windows knows it; on Windows alone.
      type: str
      sample: 5A1C0B0F4C1D2E3F405162738495A6B7C8D9EAFB
    bindings:
      description: >-
        On Windows alone, the bindings of the site, as M(port443.https.win_certificate) returns them.
      type: list
      elements: dict
      sample:
        - place: "hostnameport=www.example.com:443"
          before: null
          after: 5A1C0B0F4C1D2E3F405162738495A6B7C8D9EAFB
    certificate:
      description: Where the server finds the certificate, on Windows its path in the store.
      type: str
      sample: /etc/port443/www.example.com/current/fullchain.pem
    key:
      description: Where the server finds the key.
      type: str
      sample: /etc/port443/www.example.com/current/privkey.pem
    also:
      description: What became of the certificate with each mail server of O(sites[].also_reload).
      type: list
      elements: dict
      contains:
        service:
          description: The mail server.
          type: str
          sample: postfix
        served:
          description: As for the site, at the ports that offer TLS.
          type: str
          sample: "yes"
        served_because:
          description: Why it is not served, and what to do, empty if it is.
          type: str
          sample: ""
        places:
          description: What was shown at each port, as for the site.
          type: list
          elements: dict
          sample: [{address: 127.0.0.1, port: 25, server_name: mail.example.com, fingerprint: 4f3c1e6f, problem: null}]
unknown_names:
  description: What clients get over HTTPS who send no server name, or one that no site has.
  returned: always
  type: dict
  contains:
    refused:
      description:
        - Whether O(unknown_names=refuse) was proved at every address of the host where the sites are, by a handshake
          that is refused, a connection that is closed without an answer, or the status with which the server refuses.
        - Null where somebody's site is to answer to them, as O(sites[].default_server) says, or an administrator's
          own default, or O(unknown_names=serve).
      type: bool
      sample: true
    because:
      description: Why it is null, empty where it is proved.
      type: str
      sample: ""
    places:
      description: What came of it at each place, the last time it was asked; in check mode, before anything changes.
      type: list
      elements: dict
      contains:
        address:
          description: Address that was asked.
          type: str
          sample: 192.0.2.7
        port:
          description: Port that was asked.
          type: int
          sample: 443
        server_name:
          description: Server name that was sent, empty for none.
          type: str
          sample: a-stranger.port443.invalid
        answer:
          description: What the server did.
          type: str
          sample: the handshake is refused (TLSV1_UNRECOGNIZED_NAME)
firewall:
  description:
    - What M(port443.https.ports) returns for the ports, its diff among that of the sites.
  returned: O(firewall) was given
  type: dict
  sample:
    changed: true
    backend: nftables
    commands: [nft -f -]
    persisted: rehearsed
    effective: [{port: "443", protocol: tcp, verdict: open, because: tcp dport 443 accept}]
removed:
  description: Sites that were taken away, or would be.
  returned: always
  type: list
  elements: str
  sample: [shop.example.com]
exchanged:
  description: Sites that had a pair before and have another one now.
  returned: always
  type: list
  elements: str
  sample: [www.example.com]
tested:
  description:
    - V(rehearsed) if the server's own test ran over the planned files before anything changed.
    - V(in place) if it ran once they were there, because the host lets nobody lay files over others in private.
    - V(no) in check mode on such a host.
    - V(not needed) where nothing changed, and on Windows.
  returned: always
  type: str
  sample: rehearsed
commands:
  description: Commands that were run, or would be in check mode, as a person could type them.
  returned: always
  type: list
  elements: str
  sample: [nginx -t, nginx -s reload]
mended:
  description: What was untidy in a site's PEM and is not in the installed files, by site.
  returned: always
  type: dict
  sample: {"www.example.com": ["certificate: CRLF line ends made LF"]}
"""

from ansible_collections.port443.https.plugins.module_utils._payload import PackedModule, run_packed
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS, entry_for


class SitesModule(SecretModule, PackedModule):
    """A module whose code and whose pairs come apart from its parameters, so that they are neither logged nor kept."""


def main() -> None:
    """Runs the module."""
    module = SitesModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_packed("sites", module, entry_for(module.params))


if __name__ == "__main__":
    main()

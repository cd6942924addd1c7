# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options, notes and attributes of what installs a certificate, whatever system it is for."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a site's certificate."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - The site. Names its directory, and is what the service is asked for if the certificate covers it.
      - A host name without a wildcard, or a word. International names become their ASCII form.
      - Needed unless O(sites) has several.
    type: str
  names:
    description:
      - DNS names, wildcards and IP addresses that the certificate has to cover. A common name covers nothing, and a
        wildcard covers one label.
      - If left out, the certificate has to cover O(name).
    type: list
    elements: str
  state:
    description:
      - V(present) installs the pair and has it served.
      - V(absent) removes all that was installed for the site, and directories that hold nothing else. It is refused as
        long as the configuration of the service names the pair.
    type: str
    choices: [present, absent]
    default: present
  certificate:
    description:
      - The certificate in PEM, alone or with its chain, or in DER as base64.
      - Needed with O(state=present), as this or as O(certificate_file), unless O(bundle), O(bundle_file) or O(own_ca)
        brings it.
    type: str
  certificate_file:
    description:
      - A file with what O(certificate) says; in DER it may be binary.
      - On the controller, where it is looked for as M(ansible.builtin.copy) does and may be encrypted with
        ansible-vault; with O(remote_src=true) on the host.
      - In a playbook that is part of a collection, such as C(port443.https.enable_https), a relative path is
        looked for below the working directory of C(ansible-playbook) as well.
    type: path
  key:
    description:
      - The private key in PEM (PKCS#8, PKCS#1 or SEC1), or in DER as base64. Keep it in ansible-vault.
      - A key that is encrypted is opened with O(passphrase) and installed in the clear, as a server would ask for the
        passphrase at every start.
      - Needed with O(state=present), as this or as O(key_file), unless O(bundle), O(bundle_file) or O(own_ca) brings
        it.
    type: str
  key_file:
    description: A file with what O(key) says, found as O(certificate_file) is.
    type: path
  bundle:
    description:
      - Key, certificate and chain in one, instead of O(certificate) and O(key). PEM blocks in any order, or PKCS#12
        (C(.p12), C(.pfx)) as base64. Keep it in ansible-vault.
    type: str
  bundle_file:
    description: A file with what O(bundle) says, found as O(certificate_file) is; PKCS#12 may be binary.
    type: path
  passphrase:
    description:
      - Opens an encrypted key, or PKCS#12. On the controller, old ciphers such as RC2 of 40 bits are opened as well.
      - With O(remote_src=true) it is the host's C(openssl) command that opens files of the host, and that gets the
        passphrase in a pipe.
      - With O(own_ca), the keys in that folder are encrypted with it.
      - With O(sites), it is for those that have no O(sites[].passphrase).
    type: str
  own_ca:
    description:
      - A folder on the controller with a small CA of one's own, for tests and intranets. It is made if it is not there,
        and issues a certificate for O(names), and another when fewer than 30 days, or O(minimum_days), are left of it.
      - The folder holds C(ca.pem), for clients to trust, its key C(ca.key), and a pair for each site. Whoever has the
        key can pose as any site to these clients, so keep the folder as you keep passwords.
      - A relative path starts at the playbook's folder. In a playbook that is part of a collection, where the folder
        would be lost when the collection is installed again, it starts at the working directory of C(ansible-playbook).
      - The chain has to end at this CA, as with O(ca).
      - With O(sites), it issues for those that bring no certificate and no key. A site whose certificate comes from
        elsewhere sets O(sites[].own_ca) to an empty text.
    type: path
  chain:
    description: The intermediate certificates in PEM, if O(certificate) does not hold them already.
    type: str
  chain_file:
    description: A file with what O(chain) says, found as O(certificate_file) is.
    type: path
  remote_src:
    description: Whether the files named are on the host instead of on the controller; the key then never leaves it.
    type: bool
    default: false
  ca_file:
    description: >-
      A file with what O(ca) says, found as O(certificate_file) is; with O(sites), as O(sites[].certificate_file) is.
    type: path
  self_signed:
    description: Whether a self-signed certificate is what is meant. Without this it is refused.
    type: bool
    default: false
  bindings:
    description: On Windows, the places of http.sys that have to carry the certificate. Elsewhere it is refused.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        default: 443
      address:
        description: An IP address of the host. If left out, two bindings are meant, V(0.0.0.0) and V(::).
        type: str
      sni:
        description: A host name that clients ask for (SNI), at every address, in place of O(bindings[].address).
        type: str
      appid:
        description: GUID of the application. If left out, the one that the binding has, or that of this collection.
        type: str
  minimum_days:
    description: Refuse a certificate that expires in fewer days than this.
    type: int
    default: 0
requirements:
  - Python 3.8 or newer with its ssl module on the host. No Python package is needed there, and openssl only to open
    what is encrypted in files of the host.
notes:
  - The key is never an argument of a command, never part of the diff or the result, and never in a file that others can
    read. Given from the controller, it travels in the module's arguments, as with M(ansible.builtin.copy), and with
    C(async) in a file that the module takes away first. Where Ansible keeps what it sends (C(keep_remote_files)), it is
    refused.
  - A value with the end of a line or C(-----BEGIN) is refused, and not shown, where a path or a name belongs. What a
    C(loop) of your own is over, Ansible prints by itself; loop over names, or set C(label) of C(loop_control).
"""

    # What every pair is installed with, wherever it comes from.
    INSTALLATION = r"""
options:
  trust:
    description:
      - Who has to trust the chain. V(system) is the host's own store, V(none) asks nobody, and the chain still has
        to hold in itself, with its signatures, path lengths, name constraints and purposes.
      - Where a CA is given, it is that one alone.
    type: str
    choices: [system, none]
    default: system
  ca:
    description: Certificates in PEM of the CA that has to be the one behind the chain, for a CA of one's own.
    type: str
  directory:
    description:
      - Where sites are kept. The pair is at C(<directory>/<name>/current/), as C(fullchain.pem) (the certificate and
        its chain), C(privkey.pem), C(chain.pem) (the chain alone, empty where there is none), and C(haproxy.pem)
        (certificate, chain and key in one).
      - The directory itself is made, those above it have to be there. All of them have to belong to root and to be
        writable by nobody else. The directory itself may not be a symbolic link; above it those are followed that only
        root could have made, such as C(/etc) on macOS.
    type: path
    default: /etc/port443
  owner:
    description: User, as name or number, who may read the key, for a service that does not read it as root.
    type: str
  group:
    description: Group, as name or number, that may read the key. With it the mode of the key is 0640 instead of 0600.
    type: str
  keep:
    description: How many pairs of the site to keep on the host, the current one included.
    type: int
    default: 2
  service:
    description:
      - The service that serves the site. It is tested and reloaded only if it runs and its configuration names the
        pair, in C(ssl_certificate), C(SSLCertificateFile), C(crt) of a C(bind) or C(ssl.pemfile); it is never started.
        Of Apache, every pair of its configuration is tested too, because one that does not fit would end it at the
        reload. lighttpd is restarted in place of that, as it reads a key of root's at its start alone.
      - With V(none) nothing is reloaded, and what is served is only reported, unless O(reload_command) says how.
    type: str
    choices: [nginx, apache, haproxy, lighttpd, none]
    default: nginx
  service_config:
    description: The main configuration file of the service, if it is not the one that the service is built with.
    type: path
  test_command:
    description:
      - With O(reload_command), the program and its arguments that test the configuration of that service before. Where
        it fails, the previous pair is put back and nothing is reloaded.
    type: list
    elements: str
    default: []
  reload_command:
    description:
      - With O(service=none), the program and its arguments that have a service take up the pair. It is run if something
        answers at O(prove_address) and O(prove_port) in TLS with another certificate, and has to show this one
        afterwards; otherwise the previous pair is put back, and the command is run again.
      - With O(prove=false) it is run whenever the files change.
    type: list
    elements: str
    default: []
  prove:
    description:
      - Whether to ask the service for its certificate. Without that, RV(served) is V(unknown), and only the files tell
        whether something has changed.
    type: bool
    default: true
  prove_address:
    description:
      - Address or host name at which to ask, from the host itself.
      - If left out, every address and port at which the service's configuration serves the pair is asked, with loopback
        for all addresses; where it serves the pair nowhere, C(127.0.0.1).
    type: str
  prove_port:
    description: Port at which to ask. If left out, those of the service's configuration, and 443 where it has none.
    type: int
  prove_timeout:
    description: Seconds to wait for the new certificate after a reload, and again for the old one where that failed.
    type: int
    default: 10
notes:
  - One run at a time works in O(directory); another waits for it.
  - Of a service with an RSA and an ECDSA certificate for one name, the one with the pair's kind of key is asked for.
    That takes TLS 1.2; where such a service speaks TLS 1.3 only, set O(prove=false).
attributes:
  async:
    description: Can be run with C(async).
    support: full
    details: >-
      Ansible kills a task whose time is over, and nothing is then taken back. Give it more time than it can need.
  check_mode:
    description: Predicts what a real run does without changing anything; RV(served) is what would be served.
    support: full
  diff_mode:
    description: Shows fingerprints, names and dates before and after, never the key.
    support: full
  platform:
    description: Systems the module manages.
    support: full
    platforms: posix
"""

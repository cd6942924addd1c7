#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs a certificate with its key, has it served, and proves that it is."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Install a certificate with its key, have it served, and prove that it is
description:
  - Checks a certificate, its private key and its chain, installs them as one, tests and reloads the service, and asks
    the service for its certificate until it shows the new one. Where any of that fails, files, link and service are as
    before.
  - A pair that clients would refuse is refused with every reason at once, on the controller where its content is at
    hand there, so before the host is touched. Among the reasons are a key of another certificate, names that are not
    covered, expiry, a missing intermediate, a certificate for clients only, and a key that is encrypted or too short.
  - What is only untidy is mended and returned in RV(mended). The order of the chain, an included root, duplicates,
    CRLF, byte order marks and text around the PEM are.
  - PEM, DER and PKCS#12 are taken, encrypted or not, together in one file or apart. What is the controller's is opened
    there.
  - Every run compares with what is served, not only with the files. Where the files are right and the service shows
    something else, it is tested, reloaded and proved again.
  - On a host where nothing serves the site yet, the pair is installed and RV(served=no) returned, which is no failure.
  - The pairs of any number of O(sites) are installed in one execution on the host, everything or nothing.
  - On a host with a Windows shell the module does what M(port443.https.win_certificate) does, for all sites as one.
    What it returns is what that module returns, and with O(sites) what is said below. Folders, users and
    services of other systems (O(directory), O(owner), O(group), O(remote_src), O(service) and what goes with it,
    O(prove_address), O(prove_port)) are refused there, all at once. Where a site fails, all have what they had before.
extends_documentation_fragment:
  - port443.https.certificate
  - port443.https.several_certificates
  - port443.https.certificate.installation
attributes:
  async:
    description: Can be run with C(async).
    support: partial
    details:
      - What the controller opened, such as PKCS#12 or a key with a passphrase, is not told in RV(mended) and
        RV(sites[].mended) then.
      - Ansible kills a task whose time is over, and nothing is then taken back. Give it more time than it can need.
      - What Ansible keeps of the result on the host holds no key and no passphrase.
seealso:
  - module: port443.https.probe
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Install a certificate from ansible-vault
  port443.https.certificate:
    name: www.example.com
    names: [www.example.com, example.com]
    certificate: "{{ example_fullchain }}"
    key: "{{ vault_example_key }}"

- name: Install the certificates of several sites as one
  port443.https.certificate:
    sites:
      - name: www.example.com
        names: [www.example.com, example.com]
        certificate_file: www.example.com.crt
        key_file: www.example.com.key.vault
      - name: shop.example.com
        certificate: "{{ shop_fullchain }}"
        key: "{{ vault_shop_key }}"
    minimum_days: 7

- name: Install files of the controller, the key encrypted with ansible-vault
  port443.https.certificate:
    name: www.example.com
    certificate_file: www.example.com.crt
    key_file: www.example.com.key.vault
    chain_file: intermediate.crt
    minimum_days: 7

- name: Install what another tool put on the host, issued by a CA of one's own
  port443.https.certificate:
    name: intranet.example.com
    certificate_file: /root/issued/intranet.crt
    key_file: /root/issued/intranet.key
    ca_file: /root/issued/company-root.crt
    remote_src: true

- name: Install PKCS#12 as a Windows CA hands it out, for Apache
  port443.https.certificate:
    name: www.example.com
    bundle_file: www.example.com.pfx
    passphrase: "{{ vault_example_passphrase }}"
    service: apache

- name: Install a certificate of a small CA that lives beside the playbook, for HAProxy
  port443.https.certificate:
    name: wiki.intranet
    names: [wiki.intranet, 192.0.2.7]
    own_ca: intranet-ca
    passphrase: "{{ vault_intranet_ca }}"
    service: haproxy

- name: Install a certificate for a service that only you know
  port443.https.certificate:
    name: www.example.com
    certificate_file: www.example.com.crt
    key_file: www.example.com.key.vault
    service: none
    test_command: [caddy, validate, --config, /etc/caddy/Caddyfile]
    reload_command: [systemctl, reload, caddy]

- name: Remove the site's pairs, once nginx no longer names them
  port443.https.certificate:
    name: www.example.com
    state: absent
"""

RETURN = r"""
served:
  description:
    - V(yes) if the pair is served everywhere it ought to be, in check mode if it would be.
    - V(no) if nothing serves the site, be it that the service is not installed, does not run, or has no site with it.
    - V(other) if something else is served at a place where the pair may be expected, though no running service is set
      up to serve it, or its configuration is broken elsewhere and cannot be reloaded.
    - V(unknown) with O(prove=false).
  returned: state is present and O(name) is given
  type: str
  sample: "yes"
served_because:
  description: Why it is not served, empty if it is.
  returned: state is present and O(name) is given
  type: str
  sample: nginx is not installed
seen:
  description: What was found at each place where it was looked last.
  returned: state is present and O(name) is given
  type: list
  elements: dict
  contains:
    address:
      description: Address that was asked.
      type: str
      sample: 127.0.0.1
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
  returned: state is present and O(name) is given
  type: str
  sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
not_after:
  description: When the certificate expires, in UTC.
  returned: state is present and O(name) is given
  type: str
  sample: "2031-05-04T03:02:01Z"
days_left:
  description: Whole days until then.
  returned: state is present and O(name) is given
  type: int
  sample: 89
subject_names:
  description: All names that the certificate covers.
  returned: state is present and O(name) is given
  type: list
  elements: str
  sample: [www.example.com, example.com]
issuer:
  description: Who issued it.
  returned: state is present and O(name) is given
  type: str
  sample: C=US, O=Let's Encrypt, CN=E7
mended:
  description: What was untidy in the given PEM and is not in the installed files.
  returned: state is present and O(name) is given
  type: list
  elements: str
  sample: ["certificate: CRLF line ends made LF"]
paths:
  description: Where the service finds the pair; these paths stay the same when the certificate is renewed.
  returned: state is present and O(name) is given
  type: dict
  contains:
    directory:
      description: The link to the directory of the current pair.
      type: str
      sample: /etc/port443/www.example.com/current
    certificate:
      description: The certificate and its chain, for C(ssl_certificate).
      type: str
      sample: /etc/port443/www.example.com/current/fullchain.pem
    chain:
      description: The chain alone.
      type: str
      sample: /etc/port443/www.example.com/current/chain.pem
    key:
      description: The private key.
      type: str
      sample: /etc/port443/www.example.com/current/privkey.pem
    combined:
      description: The certificate, its chain and the private key in one, as C(crt) of HAProxy wants them.
      type: str
      sample: /etc/port443/www.example.com/current/haproxy.pem
commands:
  description: Commands that were run to have the pairs served, or would be in check mode; one test and one reload.
  returned: state is present
  type: list
  elements: str
  sample: [nginx -t, nginx -s reload]
sites:
  description: What came of each site, in the order of O(sites).
  returned: O(sites) is given
  type: list
  elements: dict
  contains:
    name:
      description: The site as it was given.
      type: str
      sample: www.example.com
    changed:
      description: Whether anything of this site has changed, or would in check mode.
      type: bool
      sample: true
    served:
      description: As RV(served).
      returned: state is present
      type: str
      sample: "yes"
    served_because:
      description: As RV(served_because).
      returned: state is present
      type: str
      sample: ""
    seen:
      description: As RV(seen).
      returned: state is present
      type: list
      elements: dict
    fingerprint:
      description: As RV(fingerprint).
      returned: state is present
      type: str
      sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
    not_after:
      description: As RV(not_after).
      returned: state is present
      type: str
      sample: "2031-05-04T03:02:01Z"
    days_left:
      description: As RV(days_left).
      returned: state is present
      type: int
      sample: 89
    subject_names:
      description: As RV(subject_names).
      returned: state is present
      type: list
      elements: str
      sample: [www.example.com, example.com]
    issuer:
      description: As RV(issuer).
      returned: state is present
      type: str
      sample: C=US, O=Let's Encrypt, CN=E7
    mended:
      description: As RV(mended).
      returned: state is present
      type: list
      elements: str
      sample: ["certificate: CRLF line ends made LF"]
    paths:
      description: As RV(paths).
      returned: state is present
      type: dict
      sample: {"certificate": "/etc/port443/www.example.com/current/fullchain.pem"}
fingerprints:
  description: >-
    SHA-256 of the certificate that each name has to serve, by the O(sites[].names) as they were given, without
    wildcards, which nobody can ask for. Empty where O(state=absent).
  returned: O(sites) is given
  type: dict
  sample: {"www.example.com": "4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22"}
exchanged:
  description: Sites that had a pair before and have another one now, or would have in check mode.
  returned: O(sites) is given
  type: list
  elements: str
  sample: [www.example.com]
"""

from ansible_collections.port443.https.plugins.module_utils._certificate import request
from ansible_collections.port443.https.plugins.module_utils._certificate.install import Result, run
from ansible_collections.port443.https.plugins.module_utils._entry.certificate import exit_with, relabel_with
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule


def main() -> None:
    """Runs the module."""
    module = SecretModule(
        argument_spec=request.ARGUMENT_SPEC,
        mutually_exclusive=request.MUTUALLY_EXCLUSIVE,
        required_one_of=request.REQUIRED_ONE_OF,
        required_if=request.REQUIRED_IF,
        supports_check_mode=True,
    )
    exit_with(module, install)


def install(module: SecretModule) -> Result:
    """Does what the module was asked for; returns result and warnings; raises RequestError, HostError or OSError."""
    return run(module.all_params(), Host(), module.check_mode, relabel_with(module), module.tmpdir)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has certbot get and renew certificates on the host, installs them, and proves that they are served."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certbot_certificate
short_description: Have certbot get and renew certificates on the host, and install them
description:
  - Gets certificates from a CA that speaks ACME, such as Let's Encrypt, with the certbot of the host, installs them as
    M(port443.https.certificate) does, and has the host renew them without a controller. That is one execution on the
    host, whatever the number of sites.
  - Before a certificate is issued, the CA asks every name for a file over plain HTTP (http-01). A web server has to
    answer C(/.well-known/acme-challenge/) from O(webroot), as the sites of the role P(port443.https.serve_https#role)
    do, or hand it to O(standalone_port).
  - A certificate is issued again where names, kind of key or CA are to be others, and where nothing has renewed it in
    time. Everything else is left to the timer that comes with certbot.
  - After each renewal, certbot starts a program of this collection that needs nothing but Python on the host. It checks
    the new pair, installs it, tests and reloads the service, and takes everything back unless the service serves it.
    certbot takes no notice of a failure, so a timer looks again every hour whether the newest pair is served, and
    whether certbot has renewed what it should have. What is wrong it writes into the journal as an error, and fails.
  - Of several sites, what cannot be meant is refused on the controller, and what is found on the host that keeps one
    from its certificate before anything changes, for all of them at once. Then each is seen to in turn. One that fails,
    as the CA does not reach it, takes nothing of the others back, because a CA counts what it issues, and those after
    it are tried all the same. In the end the task fails, and names those that failed with the reason, and those that
    were done. The next run tries what is missing.
  - Of certbot's, only what is named C(port443-<name>) is touched. Certificates that were made otherwise, their hooks
    and their settings stay as they are.
extends_documentation_fragment:
  - port443.https.certificate.installation
options:
  name:
    description:
      - The site. Names its directory, and what certbot has of it, which is C(port443-<name>).
      - A host name without a wildcard, or a word.
      - Either this or O(sites) is needed.
    type: str
  sites:
    description:
      - The sites, in place of O(name) and O(names). All other options are the same for all of them.
      - To prepare them or give them up, their names are enough.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name).
        type: str
        required: true
      names:
        description: As O(names). If left out, the certificate is for O(sites[].name).
        type: list
        elements: str
      email:
        description: By default, O(email).
        type: str
      server:
        description: By default, O(server).
        type: str
      key_type:
        description: By default, O(key_type).
        type: str
        choices: [ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096]
      owner:
        description: By default, O(owner).
        type: str
      group:
        description: By default, O(group).
        type: str
  names:
    description:
      - The host names that the certificate is for, all proved to the CA. No wildcards and no IP addresses.
      - If left out, it is for O(name).
    type: list
    elements: str
  state:
    description:
      - V(present) has a certificate issued, installed, served and renewed.
      - V(prepared) lets a web server be set up that answers the CA. It makes the folder O(webroot) if that is the
        default one and, for a site that has no pair yet, installs a self-signed one made on the host. V(present)
        replaces it.
      - V(absent) removes the pair, what certbot has of it, and its settings; with the last site also the program and
        its timer. It is refused as long as the configuration of the service names the pair. certbot's account with the
        CA stays.
      - V(revoked) has the CA revoke the certificate, and then removes the same. A pair that the service's configuration
        names stays until V(present) replaces it.
    type: str
    choices: [present, prepared, absent, revoked]
    default: present
  email:
    description: Where the CA may write to. Used when certbot makes its account with the CA, which is the first time.
    type: str
  account:
    description:
      - Which of its accounts with the CA certbot uses where it has several, as it calls them, 32 digits and letters.
        They are the folders below C(/etc/letsencrypt/accounts), and a failure names them.
      - If it has to be another one, the certificate is issued again.
    type: str
  account_key_id:
    description:
      - The identifier that a CA gave out which binds accounts to its customers (external account binding, RFC 8555).
        Used like O(email).
    type: str
  account_mac_key:
    description: The secret that belongs to O(account_key_id), base64url as the CA gave it out.
    type: str
  terms_agreed:
    description:
      - Whether you agree to the terms of the CA. Needed with O(state=present).
      - With O(state=prepared), V(false) is refused as well, so that nothing is prepared that would be refused later.
    type: bool
  server:
    description: Address of the CA's ACME directory. By default that of Let's Encrypt.
    type: str
    default: https://acme-v02.api.letsencrypt.org/directory
  key_type:
    description: Kind and size of the key, which is made on the host and never leaves it.
    type: str
    choices: [ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096]
    default: ecdsa-p256
  webroot:
    description:
      - Folder below which a web server answers C(/.well-known/acme-challenge/) for every name.
      - The default one is made, another has to be there.
    type: path
    default: /var/lib/port443/acme
  standalone_port:
    description:
      - Port on C(127.0.0.1) at which certbot itself answers the CA while a certificate is issued, for a proxy that
        serves no files. The proxy has to hand C(/.well-known/acme-challenge/) to it. O(webroot) is then not used.
    type: int
  revocation_reason:
    description: What the CA is told with O(state=revoked).
    type: str
    choices: [unspecified, keycompromise, affiliationchanged, superseded, cessationofoperation]
    default: unspecified
  install:
    description:
      - Whether to install O(package) with M(ansible.builtin.package) where O(state=present) finds no certbot.
      - With C(async), nothing is installed.
    type: bool
    default: false
  package:
    description: The packages that bring certbot.
    type: list
    elements: str
    default: [certbot]
requirements:
  - certbot 1.12 or newer on the host, of the distribution, unless O(install) is set.
  - Python 3.8 or newer with its ssl module on the host, and for O(state=prepared) the openssl command.
notes:
  - A proxy, or the CA of a private ACME server, is told to certbot by the variables E(HTTPS_PROXY) and
    E(REQUESTS_CA_BUNDLE) of the task's C(environment). Renewals are started by certbot's own timer, whose service has
    to set them as well; a warning says so. The certbot of a distribution trusts whom the host trusts, so that a private
    CA is better put there, on Debian in C(/usr/local/share/ca-certificates).
  - Lines of certbot's own configuration, C(/etc/letsencrypt/cli.ini) and C(/root/.config/letsencrypt/cli.ini), beat
    what a certificate was issued with whenever it is renewed, such as C(webroot-path), C(server) or C(deploy-hook).
    With O(state=present) the module names those that would make another certificate of it, and does nothing.
  - What is in C(/etc/letsencrypt/renewal-hooks) is run with these certificates as with all others.
  - Where a quarter of the time is left and certbot has not renewed a certificate, a warning says so in certbot's words.
  - Where certbot has no account with the CA, it makes one, without an address to write to unless O(email) is given.
seealso:
  - module: port443.https.certificate
author:
  - port443.https contributors (@port443)
"""

EXAMPLES = r"""
- name: Let the web server be set up
  port443.https.certbot_certificate:
    name: www.example.com
    state: prepared

- name: Get a certificate from Let's Encrypt, have it served and renewed
  port443.https.certbot_certificate:
    name: www.example.com
    names: [www.example.com, example.com]
    email: webmaster@example.com
    terms_agreed: true

- name: Get certificates for several sites, and install certbot where it is missing
  port443.https.certbot_certificate:
    sites:
      - name: www.example.com
        names: [www.example.com, example.com]
      - name: shop.example.com
        key_type: rsa-3072
    email: webmaster@example.com
    terms_agreed: true
    install: true
  register: issued

- name: Check them from outside
  port443.https.probe:
    host: [192.0.2.7]
    names: "{{ issued.fingerprints | list }}"
    fingerprints: "{{ issued.fingerprints }}"
  delegate_to: localhost

- name: Get one from a CA of one's own, for a service that this collection does not know
  port443.https.certbot_certificate:
    name: mail.example.com
    server: https://ca.example.com/acme/acme/directory
    ca: "{{ company_root }}"
    terms_agreed: true
    service: none
    reload_command: [systemctl, reload, postfix]
    prove_port: 465

- name: Revoke a certificate whose key has got out
  port443.https.certbot_certificate:
    name: www.example.com
    state: revoked
    revocation_reason: keycompromise
"""

RETURN = r"""
sites:
  description: The sites, in check mode as they would be.
  returned: O(sites) is given
  type: list
  elements: dict
  contains:
    name:
      description: The site.
      type: str
      sample: www.example.com
    names:
      description: The host names that its certificate is for, as they were given.
      type: list
      elements: str
      sample: [www.example.com, example.com]
    changed:
      description: Whether something changed for it.
      type: bool
      sample: true
    problem:
      description: Why it failed, empty if it did not.
      type: str
      sample: ""
    issued:
      description: As RV(issued).
      returned: state is present
      type: bool
      sample: true
    issued_because:
      description: As RV(issued_because).
      returned: state is present
      type: list
      elements: str
      sample: ["certbot has none for the site"]
    lineage:
      description: As RV(lineage).
      returned: state is present
      type: str
      sample: port443-www.example.com
    served:
      description: As RV(served).
      returned: state is present and it was installed before, or was now
      type: str
      sample: "yes"
    served_because:
      description: What decides that, empty if it is served.
      returned: as served
      type: str
      sample: ""
    fingerprint:
      description: As RV(fingerprint).
      returned: as served
      type: str
      sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
    not_after:
      description: As RV(not_after).
      returned: as served
      type: str
      sample: "2031-05-04T03:02:01Z"
    days_left:
      description: Whole days until then.
      returned: as served
      type: int
      sample: 89
    paths:
      description: As RV(paths).
      returned: as served
      type: dict
      sample:
        certificate: /etc/port443/www.example.com/current/fullchain.pem
fingerprints:
  description: The SHA-256 that each host name of the sites has to serve, hexadecimal.
  returned: O(sites) is given, and state is present
  type: dict
  sample: {"www.example.com": "4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22"}
installed:
  description: Packages that were installed for certbot, or would be in check mode.
  returned: O(install=true), and O(state=present)
  type: list
  elements: str
  sample: [certbot]
issued:
  description: Whether certbot got a (new) certificate, or in check mode would.
  returned: O(name) is given, and state is present
  type: bool
  sample: true
issued_because:
  description: Why it did.
  returned: as issued
  type: list
  elements: str
  sample: ["certbot has none for the site"]
lineage:
  description: What certbot calls the certificate.
  returned: as issued
  type: str
  sample: port443-www.example.com
commands:
  description: Commands that were run, or would be in check mode.
  returned: O(sites) is given, or state is present or revoked
  type: list
  elements: str
  sample: ["systemctl enable --now port443-renewal.timer"]
served:
  description: Whether the certificate is served, as M(port443.https.certificate) returns it.
  returned: as issued, but not in check mode where a certificate would be issued
  type: str
  sample: "yes"
fingerprint:
  description: SHA-256 of the certificate, hexadecimal.
  returned: as served
  type: str
  sample: 4f3c1e6f64b1ac08f2c2f0b0a4a3b0c1c7b8ec4ae7b6e8a4cd1c8d1f6b5d1c22
not_after:
  description: When the certificate expires, in UTC.
  returned: as served
  type: str
  sample: "2031-05-04T03:02:01Z"
paths:
  description: Where the service finds the pair, as M(port443.https.certificate) returns it.
  returned: as served
  type: dict
  sample:
    certificate: /etc/port443/www.example.com/current/fullchain.pem
"""

from ansible_collections.port443.https.plugins.module_utils._payload import PackedModule, run_packed
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import (
    ARGUMENTS,
    EXCLUSIVE,
    REQUIRED_ONE_OF,
)
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule


class CertbotModule(SecretModule, PackedModule):
    """A module whose code and whose secret come apart from its parameters, so that they are neither logged nor kept."""


def main() -> None:
    """Runs the module."""
    module = CertbotModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=EXCLUSIVE,
        required_one_of=REQUIRED_ONE_OF,
        supports_check_mode=True,
    )
    run_packed("certbot_certificate", module)


if __name__ == "__main__":
    main()

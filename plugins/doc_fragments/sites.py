# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option sites of the module of that name."""

from __future__ import annotations


class ModuleDocFragment:
    """What a site is."""

    DOCUMENTATION = r"""
options:
  sites:
    description:
      - The sites. Other sites that were made by this module stay as they are, unless O(purge) is set.
      - With O(state=absent) their names are enough.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the site, of its file, and of the folder of its certificate. Usually its host name, in small
            letters.
        type: str
        required: true
      names:
        description:
          - The host names and addresses that the site answers to. By default, O(sites[].name).
          - Wildcards such as V(*.example.com) and names beyond ASCII are host names as well. No two sites share one.
          - The certificate has to cover all of them.
        type: list
        elements: str
      root:
        description:
          - Folder of the files to serve. By default, where the distribution's server has its own.
          - One that is not there is refused, unless O(sites[].make_root) has it made, as nothing of it could be served;
            check mode warns, since an earlier task may be what would make it.
        type: path
      make_root:
        description: >-
          Whether to make O(sites[].root), and those of O(sites[].locations), where they are missing, with what is
          missing above them: empty, root's, for everybody to read. They stay when the site goes.
        type: bool
        default: false
      proxy_pass:
        description:
          - Addresses of the applications to hand requests to, such as V(http://127.0.0.1:8080), in place of
            O(sites[].root). Requests are shared among several, and one that does not answer is left out.
          - Websockets pass. The application gets C(Host), C(X-Forwarded-For), C(X-Forwarded-Proto) and
            C(X-Forwarded-Host); what a visitor sends under these names does not pass.
        type: list
        elements: str
      health_path:
        description: >-
          Path that HAProxy, and Apache with several, asks of each backend to see whether it is well, such as
          V(/healthz). nginx and lighttpd ask nobody, and refuse it.
        type: str
        default: ""
      verify_backend:
        description: >-
          Whether the certificate of an application behind V(https://), which all servers but lighttpd can ask, has to
          be trusted and to fit its name.
        type: bool
        default: true
      backend_ca:
        description: File on the host with the CAs to trust for that. By default those of the system.
        type: path
      locations:
        description:
          - Paths of the site that are answered in another way, each with exactly one of
            O(sites[].locations[].proxy_pass), O(sites[].locations[].root), O(sites[].locations[].php),
            O(sites[].locations[].redirect_to) and O(sites[].locations[].directives).
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Every request whose path begins with this is meant; of several, the longest counts.
            type: str
            required: true
          proxy_pass:
            description: As for the site.
            type: list
            elements: str
          root:
            description: Folder of files; the whole path of a request is looked for below it.
            type: path
          php:
            description: Where php-fpm listens, the path of a socket or V(host:port). Scripts are below the site's root.
            type: str
          redirect_to:
            description: An absolute address or path that visitors are sent to.
            type: str
          redirect_code:
            description: The status of that answer.
            type: int
            choices: [301, 302, 303, 307, 308]
            default: 301
          directives:
            description: Lines of your own, in the language of the server.
            type: list
            elements: str
            default: []
      redirect:
        description: Whether plain HTTP redirects to HTTPS, keeping path and query, or serves the same.
        type: bool
        default: true
      hsts_max_age:
        description:
          - For how many seconds browsers refuse to visit the site without HTTPS (HTTP Strict Transport Security). The
            header is sent once, whatever the application sends.
          - They keep to it, so begin with V(300). V(0) sends nothing.
        type: int
        default: 0
      default_server:
        description:
          - Whether the site answers over HTTPS to names that no site has, and to clients that send none, as they do for
            an IP address. The first site with an address among its O(sites[].names) is that without being told.
        type: bool
        default: false
      directives:
        description:
          - Lines of your own for the HTTPS server of the site, in the language of the server, which alone judges them.
            With HAProxy they are in the frontend of all sites.
        type: list
        elements: str
        default: []
      certificate_path:
        description: A certificate with its chain that is on the host already; nothing is installed for the site then.
        type: path
      key_path:
        description: The key of O(sites[].certificate_path).
        type: path
      acme:
        description:
          - The certificate comes afterwards, from a CA that asks the web server first. Until then a self-signed one is
            served, made on the host.
          - The roles hand over here what their certificate is issued with. This module does not look at it, V({}) will
            do; M(port443.https.certbot_certificate) has the certificate issued.
        type: dict
      client_ca:
        description: >-
          File on the host with the CAs whose certificates clients show. With lighttpd all sites have the same.
        type: path
      client_verification:
        description: Whether clients have to show a certificate of O(sites[].client_ca), or may.
        type: str
        choices: [none, optional, required]
      users_file:
        description: >-
          File on the host with users and hashed passwords, as htpasswd writes it. Visitors are asked for one.
        type: path
      security_headers:
        description: >-
          Whether to send C(X-Content-Type-Options: nosniff), C(X-Frame-Options: SAMEORIGIN) and
          C(Referrer-Policy: strict-origin-when-cross-origin).
        type: bool
        default: false
      also_reload:
        description:
          - >-
            Mail servers of the host that have the site's certificate as well, which their own configuration names. They
            are reloaded where they do not serve it, and each of their ports that offers TLS is asked until it is (25,
            465 and 587; 110, 143, 993 and 995), by STARTTLS or by TLS. Where they do not serve it, everything is as it
            was before.
          - >-
            For certificates that the site brings, or O(sites[].certificate_path). One that is issued is renewed without
            them, so that this does not go with O(sites[].acme). On Linux.
        type: list
        elements: str
        choices: [dovecot, postfix]
        default: []
      certificate:
        description:
          - The certificate in PEM, alone or with its chain, or in DER as base64. This option and those after it are the
            ones of M(port443.https.certificate).
        type: str
      certificate_file:
        description: >-
          A file with what O(sites[].certificate) says, on the controller, with O(sites[].remote_src) on the host.
        type: path
      key:
        description: The private key in PEM, or in DER as base64. Keep it in ansible-vault.
        type: str
      key_file:
        description: A file with what O(sites[].key) says, found as O(sites[].certificate_file) is.
        type: path
      bundle:
        description: Key, certificate and chain in one, PEM blocks in any order, or PKCS#12 as base64.
        type: str
      bundle_file:
        description: A file with what O(sites[].bundle) says, found as O(sites[].certificate_file) is.
        type: path
      passphrase:
        description: >-
          Opens an encrypted key, or PKCS#12; with O(sites[].own_ca) the keys in that folder. By default O(passphrase).
        type: str
      own_ca:
        description:
          - A folder on the controller with a small CA of one's own, made if it is not there, that issues the
            certificate.
          - With an empty text none does, where O(own_ca) is set for the others.
        type: path
      chain:
        description: The intermediate certificates in PEM, if O(sites[].certificate) does not hold them already.
        type: str
      chain_file:
        description: A file with what O(sites[].chain) says, found as O(sites[].certificate_file) is.
        type: path
      remote_src:
        description: Whether the files named are on the host instead of on the controller; the key then never leaves it.
        type: bool
        default: false
      self_signed:
        description: Whether a self-signed certificate is what is meant. Without this it is refused.
        type: bool
        default: false
      owner:
        description: User, as name or number, who may read the key, for a service that does not read it as root.
        type: str
      group:
        description: >-
          Group, as name or number, that may read the key. With it the mode of the key is 0640 instead of 0600.
        type: str
"""

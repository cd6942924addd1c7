# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of several sites, each with its pair, of what installs certificates."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a pair, for each of several."""

    DOCUMENTATION = r"""
options:
  sites:
    description:
      - Several sites, each with its pair, in place of O(name) and of all options above that say what a pair is. The
        options that are not listed here hold for all of them.
      - All pairs are exchanged as one. The configuration of the service is read, tested and reloaded once, and all
        pairs are proved at the same time. Where any of that fails for one site, all have what they had before, and so
        has the service. A run that was cut off in between is made good by the next one, of this module or of
        M(port443.https.sites), in the same O(directory).
      - What is wrong with any site is told at once, before the host is touched where it can be seen there.
      - An empty list does nothing.
    type: list
    elements: dict
    suboptions:
      name:
        description: The site, as O(name).
        type: str
        required: true
      names:
        description: Names that the certificate has to cover, as O(names). By default, O(sites[].name).
        type: list
        elements: str
      certificate:
        description: As O(certificate).
        type: str
      certificate_file:
        description: As O(certificate_file), on the controller, with O(sites[].remote_src) on the host.
        type: path
      key:
        description: As O(key).
        type: str
      key_file:
        description: As O(key_file), found as O(sites[].certificate_file) is.
        type: path
      bundle:
        description: As O(bundle).
        type: str
      bundle_file:
        description: As O(bundle_file), found as O(sites[].certificate_file) is.
        type: path
      passphrase:
        description: As O(passphrase), which is what it is by default.
        type: str
      own_ca:
        description: >-
          As O(own_ca), which it is by default for a site that brings no certificate and no key; an empty text is no CA.
        type: path
      chain:
        description: As O(chain).
        type: str
      chain_file:
        description: As O(chain_file), found as O(sites[].certificate_file) is.
        type: path
      remote_src:
        description: As O(remote_src).
        type: bool
        default: false
      self_signed:
        description: As O(self_signed).
        type: bool
        default: false
      bindings:
        description: As O(bindings).
        type: list
        elements: dict
        default: []
        suboptions:
          port:
            description: As O(bindings[].port).
            type: int
            default: 443
          address:
            description: As O(bindings[].address).
            type: str
          sni:
            description: As O(bindings[].sni).
            type: str
          appid:
            description: As O(bindings[].appid).
            type: str
      owner:
        description: As O(owner).
        type: str
      group:
        description: As O(group).
        type: str
"""

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options, notes and attributes that all modules about ports share, written once."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a rule set."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the rule set. Each name is owned and changed independently of the others.
      - Lower-case letters, digits and C(-), starting with a letter, at most 20 characters.
      - On the host the set is a chain called C(port443-<name>).
    type: str
    default: https
  ports:
    description:
      - The ports of the set, each a number or a rising range, C(/) and a protocol, such as V(443/tcp) or
        V(8000-8010/udp), or the name of a service, such as V(https) or V(domain/udp). A service name alone means its
        TCP port.
      - Protocols are C(tcp), C(udp), C(sctp) and C(dccp). Overlaps and repeats are merged.
      - The set becomes exactly this list. It must not be empty with O(state=present), and is ignored with
        O(state=absent).
    type: list
    elements: str
    default: [80/tcp, 443/tcp]
  state:
    description:
      - V(present) makes the set on the host exactly what was asked, live and for the next boot.
      - V(absent) removes exactly what this set added, live and from the files loaded at boot, whatever O(persistent)
        says.
    type: str
    choices: [present, absent]
    default: present
  source:
    description:
      - Addresses and networks of either IP version that may connect. Empty means anyone.
      - With networks of one IP version only, only that version is opened, and a warning says so.
      - Host bits that are set and scope ids are refused.
    type: list
    elements: str
    default: []
  interface:
    description: Network interfaces on which connections may arrive. Empty means any.
    type: list
    elements: str
    default: []
  direction:
    description: Which connections the set lets through. V(in) are those that others open to this host.
    type: str
    choices: [in]
    default: in
  position:
    description:
      - Where the jump to the set's chain goes among the rules that are there.
      - V(auto) puts it directly before the rule that blocks strangers, so behind every ban. It never overrules a rule
        that blocks one of the ports by number, sources that it names, or every source but some; the port is then
        reported as V(blocked).
      - V(first) puts it before all others, so before bans as well.
      - V(last) puts it behind all others.
    type: str
    choices: [auto, first, last]
    default: auto
  persistent:
    description: Whether the set is also written to the file that the host loads at boot, if it loads one.
    type: bool
    default: true
  require_effective:
    description:
      - Whether a port that is not V(open) afterwards is a failure. Everything is then taken back, and the message names
        the rule that decides.
    type: bool
    default: false
requirements:
  - Python 3.8 or newer, root and CAP_NET_ADMIN on the host.
notes:
  - Rules and files of others stay as they are, byte for byte.
  - The tools of the host are used as they are found; nothing is installed.
attributes:
  check_mode:
    description: Predicts what a real run does without changing anything.
    support: full
  diff_mode:
    description: Shows the rules before and after.
    support: full
  platform:
    description: Systems the module manages.
    support: full
    platforms: linux
"""

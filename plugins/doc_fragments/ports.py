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
      - On the host the set is a chain or a service called C(port443-<name>), or rules with that comment.
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
  direction:
    description:
      - Which connections the set lets through. V(in) are those that others open to these ports of this host, V(out)
        those that this host opens to these ports of others, V(both) are both.
      - With V(out) and V(both) neither sources nor interfaces nor a zone may be named.
    type: str
    choices: [in, out, both]
    default: in
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
notes:
  - Rules and files of others stay as they are, byte for byte.
  - The tools of the host are used as they are found; nothing is installed.
attributes:
  async:
    description: Can be run with C(async).
    support: full
    details: >-
      Ansible kills a task whose time is over, and nothing is then taken back. Give it more time than it can need.
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

    POSIX = r"""
options: {}
requirements:
  - Python 3.8 or newer, root and CAP_NET_ADMIN on the host.
"""

    INTERFACE = r"""
options:
  interface:
    description:
      - Network interfaces on which connections may arrive. Empty means any.
      - iptables, nftables and pf have this; another firewall refuses it.
    type: list
    elements: str
    default: []
"""

    POSITION = r"""
options:
  position:
    description:
      - Where the jump to the set's chain goes among the rules that are there.
      - V(auto) puts it directly before the rule that blocks strangers, so behind every ban. It never overrules a rule
        that blocks one of the ports by number, sources that it names, or every source but some; the port is then
        reported as V(blocked).
      - V(first) puts it before all others, so before bans as well.
      - V(last) puts it behind all others.
      - With pf, V(auto) and V(last) are the end of C(pf.conf), and V(first) is before its first rule that filters.
      - firewalld has no such order and refuses V(first) and V(last).
    type: str
    choices: [auto, first, last]
    default: auto
"""

    ADOPT = r"""
options:
  adopt:
    description:
      - Whether rules that somebody else made, and that let in nothing but what is asked for here, become part of the
        set. They are removed in the same step, which the diff shows, and so close with the set.
      - Rules that let in more than that stay as they are.
    type: bool
    default: false
"""

    TIMEOUT = r"""
options:
  timeout:
    description:
      - Open the ports for a time, after which the firewall closes them by its own means. A number of seconds, or one
        with C(s), C(m), C(h) or C(d) behind it, such as V(30m); 30 days at most.
      - The set is then not saved for the next boot, whatever O(persistent) says.
      - iptables, nftables and firewalld have this; ufw and pf refuse it.
      - A run while the set is still open leaves the time that remains as it is; a run after that opens it anew.
    type: str
"""

    CONFIRM = r"""
options:
  confirm:
    description:
      - Have the host take the change back by itself after this time, unless Ansible comes back over a new
        connection before. A number of seconds, or one with C(s) or C(m) behind it, such as V(60s); 5 seconds at
        least, an hour at most. V(0) and V(none) are for no confirmation.
      - V(auto), or nothing, is a minute for a change that switches a firewall on, that has it load all of its rules
        anew, or after which the port of ssh that Ansible came by would be shut; and no confirmation for all others,
        and on connections that none is possible on. The task then takes one more trip to the host.
      - Before the first step the host has a timer that is proved to wait, of systemd where that runs, else a
        process of its own. It outlives the task, the connection and the controller. Then the change is made, and
        the task makes a new connection and ends the timer over it. Where that fails, so does the task; rules and
        files are as they were before.
      - Rules take effect at once, and are written for the next boot when they are confirmed, so that a reboot in
        between takes them back as well. What switches ufw on, or has firewalld reload, writes files first; with
        systemd, a reboot in between puts these back, and without it a warning says that it does not.
      - It needs a connection through the host's firewall, as ssh is one, and no C(async). Another run waits for a
        change that is not confirmed, and fails after a minute. What a host took back, the next run tells in a
        warning.
      - Nothing is confirmed where nothing changes, or files alone, and in check mode.
      - iptables, nftables, firewalld and ufw have this; another firewall refuses it.
    type: str
"""

    ZONE = r"""
options:
  zone:
    description:
      - The zone of firewalld. If left out, the zone of the interface with the default route.
      - firewalld alone has this; another firewall refuses it.
    type: str
"""

    ENABLE = r"""
options:
  enable:
    description:
      - Whether to switch ufw or pf on if it is off. Without this, rules are stored and reported as not effective.
      - ufw and pf alone have this; another firewall refuses it.
      - It is refused if the connection that Ansible itself came by would be cut, and where a start of ufw would take
        rules of others away (by C(MANAGE_BUILTINS=yes) or C(IPV6=no), or as ufw's files declare the same chain).
    type: bool
    default: false
"""

    ANCHOR = r"""
options:
  anchor:
    description:
      - The name of pf's anchor that holds the set, if not C(port443.<name>). Name one that C(pf.conf) calls already to
        choose the place among the other rules.
      - pf alone has this; another firewall refuses it.
    type: str
"""

    WINDOWS = r"""
options:
  profiles:
    description:
      - The profiles of Windows Firewall in which the set counts, V(domain) and V(private) if left out. A network that
        is none of these, as that of most machines in a cloud, is V(public).
      - Windows alone has this; another firewall refuses it.
    type: list
    elements: str
    choices: [domain, private, public]
  display_name:
    description:
      - What Windows shows as the name of the set's rules, C(port443 NAME (TCP in)) and the like if left out. The rules
        are known by their id, so another name changes the rules that are there.
      - Windows alone has this; another firewall refuses it.
    type: str
  group:
    description:
      - The group in which Windows shows the set's rules, C(port443) if left out. It is for people.
      - Windows alone has this; another firewall refuses it.
    type: str
  program:
    description:
      - The program that the set is for, as a full path. C(%SystemRoot%) and the like are kept as typed; C(System) is
        what IIS listens as. Any program if left out, or V(any).
      - Windows alone has this; another firewall refuses it.
    type: str
  service:
    description:
      - The service that the set is for, by its short name, such as C(W3SVC). Any service and any program if left out,
        or V(any).
      - Windows alone has this; another firewall refuses it.
    type: str
  edge_traversal:
    description:
      - Whether connections may come through a NAT that Windows itself traverses, with O(direction=in) alone.
      - Windows alone has this; another firewall refuses it.
    type: bool
    default: false
"""

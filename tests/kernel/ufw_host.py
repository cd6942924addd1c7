# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host with ufw for tests: files as ufw 0.36 keeps them, loaded into the kernel in the order that ufw loads them."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.boot import boot_text
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import observe_settings
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from rooted import RootedHost, tool

ENABLED, DISABLED = "# made by a test\nENABLED=yes\n\nLOGLEVEL=low\n", "# made by a test\nENABLED=no\n\nLOGLEVEL=low\n"
DEFAULTS = """IPV6=yes
DEFAULT_INPUT_POLICY="DROP"
DEFAULT_OUTPUT_POLICY="ACCEPT"
DEFAULT_FORWARD_POLICY="DROP"
MANAGE_BUILTINS=no
"""
SSH = """
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=737368
-A ufw-user-input -p tcp --dport 22 -j ACCEPT
"""
BAN = """
### tuple ### deny any any 0.0.0.0/0 any 203.0.113.5 in
-A ufw-user-input -s 203.0.113.5 -j DROP
"""
DENY_443 = """
### tuple ### deny tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=6e6f
-A ufw-user-input -p tcp --dport 443 -j DROP
"""
ALLOW_443 = """
### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=6d696e65
-A ufw-user-input -p tcp --dport 443 -j ACCEPT
"""
DENY_OUT = """
### tuple ### deny any any 0.0.0.0/0 any 0.0.0.0/0 out
-A ufw-user-output -j DROP
"""
# The rules of the package's files that decide about connections.
_BEFORE = """*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-before-forward - [0:0]
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-output -o lo -j ACCEPT
{discovery}-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
COMMIT
"""
_AFTER = """*filter
:ufw-after-input - [0:0]
-A ufw-after-input -p udp --dport 137 -j ufw-skip-to-policy-input
COMMIT
"""
_DISCOVERY = "".join(
    f"-A ufw-before-{hook} -p icmpv6 --icmpv6-type {kind} -m hl --hl-eq 255 -j ACCEPT\n"
    for hook in ("input", "output")
    for kind in (135, 136)
)
_USER = """*filter
:ufw-user-input - [0:0]
:ufw-user-output - [0:0]
:ufw-user-forward - [0:0]
:ufw-user-logging-input - [0:0]
:ufw-logging-deny - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
### RULES ###
{rules}
### END RULES ###

### LOGGING ###
-I ufw-logging-deny -m conntrack --ctstate INVALID -j RETURN -m limit --limit 3/min --limit-burst 10
### END LOGGING ###

### RATE LIMITING ###
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
### END RATE LIMITING ###
COMMIT
"""


def for_ipv6(text):
    """The same text as ufw has it for IPv6."""
    return text.replace("ufw-", "ufw6-").replace("0.0.0.0/0", "::/0").replace("203.0.113.5", "2001:db8:bad::5")


class UfwHost(RootedHost):
    """A host on which ufw is installed; the command itself is played, as far as its effect on files and kernel goes."""

    def set_up(self, rules="", frontend="iptables-nft", enabled=True, **settings):
        """Writes ufw's files with these rules of users and, where ufw is on, loads them all."""
        defaults = DEFAULTS
        for name, value in settings.items():
            defaults += f"{name}={value}\n"
        self.put("/etc/default/ufw", defaults)
        self.put("/etc/ufw/ufw.conf", ENABLED if enabled else DISABLED)
        self.put("/run/ufw.lock", "")  # every call of ufw leaves it
        texts = {"before": _BEFORE, "after": _AFTER, "user": _USER.replace("{rules}", rules)}
        for name, text in texts.items():
            self.put(f"/etc/ufw/{name}.rules", text.replace("{discovery}", ""))
            self.put(f"/etc/ufw/{name}6.rules", for_ipv6(text.replace("{discovery}", _DISCOVERY)))
        self.enable("ufw")
        if enabled:
            self.start(frontend)

    def start(self, frontend="iptables-nft", flush=True):
        """Loads what ufw loads when it starts, in place of what was there or beside it."""
        files = {path: content.decode("utf-8") for path in self._rules() for content in [self.read(path)] if content}
        for family, command in ((4, frontend), (6, frontend.replace("iptables", "ip6tables"))):
            options = () if flush else ("--noflush",)
            tool(command + "-restore", *options, stdin=boot_text(observe_settings(self), family, files))

    def edit(self, path, before, after):
        """Changes a file as an administrator would."""
        text = self.read(path).decode("utf-8")
        assert before in text
        self.put(path, text.replace(before, after))

    def find(self, name):
        return "/usr/sbin/ufw" if name == "ufw" else super().find(name)

    def hold(self, path):
        return super().hold(path and self._at(path))

    def run(self, argv, stdin=""):
        if argv[0] == "tee":
            self.put(argv[1], stdin)
        elif argv == ("ufw", "--force", "enable"):
            self.edit("/etc/ufw/ufw.conf", "ENABLED=no", "ENABLED=yes")
            for path in ("/etc/ufw/user.rules", "/etc/ufw/user6.rules"):  # ufw writes those that log anew
                self.edit(path, "### LOGGING ###\n", "### LOGGING ###\n# anew\n")
            self.start(flush="IPV6=no" in self.read("/etc/default/ufw").decode("utf-8"))
        elif argv == ("ufw", "--force", "disable"):  # ufw_stop in ufw-init-functions: it leaves chains and jumps behind
            self.put(
                "/etc/ufw/ufw.conf", self.read("/etc/ufw/ufw.conf").decode("utf-8").replace("ENABLED=yes", "ENABLED=no")
            )
            for name in ("iptables", "ip6tables"):
                chains = [
                    line.split()[0] + " -" for line in tool(name + "-save").splitlines() if line.startswith(":ufw")
                ]
                lines = ["*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT", *chains, "COMMIT", ""]
                tool(name + "-restore", "--noflush", stdin="\n".join(lines))
        else:
            return super().run(argv, stdin)
        return Completed(tuple(argv), 0, "", "")

    def _rules(self):
        return [f"/etc/ufw/{name}{six}.rules" for name in ("before", "after", "user") for six in ("", "6")]

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of certbot's cli.ini that would make another renewal than the one that was asked for.

webroot-path, standalone, domain, cert-name, force-interactive, dry-run and config-dir were seen to break a renewal by
certbot 2.1 and Pebble; of the others, what certbot 2.1 makes of its configuration was looked at, or its source read.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import defaults, timer
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import WantedLineage
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

HOOK = "/usr/bin/python3 -I /var/lib/port443/renewal.pyz"
WEBROOT = WantedLineage(
    "port443-www.example.com",
    ("www.example.com",),
    "ecdsa-p256",
    "https://ca.example/dir",
    "/var/lib/port443/acme",
    None,
    HOOK,
)
PORT = replace(WEBROOT, standalone_port=8888, key_type="rsa-3072")
STAGED = replace(WEBROOT, server=defaults.STAGING)
PROOF = "its names would be proved in another way"
KEY = "it would have another kind of key"
CA = "it would come from another CA"
NEVER = "it would not be renewed"
INSTALLED = "it would not be installed (a hook for all certificates goes into /etc/letsencrypt/renewal-hooks/deploy)"


def problems(text, want=WEBROOT):
    found = defaults.find_beaten(defaults.parse("cli.ini", text), RenewalPaths(), want)
    return [problem.partition(": ")[2].partition(": ")[2] for problem in found]


@pytest.mark.parametrize(
    ("line", "want", "problem"),
    [
        ("authenticator = nginx", WEBROOT, PROOF),
        ("authenticator = webroot", PORT, PROOF),
        ("authenticator = dns-rfc2136", WEBROOT, PROOF),
        ("nginx = true", WEBROOT, PROOF),
        ("apache", WEBROOT, PROOF),
        ("manual yes", WEBROOT, PROOF),
        ("standalone = True", WEBROOT, PROOF),
        ("webroot = 1", PORT, PROOF),
        ("dns-cloudflare = true", WEBROOT, PROOF),
        ("configurator = nginx", WEBROOT, PROOF),
        ("webroot-path = /var/www/html", WEBROOT, PROOF),
        ("webroot-path: /var/www/html", WEBROOT, PROOF),
        ("webroot-path /var/www/html", WEBROOT, PROOF),
        ("--webroot-path /var/www/html", WEBROOT, PROOF),
        ('webroot-path = "/var/www/html" # for the others', WEBROOT, PROOF),
        ('webroot-map = {"a.example":"/var/www/html"}', WEBROOT, "it would be for other names"),
        ("preferred-challenges = dns", WEBROOT, PROOF),
        ("http-01-port = 8080", PORT, PROOF),
        ("http-01-address = 192.0.2.1", PORT, PROOF),
        ("server = https://other.example/dir", WEBROOT, CA),
        ("staging = true", WEBROOT, CA),
        ("test-cert = true", WEBROOT, CA),
        ("key-type = rsa", WEBROOT, KEY),
        ("elliptic-curve = secp384r1", WEBROOT, KEY),
        ("key-type = ecdsa", PORT, KEY),
        ("rsa-key-size = 4096", PORT, KEY),
        ("deploy-hook = systemctl reload nginx", WEBROOT, INSTALLED),
        ("renew-hook = systemctl reload nginx", WEBROOT, INSTALLED),
        ("cert-name = own.example.com", WEBROOT, NEVER),
        ("domain = own.example.com", WEBROOT, NEVER),
        ("csr = /etc/ssl/own.csr", WEBROOT, NEVER),
        ("dry-run = true", WEBROOT, NEVER),
        ("no-autorenew = true", WEBROOT, NEVER),
        ("force-interactive = true", WEBROOT, NEVER),
        ("force-renewal = true", WEBROOT, "it would be issued again at every look"),
        ("renew-by-default = yes", WEBROOT, "it would be issued again at every look"),
        ("must-staple = true", WEBROOT, "clients would refuse it where a server does not staple"),
        ("allow-subset-of-names = true", WEBROOT, "it could be for fewer names"),
        ("duplicate = true", WEBROOT, "certbot would keep it under another name"),
        ("account = 0123", replace(WEBROOT, account="4567"), "it would be renewed with another account"),
        ("config-dir = /srv/letsencrypt", WEBROOT, "certbot would keep it elsewhere"),
    ],
)
def test_a_line_that_beats_what_was_asked_for_is_found(line, want, problem):
    assert problems(line, want) == [problem]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        # As Debian 12 has it.
        ("# comment\nmax-log-backups = 0\n; another\npreconfigured-renewal = True\n", WEBROOT),
        ("", WEBROOT),
        ("[section]\n---\n----------\n=\n", WEBROOT),
        ("email = a@example.com\nagree-tos = true\nno-eff-email = true\nreuse-key = true\n", WEBROOT),
        (
            "authenticator = webroot\nwebroot-path = /var/lib/port443/acme/\nwebroot = true\nstandalone = false\n",
            WEBROOT,
        ),
        ("authenticator = standalone\nhttp-01-port = 8888\nhttp-01-address = 127.0.0.1\n", PORT),
        ("webroot-path = /var/www/html\nelliptic-curve = secp384r1\n", PORT),
        ("http-01-port = 8080\nrsa-key-size = 4096\n", WEBROOT),
        ("key-type = ecdsa\nelliptic-curve = secp256r1\n", WEBROOT),
        ("key-type = rsa\nrsa-key-size = 3072\n", PORT),
        ("preferred-challenges = dns, http\n", WEBROOT),
        ("server = https://ca.example/dir\ncert-name = port443-www.example.com\n", WEBROOT),
        (f"deploy-hook = {HOOK}\nconfig-dir = /etc/letsencrypt/\n", WEBROOT),
        ("staging = true\n", STAGED),
        ("account = 0123\n", WEBROOT),
        ("account = 0123\n", replace(WEBROOT, account="0123")),
        # certbot does not heed it for renewals, and our argument beats it.
        ("domains = own.example.com\ndns-cloudflare-credentials = /root/cloudflare.ini\n", WEBROOT),
        ("pre-hook = true\npost-hook = true\ninstaller = nginx\nforce-renewal = false\n", WEBROOT),
    ],
)
def test_a_line_that_beats_nothing_is_no_matter(text, want):
    assert problems(text, want) == []


def test_all_that_stands_in_the_way_is_told_with_its_place_and_what_would_do(renewed):
    (renewed.root / "letsencrypt").mkdir()
    (renewed.root / "letsencrypt/cli.ini").write_text("max-log-backups = 0\n\nwebroot-path = /var/www/html\nnginx\n")
    with pytest.raises(HostError) as refused:
        defaults.refuse_beaten(defaults.read_all(Host(), renewed.layout), renewed.layout, WEBROOT)
    path = f"{renewed.layout.certbot}/cli.ini"
    assert refused.value.message == (
        "certbot's own configuration beats what a certificate was issued with, whenever it is renewed:\n"
        f"{path}, line 3: webroot-path = /var/www/html: {PROOF}\n"
        f"{path}, line 4: nginx = true: {PROOF}\n"
        "Remove these settings, or ask for the same here. The certificates that certbot has keep what they were issued "
        f"with in {renewed.layout.certbot}/renewal."
    )


def test_the_files_of_the_host_and_of_root_are_read_and_roots_beats_the_hosts(renewed):
    files = {"letsencrypt": "server = https://a\nkey-type = rsa\n", "home/.config/letsencrypt": "--server https://b\n"}
    for folder, text in files.items():
        (renewed.root / folder).mkdir(parents=True)
        (renewed.root / folder / "cli.ini").write_text(text)
    own = f"{renewed.root}/home/.config/letsencrypt/cli.ini"
    assert defaults.read_all(Host(), renewed.layout) == (
        defaults.Default(own, 1, "server", "https://b"),
        defaults.Default(f"{renewed.root}/letsencrypt/cli.ini", 2, "key-type", "rsa"),
    )


def test_a_host_without_such_files_says_nothing(renewed):
    assert defaults.read_all(Host(), renewed.layout) == ()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("/usr/bin/certbot -q renew --no-random-sleep-on-renew", ()),
        ("certbot renew --webroot-path /var/lib/port443/acme -n", ()),
        ("certbot -q renew --webroot-path /srv/www", (f"certbot.service: --webroot-path /srv/www: {PROOF}",)),
        ("certbot renew -w /srv/www", (f"certbot.service: --webroot-path /srv/www: {PROOF}",)),
        ("certbot renew --deploy-hook=/x -q", (f"certbot.service: --deploy-hook /x: {INSTALLED}",)),
        ("certbot --nginx renew", (f"certbot.service: --nginx true: {PROOF}",)),
        ("certbot -q --dry-run renew", (f"certbot.service: --dry-run true: {NEVER}",)),
        (
            "certbot renew --force-renewal --key-type rsa",
            (
                "certbot.service: --force-renewal true: it would be issued again at every look",
                f"certbot.service: --key-type rsa: {KEY}",
            ),
        ),
    ],
)
def test_the_command_of_certbots_timer_beats_a_renewal_too(command, problem):
    found = defaults.parse_command("certbot.service", command.split())
    assert defaults.find_beaten(found, RenewalPaths(), WEBROOT) == problem


class Clock(Host):
    """A host with systemd or with cron, and what that runs."""

    def __init__(self, said="", table=None, code=0):
        self.said, self.table, self.code = said, table, code

    def run(self, argv, stdin=""):
        if "--property=ExecStart" in argv:
            return Completed(argv, self.code, self.said, "no bus" if self.code else "")
        return Completed(argv, 0, "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n", "")

    def read(self, path):
        return self.table if path == "/etc/cron.d/certbot" else None


# systemctl show --property=ExecStart of systemd 252, with a drop-in that adds a command.
SHOWN = """ExecStart={ path=/usr/bin/certbot ; argv[]=/usr/bin/certbot -q renew ; ignore_errors=no ; \
start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
ExecStart={ path=/usr/bin/certbot ; argv[]=/usr/bin/certbot renew -w /srv ; ignore_errors=no ; start_time=[n/a] ; }
""".replace("\\\n", "")
# Debian's table, where it sleeps for longer.
TABLE = b"""# certbot renew -w /srv is an example
0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep 1' && certbot -q renew
"""


@pytest.mark.parametrize(
    ("has_systemd", "host", "commands"),
    [
        (
            True,
            Clock(SHOWN),
            (
                ("certbot.service", ("/usr/bin/certbot", "-q", "renew")),
                ("certbot.service", ("/usr/bin/certbot", "renew", "-w", "/srv")),
            ),
        ),
        (True, Clock("ExecStart=\n"), ()),
        (False, Clock(table=TABLE), (("/etc/cron.d/certbot", ("certbot", "-q", "renew")),)),
        (False, Clock(), ()),
    ],
)
def test_what_the_clock_runs_is_read_with_all_that_was_added_to_it(monkeypatch, has_systemd, host, commands):
    monkeypatch.setattr(timer.os.path, "isdir", lambda path: has_systemd)
    assert timer.find_commands(host) == commands
